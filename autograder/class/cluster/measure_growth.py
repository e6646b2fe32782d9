"""What `class grade --on slurm` costs as a class grows, measured with the
grader that pretends on a cluster of four nodes on this host.

Usage: PYTHONPATH=. python3 autograder/class/cluster/measure_growth.py \\
           CLASS MILLISECONDS PEOPLE...
CLASS is stand_in_class; each of its gradings takes MILLISECONDS, in two jobs.
"""

import importlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

slurm_cluster = importlib.import_module(
    "autograder.class.cluster.slurm_cluster"
)

NODES = ["n1", "n2", "n3", "n4"]
CPUS = 2


def grade_class(program, root, environment, people):
    """Seconds."""
    course = root / f"course-{people}"
    subprocess.run(
        [program, "init", course], check=True, stdout=subprocess.DEVNULL
    )
    handed_in = root / f"in-{people}"
    handed_in.mkdir()
    with open(course / "roster.csv", "a", encoding="utf-8") as roster:
        for i in range(people):
            roster.write(f"s{i:05}\n")
            (handed_in / f"s{i:05}.zip").write_text("timed", encoding="utf-8")
    subprocess.run(
        [program, "import", "--in", course, handed_in],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    begin = time.monotonic()
    subprocess.run(
        [program, "grade", "--in", course, "--on", "slurm"],
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.monotonic() - begin


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    milliseconds, *sizes = map(int, sys.argv[2:])
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        with slurm_cluster.SlurmCluster(root / "slurm", NODES, CPUS) as cluster:
            environment = {
                **cluster.environment,
                "STAND_IN_MS": str(milliseconds),
            }
            for people in sizes:
                seconds = grade_class(program, root, environment, people)
                print(
                    f"{people:6} people {seconds:8.1f} s"
                    f" {seconds / people:8.3f} s each",
                    flush=True,
                )


if __name__ == "__main__":
    main()
