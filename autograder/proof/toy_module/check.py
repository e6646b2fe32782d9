#!/usr/bin/env python3
"""Adds a toy module to a copy of the course by adding folders, and uses it.

1. The copy has the repository's files and course/: modules/09_toy,
   solutions/09_toy and autograder/judges/09_toy. Of the files that were there
   only autograder/rubric.toml changes, and in it the parts and their points.
2. `./kvlab test 9` runs its tests and its planted bug, and its stub is the one
   that its solution gives.
3. `./kvlab grade` gives the solution all points and the bonus, the stub none.
4. `./kvlab graderlab` judges its planted bug; `./kvlab handout` and `./kvlab
   submit` contain its file.

Options go to Bazel, for example --disk_cache=FOLDER. The copy stays in
.kvlab/copy, so the next run is quick.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT))

# pylint: disable=wrong-import-position
from autograder.proof import scratch_copy
from autograder.proof.scratch_copy import COPY

COURSE = HERE / "course"
RUBRIC = pathlib.Path("autograder/rubric.toml")

problems = []


def problem(text):
    problems.append(text)
    print(f"toy module: {text}", file=sys.stderr, flush=True)


def expect(condition, text):
    if not condition:
        problem(text)


# The module's two points come from module 1; the bonus is on top.
GIVER = re.compile(
    r'(rubric = "judges/01_attention/rubric\.toml"\npoints = )(\d+)\n'
)
ADDED = """
[[parts]]
rubric = "judges/09_toy/rubric.toml"
points = 2

[[parts]]
rubric = "judges/09_toy/bonus.toml"
points = 1
bonus = true
"""


def with_toy(rubric):
    """The course's rubric with two points of module 1 given to the toy."""
    text, count = GIVER.subn(
        lambda part: f"{part[1]}{int(part[2]) - 2}\n{ADDED}", rubric
    )
    expect(count == 1, f"{RUBRIC} has no points of module 1")
    return text


def make_copy():
    """Returns the names of the course's files and of the module's."""
    toy = {
        path.relative_to(COURSE): path
        for path in COURSE.rglob("*")
        if path.is_file()
    }
    course = scratch_copy.make(toy, sys.argv[1:])
    for name in set(toy) & course:
        problem(
            f"{name} was there before: a module is added by new files alone"
        )
    text = (ROOT / RUBRIC).read_text(encoding="utf-8")
    (COPY / RUBRIC).write_text(with_toy(text), encoding="utf-8")
    return course, set(toy)


def kvlab(*words):
    """Runs ./kvlab in the copy; its exit status and what it printed."""
    print(f"toy module: ./kvlab {' '.join(words)}", flush=True)
    run = subprocess.run(
        ["./kvlab", *words],
        cwd=COPY,
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        env=os.environ,
        check=False,
    )
    print(run.stdout, end="", flush=True)
    return run.returncode, run.stdout


def check_tests():
    status, printed = kvlab("test", "9")
    expect(status == 0, f"./kvlab test 9 ends with status {status}")
    expect(
        re.search(
            r"^//modules/09_toy:blocks_test +passes +5 tests$", printed, re.M
        ),
        "./kvlab test 9 does not pass its 5 tests",
    )
    command = [
        "bazel",
        "test",
        "--config=quiet",
        "--test_output=errors",
        "//solutions/09_toy/...",
        "//autograder/judges/09_toy/...",
    ]
    print(f"toy module: {' '.join(command)}", flush=True)
    status = subprocess.run(command, cwd=COPY, check=False).returncode
    expect(status == 0, "the stub or the planted bug is not as it should be")


def check_marks():
    status, _ = kvlab(
        "grade",
        "solutions",
        "modules",
        "--module",
        "9",
        "--seed",
        "7",
        "--out",
        str(COPY.parent / "report"),
    )
    expect(status == 0, f"./kvlab grade ends with status {status}")
    if status != 0:
        return
    for name, points in (("solutions", 3), ("modules", 0)):
        results = json.loads(
            (COPY.parent / "report" / name / "results.json").read_text(
                encoding="utf-8"
            )
        )
        expect(
            results["score"] == points,
            f"{name} got {results['score']} points for module 9, "
            f"not {points}",
        )
        expect(
            [test["max_score"] for test in results["tests"]] == [2, 1],
            f"{name} was not asked for 2 points and a bonus of 1",
        )


def check_graderlab():
    status, printed = kvlab("graderlab", "--seed", "7", "bug/rounds_down")
    expect(
        status == 0 and "1 of 1 as expected" in printed,
        f"./kvlab graderlab ends with status {status}",
    )


def check_handout(toy):
    archive = COPY.parent / "handout.tar.gz"
    status, _ = kvlab("handout", str(archive))
    expect(status == 0, f"./kvlab handout ends with status {status}")
    if status != 0:
        return
    with tarfile.open(archive) as handout:
        names = {name.split("/", 1)[-1] for name in handout.getnames()}
    for name in map(str, toy):
        expect(
            (name in names) == name.startswith("modules/"),
            f"{name} is {'' if name in names else 'not '}in the handout",
        )


def check_submission():
    archive = COPY.parent / "submission.zip"
    status, printed = kvlab("submit", str(archive))
    expect(status == 0, f"./kvlab submit ends with status {status}")
    if status != 0:
        return
    expect(
        "9.1 BlocksFor, 9.2 EmptySlots" in printed,
        "./kvlab submit does not say that module 9 is not done",
    )
    with zipfile.ZipFile(archive) as submission:
        expect(
            "09_toy/blocks.cc" in submission.namelist(),
            "the submission lacks 09_toy/blocks.cc",
        )


def main():
    course, toy = make_copy()
    changed = scratch_copy.changed(course)
    expect(changed == {str(RUBRIC)}, f"these files changed: {sorted(changed)}")
    check_tests()
    check_marks()
    check_graderlab()
    check_handout(toy)
    check_submission()
    print(
        "toy module: "
        + (f"{len(problems)} problems" if problems else "no problems")
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
