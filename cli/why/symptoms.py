"""How tests fail: what can be read from the report of a run, in a form in which
two failures that have one cause look alike.

Messages are normalised: no line numbers, three significant digits. What is
shown of them is not.
"""

import math
import re
from dataclasses import asdict, dataclass, field

from cli import test_reports
from cli.why import meanings

UNWRITTEN = "is not implemented yet"  # in a stub's message
CRASH, LATE = test_reports.CRASH, test_reports.LATE

_NUMBER = r"-?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|nan|inf)"
_ELEMENT = re.compile(
    rf"element \[([\d, ]*)\](?: of \[([\d, ]*)\])? is ({_NUMBER}), "
    rf"expected ({_NUMBER})"
)
_SHAPE = re.compile(r"shape is (\[[\d, ]*\]), expected (\[[\d, ]*\])")
_VALUES = re.compile(r"\n +Which is: (.*)")
_EVALUATES = re.compile(rf" evaluates to ({_NUMBER})[,.\n]")
_COMPARED = re.compile(
    r"^Expected: \((.*)\) (<|>|<=|>=|!=|==) \((.*)\), actual: (.*?) vs (.*)$",
    re.M,
)
# What an assertion other than an equality asks for.
_RELATIONS = {
    "<": "less than ",
    ">": "more than ",
    "<=": "at most ",
    ">=": "at least ",
    "!=": "anything but ",
    "==": "",
}
_PLACE = re.compile(r"^[\w/.]+\.(?:cc|h):\d+\n")
_ACTUAL = re.compile(r"^ +Actual: (.+)$", re.M)
_FALSE = re.compile(r"^ +Actual: (true|false)(?: \((.*)\))?$", re.M)


@dataclass(frozen=True)
class Symptom:
    """A test that fails."""

    test: str  # "Suite.Name"; without the number of a parameter
    kind: str  # see _kind_of
    check: str = ""  # the expression of the first assertion that fails
    index: tuple = ()  # of the first number that differs
    actual: str = ""  # that number, to three digits
    expected: str = ""
    ratio: str = ""  # actual / expected, likewise
    times: int = 1  # assertions that fail
    context: str = ""  # what the test says about its first input
    # What the inputs of all these assertions have in common: "head_dim # = 8",
    # "choices 3 > 0". Empty for one assertion.
    always: tuple = ()
    # For a reader, not for comparisons: the expression that differs, how it
    # does, as the test printed it, and what an error or a signal means.
    subject: str = field(default="", compare=False)
    said: str = field(default="", compare=False)
    means: str = field(default="", compare=False)

    def as_json(self, for_a_reader=False):
        """What is not the default."""
        fields = asdict(self)
        if not for_a_reader:
            for name in ("subject", "said", "means"):
                del fields[name]
        fields["index"] = list(self.index)
        fields["always"] = list(self.always)
        return {
            name: value
            for name, value in fields.items()
            if value not in ("", []) and (name, value) != ("times", 1)
        }


def from_json(fields):
    tuples = {name: tuple(fields.get(name, ())) for name in ("index", "always")}
    return Symptom(**(fields | tuples))


def rounded(text):
    """A number to three significant digits; another text as it is."""
    try:
        number = float(text)
    except ValueError:
        return text
    if math.isnan(number):
        return "nan"
    return f"{number:.3g}"


def _ratio(actual, expected):
    try:
        quotient = float(actual) / float(expected)
    except (ValueError, ZeroDivisionError):
        return ""
    return rounded(str(quotient)) if math.isfinite(quotient) else ""


def _kind_of_number(actual, expected):
    try:
        number, right = float(actual), float(expected)
    except ValueError:
        return "other list" if "{" in actual else "value"
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "infinite"
    if number == 0 and right != 0:
        return "zero"
    if right == 0 and number != 0:
        return "not zero"
    if re.fullmatch(r"\d+", actual) and re.fullmatch(r"\d+", expected):
        return "more" if number > right else "less"
    return "value"


def _check_of(text):
    """The expression that an assertion is about, without its numbers."""
    for start in ("Value of: ", "The difference between ", "Expected: "):
        if text.startswith(start):
            words = text[len(start) :].split("\n", 1)[0]
            words = re.split(r" is [-\d.]|, actual: ", words)[0]
            break
    else:
        lines = [line.strip() for line in text.splitlines()[1:]]
        words = " / ".join(
            line
            for line in lines[:4]
            if line and not line.startswith("Which is")
        )
        words = text.split("\n", 1)[0] if not words else words
    return re.sub(r"\d+", "#", words)[:80]


def _context_of(text):
    """The last line, which tests add: on which input it fails."""
    lines = [line for line in text.splitlines() if line.strip()]
    last = lines[-1] if len(lines) > 1 else ""
    last = re.sub(r"^[\w/.]+\.(cc|h):\d+: ", "", last)  # of a trace
    if re.match(r" |Expected|Google|\[|.*evaluates to|\}", last):
        return ""
    return last[:100]


def _read(text):
    """The kind of difference, and what is known of it."""
    text = _PLACE.sub("", text.strip())
    known = {"check": _check_of(text), "context": _context_of(text)}
    if "C++ exception with description" in text or "unknown file" in text:
        what = re.search(r'description "([^"\n]*)', text)
        said = what[1] if what else ""
        known["check"] = re.sub(r"\d+", "#", said)[:80]
        return "throws", known | {"said": said, "means": _meaning(text)}
    if "throws nothing" in text:
        return "does not throw", known | {"subject": _thrower(text)}
    if "it throws" in text or "it threw" in text:
        known |= {"subject": _thrower(text), "means": _meaning(text)}
        thrown = re.search(r"it (?:throws|threw) (.*)", text)
        return "throws another", known | {"said": thrown[1] if thrown else ""}
    if text.startswith("Death test"):
        died = re.search(r"Terminated by signal (\d+)", text)
        last = re.findall(r"^\[  DEATH   \] (.+)$", text, re.M)[-1:]
        known["said"] = last[0] if last else ""
        known["means"] = meanings.meaning(text) if died else ""
        return ("dies" if died else "fails in a process of its own"), known
    if text.startswith("Failed\n"):
        known["said"] = _cut(text.split("\n")[1].strip(), 160)
    if "it read or wrote memory" in text:
        return "touches memory", known
    if element := _ELEMENT.search(text):
        known["index"] = tuple(map(int, element[1].replace(",", " ").split()))
        known["subject"] = _compared_in(_value_of(text))
        return _of_two(element[3], element[4], known)
    if shape := _SHAPE.search(text):
        return "shape", known | {
            "actual": shape[1],
            "expected": shape[2],
            "subject": _compared_in(_value_of(text)),
        }
    if compared := _COMPARED.search(text):
        return _of_comparison(compared, known)
    values = _VALUES.findall(text)
    if len(values) == 2:
        known["subject"] = _operands(text)[0]
        return _of_two(*values, known)
    if len(values) == 1:
        literal = text.rstrip().splitlines()
        other = [each.strip() for each in literal if _is_number(each.strip())]
        if other:
            known["subject"] = next(
                (each for each in _operands(text) if each not in other), ""
            )
            return _of_two(values[0], other[0], known)
    two = _EVALUATES.findall(text)
    if text.startswith("The difference") and len(two) >= 2:
        return _of_difference(text, two, known)
    if state := _FALSE.search(text):
        reason = (state[2] or "").strip(" ;")
        return f"is {state[1]}", known | {
            "subject": _short(_value_of(text)),
            "said": _cut(reason, 160) or _of_truth(state[1], text),
        }
    if actual := _ACTUAL.search(text):
        wanted = re.search(r"^Expected: (.*?)^ +Actual: ", text, re.M | re.S)
        known["said"] = f"is {_to_be_read(actual[1])}" + (
            f"; expected: {_short(wanted[1])}" if wanted else ""
        )
        known["subject"] = _short(_value_of(text))
    return "differs", known


def _meaning(text):
    """Of the error that a message tells of; the course's own explain
    themselves, all but their numbers."""
    own = "\n  why: " in text
    return meanings.of_wrapped(text) or ("" if own else meanings.meaning(text))


def _thrower(text):
    """The statement that was to throw an error, or not to."""
    found = re.match(r"Expected: (.*?) (?:throws|doesn't throw) an ?", text)
    return _short(found[1]) if found else ""


def _value_of(text):
    found = re.match(r"Value of: (.*)", text)
    return found[1] if found else ""


def _compared_in(call):
    """The first argument of a comparison, "Same(a, b)", if it says something
    short."""
    name, bracket, rest = call.partition("(")
    if not bracket or not name.isidentifier() or rest.startswith("{"):
        return ""
    depth = 0
    for at, each in enumerate(rest):
        depth += (each in "([{") - (each in ")]}")
        if depth < 0 or depth == 0 and each == ",":
            return rest[:at] if at <= 40 else ""
    return ""


def _of_truth(state, text):
    """A clause about a condition, with what the test says to it."""
    wanted = "true" if state == "false" else "false"
    _, _, more = text.partition(f"\nExpected: {wanted}")
    first = more.strip().split("\n", 1)[0]
    if first.startswith("Google Test trace:"):
        first = ""
    return f"is {state} where {wanted} is expected" + (
        f": {_cut(first, 160)}" if first else ""
    )


def _operands(text):
    """The two expressions of an equality that fails."""
    lines = text.splitlines()[1:]
    return [
        _short(line.strip())
        for line in lines
        if re.match(r"  \S", line) and not line.strip().startswith("Which is:")
    ][:2] + ["", ""]


def _of_comparison(compared, known):
    left, relation, right, actual, expected = compared.groups()
    kind, known = _of_two(actual, expected, known)
    mine, other = _apart(actual, expected)
    beside = "" if _is_number(right) else f" ({_short(right)})"
    known["subject"] = _short(left)
    known[
        "said"
    ] = f"is {mine} where {_RELATIONS[relation]}{other}{beside} is expected"
    return (f"not {relation}" if kind == "value" else kind), known


def _of_difference(text, two, known):
    kind, known = _of_two(two[0], two[1], known)
    head = re.match(
        r"The difference between (.*) is (\S+), which exceeds", text
    )
    named = re.findall(r"^(.*) evaluates to ", text, re.M)
    known["subject"] = _short(named[0]) if named else ""
    if head and two[0] == two[1]:  # printed with six digits
        known["said"] = (
            f"is {two[0]} but for {head[2]}, by which it differs from what is "
            "expected"
        )
    return kind, known


def _is_number(text):
    return re.fullmatch(_NUMBER + "[UuLlFf]*", text) is not None


def _of_two(actual, expected, known):
    kind = _kind_of_number(actual, expected)
    short = {
        "actual": rounded(actual)[:24],
        "expected": rounded(expected)[:24],
        "ratio": _ratio(actual, expected),
        "said": _in_words(actual, expected),
        "means": meanings.of_wrapped(actual),
    }
    return kind, known | short


def _in_words(actual, expected):
    """A clause, "is 1113 where 1123 is expected"; of two lists, about the first
    entry that differs."""
    mine, right = _entries(actual), _entries(expected)
    subject = ""
    if mine and right and mine != right:
        if len(mine) != len(right):
            actual, expected = (f"of length {len(x)}" for x in (mine, right))
        else:
            at = [one == other for one, other in zip(mine, right)].index(False)
            subject = f"entry {at} "
            actual, expected = mine[at], right[at]
    actual, expected = _apart(actual, expected)
    if actual == expected == "-nan" or actual == expected == "nan":
        return f"{subject}is NaN on both sides, which equals nothing"
    if actual == expected:
        return f"{subject}differs in digits that are not printed from {actual}"
    return f"{subject}is {actual} where {expected} is expected"


def _entries(text):
    """Those of a list as GoogleTest prints it, "{ 1, { 2, 3 } }"."""
    if not (text.startswith("{ ") and text.endswith(" }")):
        return []
    entries, depth = [""], 0
    for each in text[2:-2]:
        depth += (each == "{") - (each == "}")
        if each == "," and depth == 0:
            entries.append("")
        else:
            entries[-1] += each
    return [each.strip() for each in entries]


def _to_be_read(text, digits=6):
    """Six significant digits of a fraction, as in the tests; whole numbers as
    they are; nothing that fills the page."""
    if re.fullmatch(r"-?\d+", text):
        return text
    try:
        return f"{float(text):.{digits}g}"
    except ValueError:
        return _cut(text, 80)


def _apart(actual, expected):
    """Two numbers to be read, with as many digits as tell them apart."""
    for digits in (*range(6, 17), 17):
        both = _to_be_read(actual, digits), _to_be_read(expected, digits)
        if both[0] != both[1]:
            return both
    return actual, expected


def _cut(text, length):
    return text if len(text) <= length else text[: length - 3] + "..."


def _short(expression):
    """An expression in single spaces that fits in a line."""
    return _cut(" ".join(expression.split()), 70)


def _numbers_in(context):
    """{"head_dim #": 8, "choices 3": 1}: the numbers of what a test says."""
    found = {}
    for part in re.split(r", (?![^{]*\})|; ", context):
        name = re.sub(r"\d+", "#", part.split("{")[0]).strip()
        numbers = re.findall(r"\d+", part)
        for at, number in enumerate(numbers):
            found[f"{name} {at}" if len(numbers) > 1 else name] = int(number)
        if len(numbers) == 2:
            same = int(numbers[0]) == int(numbers[1])
            found[name] = "equal" if same else "differ"
    return found


def _common(contexts):
    """What several inputs have in common."""
    if len(set(contexts)) < 2:
        return ()
    every = [_numbers_in(each) for each in contexts]
    common = []
    for name in every[0]:
        values = {each.get(name) for each in every}
        if len(values) == 1:
            value = values.pop()
            equals = "" if isinstance(value, str) else "= "
            common.append(f"{name} {equals}{value}")
        elif not values & {None, 0, "equal", "differ"}:
            common.append(f"{name} > 0")
    return tuple(common)


def of_failures(test, messages):
    """The symptom of one test, from the messages of its assertions."""
    kind, known = _read(messages[0])
    contexts = [_context_of(_PLACE.sub("", each.strip())) for each in messages]
    return Symptom(
        test, kind, times=len(messages), always=_common(contexts), **known
    )


def of_case(case):
    """The symptom of a test that failed, or did not end (test_reports.Case)."""
    name = without_number(case.test)
    if not case.end:
        return of_failures(name, case.messages)
    means = "" if case.end == LATE else meanings.meaning(case.last_lines)
    return Symptom(name, case.end, means=means)


def is_unwritten(case):
    """Whether a test met a stub."""
    return any(UNWRITTEN in message for message in case.messages)


def without_number(test):
    """A test's name without the number of a parameter, which only the program
    knows."""
    return re.sub(r"/\d+$", "", test)


@dataclass
class Run:
    """What a run of tests has shown."""

    ran: set  # tests that were begun and whose answer counts
    failing: list  # of Symptom, in the order of the run
    unwritten: list  # tests that met a stub
    is_current: bool = True  # it is of the files as they are now


def run_of(cases):
    """What the cases of a program have shown."""
    run = Run(set(), [], [])
    for case in cases:
        name = without_number(case.test)
        if is_unwritten(case):
            run.unwritten.append(name)
            continue
        run.ran.add(name)
        if not case.passed and all(each.test != name for each in run.failing):
            run.failing.append(of_case(case))
    return run


def read(report, log):
    """The run of a program, from its report (XML) or, if it did not end and
    wrote none, from its output; None if there is neither."""
    cases = test_reports.read(report, log)
    return None if cases is None else run_of(cases)
