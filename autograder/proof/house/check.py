#!/usr/bin/env python3
"""Checks that the arrows between the course's rooms run one way.

1. A query over the build graph finds no arrow that arrows.py does not have, no
   circle, and no grader that is linked with a student's code.
2. Bazel refuses to build what crosses a wall: in a copy of the repository,
   targets are added that try.

Options go to Bazel, for example --disk_cache=FOLDER.
"""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

# pylint: disable=wrong-import-position
from autograder.proof import scratch_copy
from autograder.proof.house import arrows

# Package, a library that it must not see, and one that it may: what Bazel
# refuses for another reason would prove nothing.
TRIALS = (
    (
        "autograder",
        "//modules/01_attention:student",
        "//modules/01_attention:contract",
    ),
    ("autograder/exam", "//modules/03_memoization:student", "//kit:error"),
    ("lab", "//solutions/01_attention:solution", "//kit:error"),
    ("cli", "//solutions/03_memoization:solution", "//kit:error"),
    (
        "modules/02_transformer",
        "//solutions/01_attention:solution",
        "//modules/01_attention:contract",
    ),
    ("modules/02_transformer", "//modules/01_attention:student", "//kit:error"),
    ("kit", "//autograder/machine/protocol:value", "//kit:error"),
    ("autograder/machine/protocol", "//autograder/exam", "//kit:error"),
    ("autograder/exam", "//autograder/scoring", "//kit:error"),
    ("autograder/scoring", "//autograder/report", "//kit:error"),
    ("autograder/report", "//autograder:grade_submission", "//kit:error"),
    ("autograder", "//autograder/proof/checks:fake_answerers", "//kit:error"),
)
TRIAL = """
load("@rules_cc//cc:defs.bzl", trial_cc_library = "cc_library")

trial_cc_library(
    name = "wall_trial_{name}",
    testonly = True,
    deps = ["{label}"],
)
"""


def check_arrows():
    query = subprocess.run(
        [
            "bazel",
            "query",
            "--noshow_progress",
            "--output=xml",
            "kind(rule, //...)",
        ],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if query.returncode != 0:
        return [f"bazel query fails:\n{query.stderr}"]
    graph = arrows.Graph(query.stdout)
    print(
        f"house: {len(graph.edges())} uses of {len(graph.needs)} targets in "
        f"{len(arrows.ROOMS)} rooms"
    )
    return arrows.problems(graph)


def refused(labels):
    """What Bazel says of each of these targets, and whether it refuses any."""
    run = subprocess.run(
        [
            "bazel",
            "build",
            "--config=quiet",
            "--nobuild",
            "--keep_going",
            *labels,
        ],
        cwd=scratch_copy.COPY,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return run.returncode != 0, run.stderr


def check_walls(options):
    scratch_copy.make({}, options)
    forbidden, allowed = [], []
    for number, (package, wall, open_door) in enumerate(TRIALS):
        with (scratch_copy.COPY / package / "BUILD").open("a") as build:
            for kind, label, labels in (
                ("closed", wall, forbidden),
                ("open", open_door, allowed),
            ):
                name = f"{kind}_{number}"
                build.write(TRIAL.format(name=name, label=label))
                labels.append((f"//{package}:wall_trial_{name}", label))
    failed, said = refused([label for label, _ in allowed])
    if failed:
        yield f"Bazel refuses what is allowed:\n{said}"
    _, said = refused([label for label, _ in forbidden])
    for label, wall in forbidden:
        package = wall.split(":")[0]
        full = wall if ":" in wall else f"{wall}:{package.split('/')[-1]}"
        if f"target '{full}' is not visible from target '{label}'" not in said:
            room = label.split(":")[0]
            yield f"a library of {room} can be linked with {full}"
    print(f"house: {len(forbidden)} walls tried")


def main():
    problems = [*check_arrows(), *check_walls(sys.argv[1:])]
    for problem in problems:
        print(f"house: {problem}", file=sys.stderr)
    print(
        "house: " + (f"{len(problems)} problems" if problems else "no problems")
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
