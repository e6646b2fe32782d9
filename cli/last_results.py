"""What the last run of each test gave, whichever runs that were.

./kvlab test 3.4 runs some tests of a program and not the others; what is known
of those stays. A result is of the files as they were when its run began.
"""

import json
import os
import pathlib
from dataclasses import dataclass

PLACE = ".kvlab/results.json"


@dataclass(frozen=True)
class Result:
    passed: bool
    time: float  # when the run began, in seconds since 1970


def read(root):
    """{"//modules/..:kv_cache_test": {"Suite.Name": Result}}."""
    try:
        stored = json.loads((pathlib.Path(root) / PLACE).read_text("utf-8"))
        return {
            label: {test: Result(*each) for test, each in tests.items()}
            for label, tests in stored.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # none yet, or a file that was cut off: run the tests again


def remember(root, targets, time, whole):
    """Adds what `targets` (test_results.Target) gave in a run from `time` on.

    whole: all of their tests ran, so tests that are not among them are gone.
    Silent if the folder cannot be written: only ./kvlab status reads it.
    """
    known = read(root)
    for target in targets:
        tests = known.setdefault(target.label, {})
        if whole and target.passes:
            tests.clear()
        tests |= {test: Result(True, time) for test in target.passes}
        tests |= {each.test: Result(False, time) for each in target.failures}
    path = pathlib.Path(root) / PLACE
    new = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(exist_ok=True)
        new.write_text(
            json.dumps(
                {
                    label: {
                        test: [each.passed, each.time]
                        for test, each in tests.items()
                    }
                    for label, tests in known.items()
                }
            ),
            encoding="utf-8",
        )
        os.replace(new, path)
    except OSError:
        return
