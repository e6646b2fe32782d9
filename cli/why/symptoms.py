"""How tests fail: what can be read from the report of a run, in a form in which
two failures that have one cause look alike.

Messages are normalised: no line numbers, three significant digits. What is
shown of them is not.
"""

import math
import pathlib
import re
from dataclasses import asdict, dataclass, field
from xml.etree import ElementTree

UNWRITTEN = "is not implemented yet"  # in a stub's message
CRASH, LATE = "crash", "out of time"

_NUMBER = r"-?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|nan|inf)"
_ELEMENT = re.compile(
    rf"element \[([\d, ]*)\](?: of \[([\d, ]*)\])? is ({_NUMBER}), "
    rf"expected ({_NUMBER})"
)
_SHAPE = re.compile(r"shape is (\[[\d, ]*\]), expected (\[[\d, ]*\])")
_VALUES = re.compile(r"\n +Which is: (.*)")
_EVALUATES = re.compile(rf" evaluates to ({_NUMBER})[,.\n]")
_COMPARED = re.compile(
    r"^Expected: \(.*\) (<|>|<=|>=|!=|==) \(.*, actual: (.*?) vs (.*)$", re.M
)
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
    # For a reader, not for comparisons: what differs, as the test printed it.
    said: str = field(default="", compare=False)

    def as_json(self):
        """What is not the default."""
        fields = asdict(self)
        del fields["said"]
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
        return "throws", known
    if "throws nothing" in text:
        return "does not throw", known
    if "it throws" in text or "it threw" in text:
        return "throws another", known
    if text.startswith("Death test"):
        died = re.search(r"Terminated by signal (\d+)", text)
        last = re.findall(r"^\[  DEATH   \] (.+)$", text, re.M)[-1:]
        known["said"] = last[0] if last else ""
        return ("dies" if died else "fails in a process of its own"), known
    if "it read or wrote memory" in text:
        return "touches memory", known
    if element := _ELEMENT.search(text):
        known["index"] = tuple(map(int, element[1].replace(",", " ").split()))
        return _of_two(element[3], element[4], known)
    if shape := _SHAPE.search(text):
        return "shape", known | {"actual": shape[1], "expected": shape[2]}
    if compared := _COMPARED.search(text):
        kind, known = _of_two(compared[2], compared[3], known)
        return (f"not {compared[1]}" if kind == "value" else kind), known
    values = _VALUES.findall(text)
    if len(values) == 2:
        return _of_two(*values, known)
    if len(values) == 1:
        literal = text.rstrip().splitlines()
        other = [each.strip() for each in literal if _is_number(each.strip())]
        if other:
            return _of_two(values[0], other[0], known)
    two = _EVALUATES.findall(text)
    if text.startswith("The difference") and len(two) >= 2:
        return _of_two(two[0], two[1], known)
    if state := _FALSE.search(text):
        reason = (state[2] or "").strip(" ;")
        return f"is {state[1]}", known | {"said": _to_be_read(reason)}
    if actual := _ACTUAL.search(text):
        known["said"] = "is " + _to_be_read(actual[1])
    return "differs", known


def _is_number(text):
    return re.fullmatch(_NUMBER + "[UuLlFf]*", text) is not None


def _of_two(actual, expected, known):
    kind = _kind_of_number(actual, expected)
    short = {
        "actual": rounded(actual)[:24],
        "expected": rounded(expected)[:24],
        "ratio": _ratio(actual, expected),
        "said": _in_words(actual, expected),
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
    actual, expected = _to_be_read(actual), _to_be_read(expected)
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


def _to_be_read(text):
    """Six significant digits, as in the tests; nothing that fills the page."""
    try:
        return f"{float(text):.6g}"
    except ValueError:
        return text if len(text) <= 80 else text[:77] + "..."


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


def without_number(test):
    """A test's name without the number of a parameter, which only the program
    knows."""
    return re.sub(r"/\d+$", "", test)


def _plain_name(suite, name):
    return without_number(f"{suite}.{name}")


@dataclass
class Run:
    """What a run of tests has shown."""

    ran: set  # tests that were begun and whose answer counts
    failing: list  # of Symptom, in the order of the run
    unwritten: list  # tests that met a stub


def merge(runs):
    """One run of several programs."""
    total = Run(set(), [], [])
    for run in runs:
        total.ran |= run.ran
        total.failing += run.failing
        total.unwritten += run.unwritten
    return total


def _add(run, test, messages):
    if any(UNWRITTEN in message for message in messages):
        run.unwritten.append(test)
        return
    run.ran.add(test)
    if messages and all(each.test != test for each in run.failing):
        run.failing.append(of_failures(test, messages))


def read_report(path):
    """The run that a report of GoogleTest's (XML) describes; None if it is not
    one, as after a crash."""
    try:
        tree = ElementTree.parse(path)
    except (OSError, ElementTree.ParseError):
        return None
    run = Run(set(), [], [])
    for case in tree.iter("testcase"):
        if case.get("classname") is None:
            return None  # Bazel's own, of a program that wrote none
        if case.get("status") == "notrun":
            continue
        _add(
            run,
            _plain_name(case.get("classname"), case.get("name")),
            [
                each.get("message") or each.text or ""
                for each in case.findall("failure")
            ],
        )
    return run


def read_log(text, late=False):
    """The run that the output of a program describes that did not end."""
    run = Run(set(), [], [])
    name, begun = "", []
    for line in text.splitlines():
        started = re.match(r"\[ RUN      \] (\S+)\.(\S+)$", line)
        ended = re.match(r"\[ +(OK|FAILED) +\] \S+\.\S+", line)
        if started:
            name, begun = _plain_name(started[1], started[2]), []
        elif ended and name:
            _add(run, name, _messages(begun) if ended[1] == "FAILED" else [])
            name = ""
        elif name:
            begun.append(line)
    if name:
        run.ran.add(name)
        run.failing.append(Symptom(name, LATE if late else CRASH))
    return run


def _messages(lines):
    """The output of a failing test, cut where an assertion begins."""
    found = [[]]
    for line in lines:
        if re.match(r"[\w/.]+\.(cc|h):\d+: Failure$|unknown file: F", line):
            found.append([])
        found[-1].append(re.sub(r": Failure$", "", line))
    return ["\n".join(each) for each in found[1:] if each] or [""]


def read_target(folder):
    """The last run of a test target, from Bazel's folder of its logs; None if
    there is none."""
    run = read_report(pathlib.Path(folder) / "test.xml")
    log = pathlib.Path(folder) / "test.log"
    if run is None and log.is_file():
        text = log.read_text(encoding="utf-8", errors="replace")
        run = read_log(text, late="-- Test timed out at " in text)
    return run
