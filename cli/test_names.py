"""The names of the tests in a GoogleTest source, without running it."""

import difflib
import re

from cli import course_tasks

_TEST = re.compile(
    r"^(TEST|TEST_F|TEST_P|TYPED_TEST)\(\s*(\w+),\s*(\w+)\)", re.M
)

# Tests with parameters are called Prefix/Suite.Name/3: which prefixes and
# numbers there are, only the program knows.
_WITH_PARAMETERS = ("TEST_P", "TYPED_TEST")


# Those that judge the tests that students write: CacheTestsTest.
_OF_TESTS = re.compile(r"(?:\w+/)?\w+TestsTest\.")

# Tests of everything together: they point to no cause, nor away from one.
_TOGETHER = re.compile(
    "EveryFeature|SizesTogether|EveryKind|AnyOrder|EveryCombination|EverySplit|"
    "GoldenLogits|Checkpoint"
)


# Tests that try many inputs, as a rule random ones.
_OF_MANY = re.compile(
    "Any[A-Z]|AllSizes|Hundreds|Thousand|Many|Large(Sizes|Tables)|OfEveryKind"
    "|Slower|GrowsWithItsSizes"
)


def is_of_everything(test):
    return _TOGETHER.search(test) is not None


def judges_tests(test):
    """Whether it judges tests that the student has written."""
    return _OF_TESTS.match(test) is not None


def clearest_first(names, times=None):
    """In the order of the source, in which tests go from small to large; but
    first those of one input, of which fewer than ten assertions fail (times:
    {test: count}), since one that tries many buries in numbers what these say
    by their names. Last those of everything together, then those in processes
    of their own, which GoogleTest runs first."""
    return sorted(
        names,
        key=lambda test: (
            "DeathTest" in test,
            is_of_everything(test),
            _OF_MANY.search(test) is not None,
            len(str((times or {}).get(test, 1))),
        ),
    )


def read(path):
    """["Suite.Name"], in the source's order; "/Suite.Name/" with parameters."""
    return [
        f"/{suite}.{name}/" if kind in _WITH_PARAMETERS else f"{suite}.{name}"
        for kind, suite, name in _TEST.findall(path.read_text(encoding="utf-8"))
    ]


def may_select(pattern, name):
    """Whether a filter of GoogleTest selects this name, or may do so."""
    if not name.startswith("/"):
        return course_tasks.selects(pattern, name)
    suite, _, test = name.strip("/").partition(".")
    return any(
        course_tasks.selects(pattern, each)
        for each in (f"x{name}0", f"{suite}/0.{test}", name.strip("/"))
    ) or ("/" in pattern and (suite in pattern or test in pattern))


def closest(pattern, names):
    """The name that a mistyped pattern most probably means."""
    known = [name.strip("/") for name in names]
    wanted = pattern.strip("*")
    found = difflib.get_close_matches(wanted, known, n=1, cutoff=0)
    return found[0] if found else "Suite.Name"
