"""Which known bug fails like this: compares the failing tests of a run with a
catalogue of bugs and how each makes tests fail.

A bug and a run are sets of features: that a test fails, how it does, on which
input it does first, which words its name has. A feature that few bugs have
weighs more than one that many have (inverse document frequency), and two sets
are as alike as the weight that they share is to the weight of both.
"""

import collections
import functools
import itertools
import json
import math
import pathlib
import re
from dataclasses import dataclass

from cli import test_names
from cli.why import symptoms

CATALOGUE = pathlib.Path(__file__).with_name("catalogue.json")

# What a feature counts beside its rarity.
WEIGHTS = {
    "test": 1.0,
    "kind": 0.5,
    "check": 0.5,
    "index": 0.25,
    "ratio": 0.25,
    "times": 0.25,
    "context": 0.25,
    "always": 1.0,
    "word": 0.25,
}
# Likeness from which the words of a known bug are meant; or a third of it, if
# the run has so much of how the bug fails.
FITS = 0.6
COVERED = 0.9
# Scores below which causes are named as a mere resemblance, and not at all.
SURE = 0.6
KNOWN = 0.3
HELP_OF_THE_SECOND = 0.3
HELP_OF_SIGNS = 1.5


@dataclass(frozen=True, eq=False)  # compared by identity, which is fast
class KnownBug:
    name: str
    module: int
    function: str
    file: str  # "03_memoization/kv_cache.cc"
    cause: str
    title: str
    hint: str
    failing: tuple  # of Symptom


@dataclass(frozen=True)
class Catalogue:
    bugs: tuple
    causes: dict  # cause: what usually goes wrong
    contracts: dict  # header: function: cause or "any": its sentence

    def sentence(self, function, cause):
        """(header, sentence) of the contract that such a bug breaks."""
        for header, functions in self.contracts.items():
            if function in functions:
                by_cause = functions[function]
                return header, by_cause.get(cause, by_cause["any"])
        raise KeyError(function)


def read_catalogue(path=CATALOGUE):
    fields = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    bugs = tuple(
        KnownBug(
            **(
                bug
                | {
                    "failing": tuple(
                        symptoms.from_json(each) for each in bug["failing"]
                    )
                }
            )
        )
        for bug in fields["bugs"]
    )
    return Catalogue(bugs, fields["causes"], fields["contracts"])


def _words(test):
    """The words of a test's name that say what it is about."""
    return re.findall(r"[A-Z][a-z]+|\d+", test.split(".", 1)[-1])


def features(failing):
    """The features of failing tests; each begins with a key of WEIGHTS."""
    found = set()
    for each in failing:
        test = each.test
        found.add(("test", test))
        found.add(("kind", test, each.kind))
        found.add(("check", test, each.check))
        found.add(("times", test, each.times))
        for part in ("index", "ratio", "context"):
            if getattr(each, part):
                found.add((part, test, getattr(each, part)))
        found.update(("always", test, each_) for each_ in each.always)
        found.update(("word", word) for word in _words(test))
    return frozenset(found)


class Rarity:
    """How much features weigh, by how many bugs have each."""

    def __init__(self, sets):
        having = collections.Counter(itertools.chain.from_iterable(sets))
        self.total = len(sets)
        self.weights = {
            feature: self._weight(feature, count)
            for feature, count in having.items()
        }

    def _weight(self, feature, count):
        return WEIGHTS[feature[0]] * math.log((self.total + 1) / (count + 1))

    def of(self, feature):
        known = self.weights.get(feature)
        return self._weight(feature, 0) if known is None else known

    def sum(self, several):
        return sum(map(self.of, several))


def overlap(mine, other, rarity):
    """How alike two sets are, from 0, nothing in common, to 1, the same; and
    how much of the other one is in mine."""
    shared = rarity.sum(mine & other)
    its = rarity.sum(other)
    return (
        shared / (rarity.sum(mine) + its - shared or 1),
        shared / (its or 1),
    )


def signs(failing, causes, rarity):
    """{cause: from 0 to 1, how clearly the failing tests show it}: the share of
    them that points to it, squared, so that one which all show stands out."""
    weights, pointing = {}, {}
    for each in failing:
        pointing[each] = {
            name for name, its in causes.items() if _points_to(each, its)
        }
        if pointing[each] or not test_names.is_of_everything(each.test):
            weights[each] = rarity.of(("test", each.test))
    total = sum(weights.values()) or 1
    return {
        cause: (
            sum(
                weight
                for each, weight in weights.items()
                if cause in pointing[each]
            )
            / total
        )
        ** 2
        for cause in causes
    }


def _points_to(symptom, cause):
    """Whether a failing test has a sign of the cause."""
    inputs = ", ".join(symptom.always) if symptom.times > 1 else symptom.context
    shown = f"{symptom.test} {symptom.kind}: {symptom.check}"
    return any(
        pattern in cause and re.search(cause[pattern], text)
        for pattern, text in (
            ("tests", symptom.test),
            ("shows", shown),
            ("inputs", inputs),
        )
    )


@functools.lru_cache(maxsize=None)
def _features_of(bug, ran):
    return features(
        each for each in bug.failing if ran is None or each.test in ran
    )


@dataclass(frozen=True)
class Likeness:
    """How much a run resembles a known bug."""

    bug: KnownBug
    degree: float  # from 0 to 1
    coverage: float  # the part of how the bug fails that the run has

    @property
    def fits(self):
        """Whether its title and hint are meant. Of two bugs at once, each is
        covered by a run that is not very like it."""
        return self.degree >= FITS or (
            self.coverage >= COVERED and self.degree >= FITS / 3
        )


def likenesses(failing, bugs, ran):
    """The likeness to each of the bugs that could fail any of these tests, most
    alike first; and how rare features are."""
    ran = frozenset(ran) if ran is not None else None
    known = [(bug, _features_of(bug, ran)) for bug in bugs]
    rarity = Rarity([each for _, each in known])
    mine = features(failing)
    found = [
        Likeness(bug, *overlap(mine, its, rarity)) for bug, its in known if its
    ]
    return sorted(found, key=lambda each: (-each.degree, each.bug.name)), rarity


def named(test, functions):
    """Those of `functions` that a test is named after."""
    suite, _, name = test.rpartition(".")
    suite = suite.split("/")[-1]
    whole = {each: each.split("::") for each in functions}
    by_method = [
        each
        for each, parts in whole.items()
        if len(parts) == 2
        and suite.startswith(parts[0])
        and (name.startswith(parts[1]) or parts[1] == "Keys" and "View" in name)
    ]
    return (
        by_method
        or [
            each for each, parts in whole.items() if suite.startswith(parts[-1])
        ]
        or [each for each, parts in whole.items() if suite == parts[0] + "Test"]
    )


def functions_of(catalogue, module):
    """{function: file} of a module, in the order of its tasks."""
    return {
        function: header.replace(".h", ".cc")
        for header, names in catalogue.contracts.items()
        if int(header[:2]) == module
        for function in names
    }


def first_of_its_tests(failing, catalogue, module):
    """The (function, file) of the first function, in the order of the tasks,
    whose own tests fail, since what builds on it fails with it; or None."""
    functions = functions_of(catalogue, module)
    for function, file in functions.items():
        if any(function in named(each.test, functions) for each in failing):
            return function, file
    return None


def place(failing, own, catalogue, module):
    """The (function, file) where it is best to look first: its own tests fail,
    or that of the bug that is most alike."""
    return first_of_its_tests(failing, catalogue, module) or (
        own[0].bug.function,
        own[0].bug.file,
    )


@dataclass(frozen=True)
class Verdict:
    """What is said about failing tests."""

    cause: str
    function: str  # where to look
    file: str
    bug: KnownBug | None  # whose title and hint fit, if any do
    score: float

    @property
    def is_sure(self):
        return self.bug is not None or self.score >= SURE


def verdicts(failing, module, catalogue, ran=None):
    """What may be wrong in a module, most probable first; empty if it is like
    no bug that is known. `failing` are tests of that module, and `ran` those
    that could have failed: None means all."""
    alike, rarity = likenesses(failing, catalogue.bugs, ran)
    own = [each for each in alike if each.bug.module == module]
    if not own:
        return []
    near = place(failing, own, catalogue, module)
    functions = functions_of(catalogue, module)
    # Tests of what is in another file fail because this one is wrong.
    upstream = [
        each
        for each in failing
        if near[1]
        in {functions[one] for one in named(each.test, functions) or [near[0]]}
    ]
    pointing = signs(upstream, catalogue.causes, rarity)
    found = []
    for cause in sorted(catalogue.causes):
        of_cause = [each for each in alike if each.bug.cause == cause]
        if not of_cause:
            continue
        likely = [each.degree for each in of_cause[:2]] + [0.0]
        score = (
            likely[0]
            + HELP_OF_THE_SECOND * likely[1]
            + HELP_OF_SIGNS * (1 - own[0].degree) * pointing[cause]
        )
        fits = [
            each.bug
            for each in of_cause
            if each.bug.module == module and each.fits
        ]
        function, file = near
        if fits:
            function, file = fits[0].function, fits[0].file
        found.append(
            Verdict(cause, function, file, fits[0] if fits else None, score)
        )
    found.sort(key=lambda each: -each.score)
    return found if found[0].score >= KNOWN else []
