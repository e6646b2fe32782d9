"""What a GoogleTest program reported: from its report (XML), or from its output
if it did not end and so wrote none."""

import pathlib
import re
import signal
from dataclasses import dataclass, field
from xml.etree import ElementTree

CRASH, LATE = "crash", "out of time"
LAST_LINES = 20  # of a test that did not end, which say why

_BEGUN = re.compile(r"\[ RUN      \] (\S+\.\S+)$")
_ENDED = re.compile(r"\[ +(OK|FAILED|SKIPPED) +\] \S+\.\S+")
_ASSERTION = re.compile(r"[\w/.]+\.(cc|h):\d+: Failure$|unknown file: F")


@dataclass
class Case:
    """A test that ran."""

    test: str  # "Suite.Name", or "X/Suite.Name/3" with parameters
    messages: list = field(default_factory=list)  # of assertions that failed
    end: str = ""  # CRASH or LATE if it did not end
    last_lines: str = ""  # then: of the output

    @property
    def passed(self):
        return not self.messages and not self.end


def read_xml(path):
    """The cases of a report; None if it is not one, as after a crash: then
    Bazel writes a report of its own."""
    try:
        tree = ElementTree.parse(path)
    except (OSError, ElementTree.ParseError):
        return None
    cases = list(tree.iter("testcase"))
    if any(case.get("classname") is None for case in cases):
        return None
    return [
        Case(
            f"{case.get('classname')}.{case.get('name')}",
            [
                each.get("message") or each.text or ""
                for each in case.findall("failure")
            ],
        )
        for case in cases
        if case.get("status") != "notrun"
    ]


def read_log(text):
    """The cases of a program that did not end, from its output; the last is the
    one in which it stopped, if it had begun any."""
    cases, begun, lines = [], "", []
    for line in text.splitlines():
        if started := _BEGUN.match(line):
            begun, lines = started[1], []
        elif begun and (ended := _ENDED.match(line)):
            failed = ended[1] == "FAILED"
            cases.append(
                Case(begun, _messages(lines) or [""] if failed else [])
            )
            begun = ""
        elif begun:
            lines.append(line)
    if begun:
        late = "-- Test timed out at " in text
        messages = _messages(lines)
        cases.append(
            Case(
                begun,
                messages,
                LATE if late else CRASH,
                "\n".join(text.splitlines()[-LAST_LINES:]),
            )
        )
    return cases


def _messages(lines):
    """The output of a failing test, cut where an assertion begins."""
    found = []
    for line in lines:
        if _ASSERTION.match(line):
            found.append([])
        if found:
            found[-1].append(re.sub(r": Failure$", "", line))
    return ["\n".join(each) for each in found]


def read(report, log):
    """The cases of a program, from the paths of its report and its output; None
    if there is neither."""
    cases = read_xml(report)
    if cases is None and log and pathlib.Path(log).is_file():
        text = pathlib.Path(log).read_text(encoding="utf-8", errors="replace")
        cases = read_log(text)
        if cases and cases[-1].end == CRASH:
            cases[-1].last_lines += _signal_of(report)
    return cases


def _signal_of(report):
    """A line about the signal that ended a program, from Bazel's report; ""
    where there is none."""
    try:
        text = pathlib.Path(report).read_text(encoding="utf-8")
    except OSError:
        return ""
    code = re.search(r'<error message="exited with error code (\d+)"', text)
    try:
        return f"\nended by {signal.Signals(int(code[1]) - 128).name}"
    except (TypeError, ValueError):
        return ""
