#!/usr/bin/env python3
"""./kvlab test [MODULE]: runs tests with Bazel and summarises the results.

MODULE is a module's number; kvlab has checked that it exists. Options go to
Bazel, for example --config=student. Exit status 0 if all tests pass, else 1.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cli import test_results  # pylint: disable=wrong-import-position

SHOWN_NAMES = 3
LOG_LINES = 20


def modules():
    """Module numbers and their folders' names, in order."""
    folders = sorted(p.name for p in (ROOT / "modules").glob("[0-9][0-9]_*"))
    return {int(name[:2]): name for name in folders}


def run_bazel(patterns, options):
    """Runs the tests; returns Bazel's exit status and its build events."""
    with tempfile.TemporaryDirectory(prefix="kvlab-test-") as folder:
        events = pathlib.Path(folder) / "events.json"
        command = [
            "bazel",
            "test",
            *os.environ["KVLAB_BAZEL_OPTIONS"].split(),
            "--keep_going",
            f"--build_event_json_file={events}",
            *options,
            "--",
            *patterns,
        ]
        status = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False
        ).returncode
        lines = (
            events.read_text(encoding="utf-8").splitlines()
            if events.exists()
            else []
        )
        return status, test_results.read_events(lines)


def verdict(target):
    if not target.builds:
        return "does not build"
    if target.passed:
        return "passes"
    if target.status in ("FAILED", "FAILED_TO_BUILD") and target.failures:
        return f"{len(target.failures)} of {target.tests} tests fail"
    return {
        "TIMEOUT": "ran out of time",
        "": "did not run",
        "NO_STATUS": "did not run",
    }.get(target.status, "fails")


def print_failures(target):
    """Prints failures with the same message, such as a stub's, only once."""
    by_message = {}
    for failure in target.failures:
        by_message.setdefault(failure.message, []).append(failure.test)
    for message, names in by_message.items():
        more = len(names) - SHOWN_NAMES
        shown = ", ".join(names[:SHOWN_NAMES])
        print(f"  {shown}" + (f" and {more} more" if more > 0 else ""))
        for line in message.splitlines():
            print(f"    {line}")


def print_log_end(target):
    """For a test that crashed: where, and its last lines."""
    try:
        text = pathlib.Path(target.log).read_text(
            encoding="utf-8", errors="replace"
        )
    except OSError:
        return
    started = re.findall(r"^\[ RUN      \] (\S+)", text, re.MULTILINE)
    if started:
        print(f"  it crashed in {started[-1]}; its last lines:")
    for line in text.splitlines()[-LOG_LINES:]:
        print(f"    {line}")


def print_targets(targets):
    width = max(len(target.label) for target in targets)
    for target in targets:
        tests = f"   {target.tests} tests" if target.passed else ""
        print(f"{target.label:{width}}   {verdict(target)}{tests}")
    for target in targets:
        if target.builds and not target.passed:
            print(f"\n{target.label}: {verdict(target)}")
            if target.failures:
                print_failures(target)
            elif target.status:
                print_log_end(target)


def print_ground(number, known, targets):
    """One line for each module that `number` needs."""
    for below, folder in known.items():
        if below >= number:
            break
        mine = [t for t in targets if t.package == f"//modules/{folder}"]
        broken = [t for t in mine if not t.passed]
        title = folder[3:].replace("_", " ")
        if not mine:
            print(f"module {below}, {title}: has no tests")
        elif not broken:
            tests = sum(t.tests for t in mine)
            print(f"module {below}, {title}: all {tests} tests pass")
        else:
            what = "; ".join(
                f"{t.label.split(':')[1]}: {verdict(t)}" for t in broken
            )
            print(
                f"module {below}, {title}: NOT DONE ({what}); module "
                f"{number} needs it: ./kvlab test {below}"
            )


def main(arguments):
    options = list(arguments)
    number = None
    if options and not options[0].startswith("-"):
        number = int(options.pop(0))
    surplus = [word for word in options if not word.startswith("-")]
    if surplus:
        print(
            f"kvlab test: '{surplus[0]}' is neither the first word, a "
            "module, nor an option",
            file=sys.stderr,
        )
        return 2
    known = modules()
    patterns = ["//..."]
    if number is not None:
        options.append("--build_tests_only")
        patterns = [
            f"//modules/{folder}:all"
            for each, folder in known.items()
            if each <= number
        ]
    status, found = run_bazel(patterns, options)
    targets = list(found.values())
    if not targets:
        print(
            f"kvlab test: Bazel found no tests (exit status {status})",
            file=sys.stderr,
        )
        return 1

    shown = targets
    if number is not None:
        print_ground(number, known, targets)
        own = f"//modules/{known[number]}"
        shown = [target for target in targets if target.package == own]
    if shown:
        print_targets(shown)
    passed = sum(target.tests for target in targets if target.passed)
    failing = [target for target in targets if not target.passed]
    failed = sum(max(1, len(target.failures)) for target in failing)
    passed += sum(t.tests - len(t.failures) for t in failing if t.failures)
    print(f"\nkvlab test: {passed} passed, {failed} failed")
    return 0 if status == 0 and not failing else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
