"""How often ./kvlab why is right: about bugs that it knows, about bugs like
them that it does not know, about two at once, and about strangers."""

import itertools
import random
from dataclasses import dataclass, replace

from cli.why import diagnosis, symptoms


@dataclass
class Score:
    """Counts of answers."""

    asked: int = 0
    first: int = 0  # the cause that was named first is right
    among_three: int = 0
    function: int = 0  # where to look is right, for the first
    named: int = 0  # the bug itself is among the first three
    unknown: int = 0  # it said that it does not know, and named nothing
    doubtful: int = 0  # it said so, and named causes

    def add(self, bugs, found):
        """Whether one of `bugs` is what was found."""
        causes = {bug.cause for bug in bugs}
        self.asked += 1
        self.unknown += not found
        self.doubtful += bool(found) and not found[0].is_sure
        self.first += bool(found) and found[0].cause in causes
        self.among_three += any(each.cause in causes for each in found[:3])
        names = {each.bug.name for each in found[:3] if each.bug}
        self.named += bool(names & {bug.name for bug in bugs})
        self.function += bool(found) and found[0].function in {
            bug.function for bug in bugs
        }

    def share(self, name):
        return getattr(self, name) / max(1, self.asked)

    def __str__(self):
        return (
            f"{self.asked} asked: right cause first {self.share('first'):.1%}, "
            f"among three {self.share('among_three'):.1%}; right function "
            f"{self.share('function'):.1%}; itself among three "
            f"{self.share('named'):.1%}; doubtful "
            f"{self.share('doubtful'):.1%}, unknown {self.share('unknown'):.1%}"
        )


def without(catalogue, *bugs):
    return replace(
        catalogue,
        bugs=tuple(each for each in catalogue.bugs if each not in bugs),
    )


def leave_one_out(catalogue):
    """(of bugs whose cause another bug has, of the others)."""
    alone, shared = Score(), Score()
    for bug in catalogue.bugs:
        rest = without(catalogue, bug)
        has_others = any(each.cause == bug.cause for each in rest.bugs)
        found = diagnosis.verdicts(bug.failing, bug.module, rest)
        (shared if has_others else alone).add([bug], found)
    return shared, alone


def known(catalogue):
    """Of the bugs themselves."""
    score = Score()
    for bug in catalogue.bugs:
        score.add([bug], diagnosis.verdicts(bug.failing, bug.module, catalogue))
    return score


def together(one, other):
    """How two bugs fail, approximately: every test that either fails, in the
    way that the first does if both do."""
    mine = {each.test for each in one.failing}
    return one.failing + tuple(
        each for each in other.failing if each.test not in mine
    )


def pairs(catalogue, count=300):
    """Of `count` pairs of bugs of a module, drawn always the same."""
    all_pairs = [
        pair
        for pair in itertools.combinations(catalogue.bugs, 2)
        if pair[0].module == pair[1].module and pair[0].cause != pair[1].cause
    ]
    drawn = random.Random(15).sample(all_pairs, min(count, len(all_pairs)))
    score = Score()
    for one, other in drawn:
        failing = together(one, other)
        found = diagnosis.verdicts(failing, one.module, catalogue)
        score.add([one, other], found)
    return score


def planted_pairs(listed, catalogue):
    """Of bugs that were really planted together, as pairs.json lists them."""
    bugs = {each.name: each for each in catalogue.bugs}
    score = Score()
    for pair in listed:
        failing = [symptoms.from_json(one) for one in pair["failing"]]
        both = [bugs[name] for name in pair["bugs"]]
        score.add(both, diagnosis.verdicts(failing, both[0].module, catalogue))
    return score


@dataclass
class Strangers:
    """Answers about mutants."""

    asked: int = 0
    unknown: int = 0
    right: int = 0  # the first cause is one that fits
    wrong: int = 0  # another cause is named first
    wrong_title: int = 0  # of these, in the words of a bug that it is not
    wrong_place: int = 0  # another function, or another file of a helper

    def share(self, name):
        return getattr(self, name) / self.asked

    def __str__(self):
        shares = ", ".join(
            f"{name.replace('_', ' ')} {self.share(name):.1%}"
            for name in (
                *("unknown", "right", "wrong", "wrong_title", "wrong_place"),
            )
        )
        return f"{self.asked} asked: {shares}"


def _is_there(mutant, verdict, catalogue):
    """Whether a mutant is where the verdict says; a helper is in its file."""
    functions = diagnosis.functions_of(catalogue, int(mutant["file"][:2]))
    if mutant["function"] in functions:
        return verdict.function == mutant["function"]
    return verdict.file == mutant["file"]


def strangers(listed, causes, catalogue):
    """Of mutants, as strangers.json lists them; `causes` are those that it is
    right to name, by mutant (strangers.toml)."""
    score = Strangers()
    for each in listed:
        failing = [symptoms.from_json(one) for one in each["failing"]]
        found = diagnosis.verdicts(failing, int(each["file"][:2]), catalogue)
        score.asked += 1
        if not found or not found[0].is_sure:
            score.unknown += 1
            continue
        fits = found[0].cause in causes[each["mutant"]]
        score.right += fits
        score.wrong += not fits
        score.wrong_title += not fits and found[0].bug is not None
        score.wrong_place += not _is_there(each, found[0], catalogue)
    return score
