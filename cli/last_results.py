"""What the last run of each test gave, whichever runs that were.

./kvlab test 3.4 runs some tests of a program and not the others; what is known
of those stays. A result is of the files as they were when its run began.
"""

import json
import os
import pathlib
from dataclasses import dataclass

from cli import test_sources
from cli.why import symptoms

PLACE = ".kvlab/results.json"


@dataclass(frozen=True)
class Result:
    passed: bool
    files: str  # test_sources.digest when the run began; "" if unknown
    symptom: dict | None = None  # how it failed (symptoms.Symptom)
    unwritten: bool = False  # it failed since it met a stub


def read(root):
    """{"//modules/..:kv_cache_test": {"Suite.Name": Result}}."""
    try:
        stored = json.loads((pathlib.Path(root) / PLACE).read_text("utf-8"))
        return {
            label: {test: Result(**each) for test, each in tests.items()}
            for label, tests in stored.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # none yet, or a file that was cut off: run the tests again


def times(results):
    """{test: assertions that failed in it}, of those of `results` that did."""
    return {
        test: each.symptom.get("times", 1)
        for test, each in results.items()
        if each.symptom
    }


def _result_of(case, files):
    if case.passed:
        return {"passed": True, "files": files}
    if symptoms.is_unwritten(case):
        return {"passed": False, "files": files, "unwritten": True}
    shown = symptoms.of_case(case).as_json(for_a_reader=True)
    return {"passed": False, "files": files, "symptom": shown}


def remember(root, targets, before, whole):
    """Adds what `targets` (test_results.Target) gave in a run.

    before: the test_sources.digests when the run began. Of files that were
        saved while it ran, it is not known which were tested.
    whole: all of their tests ran, so tests that are not among them are gone.
    Silent if the folder cannot be written: ./kvlab status and why read it.
    """
    root = pathlib.Path(root)
    known = {
        label: {
            test: {
                name: value
                for name, value in vars(each).items()
                if name in ("passed", "files") or value
            }
            for test, each in tests.items()
        }
        for label, tests in read(root).items()
    }
    for target in targets:
        files = before.get(target.label, "")
        if files and files != test_sources.digest(root, target.label):
            files = ""
        tests = known.setdefault(target.label, {})
        if whole and target.cases and target.ended:
            tests.clear()
        tests |= {each.test: _result_of(each, files) for each in target.cases}
    path = root / PLACE
    new = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(exist_ok=True)
        new.write_text(json.dumps(known) + "\n", encoding="utf-8")
        os.replace(new, path)
    except OSError:
        return
