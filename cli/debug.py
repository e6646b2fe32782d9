#!/usr/bin/env python3
"""./kvlab debug MODULE FILTER [--build] [-- GDB_OPTION...]

Builds a module's tests without optimisation and runs those that FILTER selects
(as --gtest_filter does) in gdb, which stops at the first assertion that fails
or error that is thrown. There `print keys` shows a tensor's shape and numbers;
`up`, `down`, `info locals` and `next` are gdb's own.

  ./kvlab debug 3 'LayerCacheTest.Append*'
  ./kvlab debug 3.3               the tests of a task
  --build                         only builds, and says where; for an editor
"""

import argparse
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cli import course_tasks  # pylint: disable=wrong-import-position
from cli import pipes  # pylint: disable=wrong-import-position
from cli import run_tests  # pylint: disable=wrong-import-position
from cli import test_names  # pylint: disable=wrong-import-position

# Links to what was built last, for editors; see .vscode/launch.json.
PLACE = ROOT / ".kvlab/debug"


def chosen(module, pattern):
    """The label of the test in which the filter selects something, and the
    filter."""
    if "." in module:
        task = run_tests.task_named(module)
        return task.label, task.filter
    folder = course_tasks.modules(ROOT).get(int(module or 0))
    if folder is None:
        raise run_tests.UsageError(
            f"there is no module {module}\n"
            f"  fix: the modules are "
            f"{', '.join(map(str, course_tasks.modules(ROOT)))}"
        )
    labels = run_tests.tests_named([f"--test_filter={pattern}"], [folder])
    if len(labels) > 1:
        raise run_tests.UsageError(
            f"'{pattern}' selects tests of several programs: "
            f"{', '.join(labels)}\n"
            "  why: gdb runs one\n"
            "  fix: name one test, for example "
            f"{test_names.closest(pattern, _names(labels[0]))}"
        )
    return labels[0], pattern


def _names(label):
    package, _, name = label.removeprefix("//").partition(":")
    return test_names.read(ROOT / package / f"{name}.cc")


def build(label):
    """The program, built for a debugger."""
    options = [*os.environ["KVLAB_BAZEL_OPTIONS"].split(), "--config=debug"]
    subprocess.run(["bazel", "build", *options, label], cwd=ROOT, check=True)
    bin_folder = subprocess.run(
        ["bazel", "info", *options, "bazel-bin"],
        cwd=ROOT,
        check=True,
        text=True,
        capture_output=True,
    ).stdout.strip()
    return pathlib.Path(bin_folder) / label.removeprefix("//").replace(":", "/")


def link(program):
    """Links .kvlab/debug/test to the program, and files/ to what it reads."""
    PLACE.mkdir(parents=True, exist_ok=True)
    runfiles = program.with_name(program.name + ".runfiles")
    (workspace,) = [
        path for path in runfiles.iterdir() if (path / "modules").is_dir()
    ]
    for name, target in (("test", program), ("files", workspace)):
        new = PLACE / f"{name}.new"
        new.unlink(missing_ok=True)
        new.symlink_to(target)
        new.replace(PLACE / name)


def gdb(pattern, more):
    """Hands over to gdb."""
    # A death test runs in a process that it forks.
    follow = "--eval-command=set follow-fork-mode child"
    forking = [follow] if "DeathTest" in pattern else []
    command = [
        "gdb",
        "--quiet",
        f"--init-eval-command=add-auto-load-safe-path {ROOT}",
        f"--eval-command=directory {ROOT}",
        "--eval-command=set breakpoint pending on",
        "--eval-command=set print frame-arguments scalars",
        f"--command={ROOT / 'cli/debugger/tensors.py'}",
        *forking,
        "--eval-command=run",
        *more,
        "--args",
        str(PLACE / "test"),
        f"--gtest_filter={pattern}",
        "--gtest_break_on_failure",
        # An error that nothing catches stops where it was thrown.
        "--gtest_catch_exceptions=0",
    ]
    os.chdir(PLACE / "files")
    os.execvp(command[0], command)


def main(arguments):
    pipes.end_when_no_longer_read()
    words, _, more = _split(arguments)
    parser = argparse.ArgumentParser(
        prog="kvlab debug",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("module")
    parser.add_argument("filter", nargs="?", default="*")
    parser.add_argument("--build", action="store_true")
    parsed = parser.parse_args(words)
    try:
        label, pattern = chosen(parsed.module, parsed.filter)
    except run_tests.UsageError as error:
        print(f"kvlab debug: {error}", file=sys.stderr)
        return 2
    try:
        program = build(label)
    except subprocess.CalledProcessError:
        return 1
    link(program)
    if parsed.build:
        print(f"kvlab debug: built {label}: {PLACE / 'test'}")
        return 0
    return gdb(pattern, more)


def _split(arguments):
    """Our own words, the mark "--", and gdb's."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at : at + 1], arguments[at + 1 :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
