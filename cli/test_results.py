"""The results of `bazel test`, from its build events and the tests' reports."""

import json
import re
import urllib.parse
from dataclasses import dataclass, field

from cli import test_reports


@dataclass
class Failure:
    test: str  # Suite.Name
    message: str  # of an assertion that failed again and again, the first
    times: int = 1  # assertions that failed
    whole: str = ""  # all that failed, if that is more than `message`
    end: str = ""  # test_reports.CRASH or LATE if the test did not end


@dataclass
class Target:
    label: str
    builds: bool = True
    passed: bool = False
    status: str = ""  # Bazel's word: PASSED, FAILED, TIMEOUT, ...
    log: str = ""
    reports: list = field(default_factory=list)
    tests: int = 0
    passes: list = field(default_factory=list)  # Suite.Name
    failures: list = field(default_factory=list)
    cases: list = field(default_factory=list)  # test_reports.Case
    ended: bool = True  # the program; the rest of its tests did not run if not

    @property
    def package(self):
        return self.label.split(":")[0]


def _path(uri):
    return urllib.parse.unquote(urllib.parse.urlparse(uri).path)


_THROWN = re.compile(
    r'^(?:unknown file\n)?C\+\+ exception with description "(.*)" thrown in '
    r"(?:the test body|SetUp\(\)|TearDown\(\)|the test fixture's constructor)"
    r"\.?$",
    re.DOTALL,
)
_STUB = re.compile(
    r"[\w:]+ is not implemented yet\n +why: [^\n]*\n +fix: [^\n\"]*"
)


def plain_message(text):
    """A failure without the text that GoogleTest adds to a thrown error.

    For an assertion that reached a stub, only the stub's message.
    """
    text = text.strip()
    thrown = _THROWN.match(text)
    # What a test that runs in a process of its own has said.
    stub = _STUB.search(text.replace("[  DEATH   ] ", ""))
    if stub:
        return stub.group(0)
    return thrown.group(1) if thrown else text


_PLACE = re.compile(r"^(?:[\w/.]+\.(?:cc|h):\d+|unknown file)\n")


def folded(messages):
    """The messages of one test; of an assertion that failed several times, in a
    loop, only the first, and how often it did after that."""
    by_place = {}
    for message in messages:
        place = _PLACE.match(message.strip())
        by_place.setdefault(place[0] if place else message, []).append(message)
    lines = []
    for several in by_place.values():
        lines.append(plain_message(several[0]))
        different = len(set(map(plain_message, several)))
        if different > 1:
            times = f"{len(several) - 1:,} more time"
            lines.append(
                f"... the same assertion fails {times}"
                f"{'s' if len(several) > 2 else ''}, with other numbers: --all"
            )
    return "\n".join(dict.fromkeys(lines))


def failure_of(case):
    """A test that failed or did not end."""
    whole = "\n".join(dict.fromkeys(map(plain_message, case.messages)))
    return Failure(
        case.test,
        folded(case.messages),
        max(1, len(case.messages)),
        whole,
        case.end,
    )


def add_cases(target, cases):
    """Adds what a program reported to `target`."""
    for case in cases:
        target.tests += 1
        target.cases.append(case)
        target.ended = target.ended and not case.end
        if case.passed:
            target.passes.append(case.test)
        else:
            target.failures.append(failure_of(case))


def read_report(target, path):
    """Adds the test cases of a program to `target`, from its report, or from
    its log if it crashed or ran out of time and so wrote none."""
    add_cases(target, test_reports.read(path, target.log) or [])


def read_events(lines):
    """The test targets in the events (JSON, one per line), by label.

    A library that does not build is not a test, but stops those that need it:
    it is reported as a target, too.
    """
    targets, tests = {}, set()

    def target(label):
        return targets.setdefault(label, Target(label))

    for line in lines:
        event = json.loads(line)
        identity = event.get("id", {})
        if "targetConfigured" in identity:
            kind = event.get("configured", {}).get("targetKind", "")
            label = identity["targetConfigured"]["label"]
            if kind.endswith("_test rule"):
                tests.add(label)
                target(label)
        elif "targetCompleted" in identity:
            if event.get("aborted", {}).get("reason") == "SKIPPED":
                continue  # for another processor
            built = event.get("completed", {}).get("success", False)
            label = identity["targetCompleted"]["label"]
            if not built:
                target(label).builds = False
        elif "testResult" in identity:
            result = event.get("testResult", {})
            found = target(identity["testResult"]["label"])
            for output in result.get("testActionOutput", []):
                if output.get("name") == "test.xml":
                    found.reports.append(_path(output["uri"]))
                elif output.get("name") == "test.log":
                    found.log = _path(output["uri"])
        elif "testSummary" in identity:
            found = target(identity["testSummary"]["label"])
            # A run that was interrupted says "aborted" instead.
            outcome = event.get("testSummary", {})
            found.status = outcome.get("overallStatus", "")
            found.passed = found.status in ("PASSED", "FLAKY")
    for found in targets.values():
        for path in found.reports:
            read_report(found, path)
    return {
        label: found
        for label, found in sorted(targets.items())
        if label in tests or not found.builds
    }
