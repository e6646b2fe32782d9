"""The results of `bazel test`, from its build events and the tests' reports."""

import json
import re
import urllib.parse
from dataclasses import dataclass, field
from xml.etree import ElementTree


@dataclass
class Failure:
    test: str  # Suite.Name
    message: str


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


def _cases(path):
    """The test cases of a GoogleTest XML report that ran."""
    return [
        case
        for case in ElementTree.parse(path).iter("testcase")
        if case.get("status") != "notrun"
    ]


def _name(case):
    return f"{case.get('classname')}.{case.get('name')}"


def read_report(target, path):
    """Adds the test cases of a GoogleTest XML report to `target`.

    A program that crashed or ran out of time wrote none; Bazel then writes one
    case, an error, with the log.
    """
    try:
        cases = _cases(path)
    except (OSError, ElementTree.ParseError):
        return
    for case in cases:
        if case.find("error") is not None:
            continue
        target.tests += 1
        problems = case.findall("failure")
        if problems:
            messages = dict.fromkeys(
                plain_message(problem.get("message") or problem.text or "")
                for problem in problems
            )
            target.failures.append(Failure(_name(case), "\n".join(messages)))
        else:
            target.passes.append(_name(case))


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
