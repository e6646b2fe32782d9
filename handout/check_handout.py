#!/usr/bin/env python3
"""Unpacks the handout as a student would, and checks it.

1. The archive holds no answer and no trace of the grader, and packing it twice
   gives the same bytes. Nothing that its pages name is missing.
2. Unchanged, it builds without warnings; given code passes its tests; every
   test of a module fails, because something is not implemented.
3. In an editor, clangd finds no error in the stubs and the tests.
4. With the solutions copied in, all tests pass, and ./kvlab reset brings back
   the stub of every task.

Options go to Bazel, for example --jobs=2. The build stays in .kvlab/handout,
so the next run is quick.
"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cli import course_tasks  # pylint: disable=wrong-import-position
from cli import test_results  # pylint: disable=wrong-import-position
from docs import links_test  # pylint: disable=wrong-import-position
from handout import make_handout  # pylint: disable=wrong-import-position
from solutions import regions  # pylint: disable=wrong-import-position

PLACE = ROOT / ".kvlab" / "handout"
NOT_IMPLEMENTED = re.compile(r"NotImplemented|is not implemented yet")

# Words that occur only in the grader and the solutions. The script kvlab, which
# is in both, checks whether there is a grader, and its test tries both cases;
# so does what writes the database for editors; a module's library says that the
# grader's worker may link it.
TRACES = re.compile(
    rb"(BEGIN|END) SOLUTION|solutions/|autograder/|graderlab"
    rb"|rubric|planted_bug"
)
MAY_SPEAK_OF_THE_GRADER = {
    "kvlab",
    "cli/compile_commands.py",
    "cli/kvlab_test.py",
    "implementation/module.bzl",
}
DATA = ("bazel-", "kit/testdata/", "models/")  # contain no answers

problems = []


def problem(text):
    problems.append(text)
    print(f"check_handout: {text}", file=sys.stderr)


def unpack():
    """Packs the handout twice, compares, and unpacks it into PLACE."""
    PLACE.mkdir(parents=True, exist_ok=True)
    archives = [PLACE / "first.tar.gz", PLACE / "second.tar.gz"]
    for archive in archives:
        with archive.open("wb") as out:
            make_handout.pack(out)
    if archives[0].read_bytes() != archives[1].read_bytes():
        problem("packing twice gives different archives")
    tree = PLACE / make_handout.FOLDER
    for entry in tree.glob("*"):
        if not entry.name.startswith("bazel-"):
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    with tarfile.open(archives[0]) as archive:
        archive.extractall(PLACE)
    return tree


def answers():
    """Every three consecutive lines that occur in a region of a solution, and
    nowhere outside of one."""
    for solution in sorted(ROOT.glob("solutions/*/*.cc")):
        text = solution.read_text(encoding="utf-8")
        given = text
        parts = set()
        for answer in regions.answers(text, solution):
            given = given.replace(answer, "", 1)
            lines = answer.splitlines(keepends=True)
            for three in zip(lines, lines[1:], lines[2:]):
                if sum(len(each.strip()) for each in three) > 60:
                    parts.add("".join(three))
        yield from (part.encode() for part in parts if part not in given)


def look_for_traces(tree):
    parts = set(answers())
    if not parts:
        problem("found no answers in solutions/ to look for")
    for path in sorted(tree.rglob("*")):
        name = str(path.relative_to(tree))
        if name.startswith(DATA) or not path.is_file():
            continue
        content = path.read_bytes()
        if name not in MAY_SPEAK_OF_THE_GRADER:
            if trace := TRACES.search(content):
                problem(f"{name} says '{trace.group().decode()}'")
        if path.suffix in (".cc", ".h", ".md"):
            for part in parts:
                if part in content:
                    problem(
                        f"{name} holds a part of an answer:\n"
                        f"{part.decode()}"
                    )


def look_for_dead_links(tree):
    tops = links_test.Tree(ROOT).tops
    for each in links_test.problems(links_test.Tree(tree, tops)):
        problem(f"a page of the handout: {each}")


def run_tests(tree, options):
    """Bazel's exit status and the tests it ran."""
    events = PLACE / "events.json"
    status = subprocess.run(
        [
            "bazel",
            "test",
            "--config=quiet",
            "--keep_going",
            f"--build_event_json_file={events}",
            *options,
            "//...",
        ],
        cwd=tree,
        stdout=subprocess.DEVNULL,
        check=False,
    ).returncode
    lines = events.read_text(encoding="utf-8").splitlines()
    return status, test_results.read_events(lines).values()


def is_task_test(target):
    return re.match(r"//modules/\d\d_", target.label)


def check_stubs(tree, options):
    _, targets = run_tests(tree, options)
    count = 0
    for target in targets:
        if not target.builds:
            problem(f"{target.label} does not build")
        elif not is_task_test(target):
            if not target.passed:
                problem(f"{target.label} fails, although its code is given")
        elif target.tests == 0 or len(target.failures) != target.tests:
            problem(
                f"{target.label}: {len(target.failures)} of {target.tests} "
                "tests fail with the stubs; all of them should"
            )
        for failure in target.failures if is_task_test(target) else ():
            count += 1
            if not NOT_IMPLEMENTED.search(failure.message):
                problem(
                    f"{failure.test} fails, but not because something is "
                    f"not implemented:\n{failure.message}"
                )
    print(f"check_handout: {count} tests of tasks fail with NotImplemented")


def check_solutions(tree, options):
    for solution in sorted(ROOT.glob("solutions/*/*.cc")):
        shutil.copy(solution, tree / "modules" / solution.parent.name)
    status, targets = run_tests(tree, options)
    for target in targets:
        if not target.passed:
            problem(f"{target.label} fails with the solutions")
    if status != 0:
        problem(f"bazel test ends with status {status} with the solutions")
    tests = sum(target.tests for target in targets)
    print(
        f"check_handout: with the solutions {len(targets)} test targets "
        f"pass, {tests} tests"
    )


def check_editor(tree):
    """clangd, with the database that ./kvlab setup writes."""
    environment = os.environ | {"KVLAB_BAZEL_OPTIONS": "--config=quiet"}
    subprocess.run(
        [sys.executable, "-B", tree / "cli/compile_commands.py", tree],
        check=True,
        env=environment,
    )
    sources = [
        path
        for folder in course_tasks.modules(tree).values()
        for path in course_tasks.files(folder)
    ] + sorted(tree.glob("modules/*/*_test.cc"))

    def read(path):
        # What it would do at each word, such as extracting a function, fails
        # at some for reasons of its own.
        return subprocess.run(
            ["clangd", f"--check={path}", "--check-lines=1-1"],
            cwd=tree,
            capture_output=True,
            text=True,
            check=False,
        ).stderr

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, said in zip(sources, pool.map(read, sources)):
            if "All checks completed, 0 errors" not in said:
                errors = "\n".join(
                    line for line in said.splitlines() if line[:1] == "E"
                )
                problem(f"clangd on {path.relative_to(tree)}:\n{errors}")
    print(f"check_handout: clangd has read {len(sources)} files")


def reset_all(tree, path, stubs):
    """Resets every task of a file, one after the other."""
    expected = stubs.read_text(encoding="utf-8")
    for task in dict(course_tasks.open_functions(expected)):
        run = subprocess.run(
            [tree / "kvlab", "reset", task],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            problem(f"./kvlab reset {task}: {run.stderr}")
    left = course_tasks.open_functions(path.read_text("utf-8"))
    if left != course_tasks.open_functions(expected):
        problem(f"{path.name}: not every stub came back: {left}")


def check_reset(tree):
    """Every task of the solutions becomes its stub again."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        done = [
            pool.submit(
                reset_all,
                tree,
                path,
                tree / make_handout.STUBS / folder.name / path.name,
            )
            for folder in course_tasks.modules(tree).values()
            for path in course_tasks.files(folder)
        ]
        for each in done:
            each.result()


def main():
    options = sys.argv[1:]
    tree = unpack()
    look_for_traces(tree)
    look_for_dead_links(tree)
    # A warning is an error here, as in the course's own build, whose compiled
    # files can then be reused.
    shutil.copy(ROOT / "course.bazelrc", tree)
    # Where Bazel's modules are from; nothing to install is missing.
    subprocess.run([tree / "third_party/setup", "build", "desk"], check=True)
    check_stubs(tree, options)
    check_editor(tree)
    check_solutions(tree, options)
    check_reset(tree)
    print(
        "check_handout: "
        + (f"{len(problems)} problems" if problems else "no problems")
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
