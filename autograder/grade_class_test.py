"""./kvlab class with the real grader: killed and started again, and with checks
that measure time.

Module 1 of the solutions gets all points, and the stubs none.
"""

import contextlib
import csv
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest
import zipfile

CLASS = pathlib.Path("autograder/grade_class").resolve()

RUBRIC = """
[limits]
build_seconds = 300
submission_seconds = 300
check_seconds = 30
call_seconds = 10
hasty_call_seconds = 2
patience = 3
reply_mib = 16

[[parts]]
rubric = "PART"
points = 100
"""

# One check that measures time, as few pairs as there may be, and one of the
# bytes written that does not.
TIMED_PART = """
title = "Module 3: memoization"
judged = "module"
module = "03_memoization"

[[tasks]]
id = "3.9"
title = "Growing"

[[tasks.checks]]
name = "growing.bytes"
title = "Bytes written"
points = 1
asked = "The bytes written by six appends of one token."
why = "They grow with the square of the tokens."
where = "modules/03_memoization/growing_cache.h"

[[tasks]]
id = "3.10"
title = "Speed"

[[tasks.checks]]
name = "speed.50"
run = "speed.cached_generation"
title = "50 tokens"
points = 1
asked = "50 new tokens, with a cache and without."
why = "The linear layers do 25.5 times less work."
where = "modules/03_memoization/README.md"
tiers = [{ at_least = 1, share = 1 }]

[tasks.checks.settings]
new_tokens = 50
pairs = 2
most_pairs = 2
prompt_tokens = 8
margin = 0.01
baseline_seconds = 60
of_reference = 0.01
least_share = 0
most_dropped = 0
"""


class GradeClassTest(unittest.TestCase):
    """A course in a folder of its own, and what is done with it."""

    def setUp(self):
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )

    def make_class(self, part, handed_in):
        """part: the only one of the rubric; handed_in: a folder by person."""
        (self.root / "rubric.toml").write_text(
            RUBRIC.replace("PART", part), encoding="utf-8"
        )
        self.run_class("init", "course")
        with open(
            self.root / "course/roster.csv", "a", encoding="utf-8"
        ) as file:
            file.writelines(f"{person}\n" for person in handed_in)
        for person, folder in handed_in.items():
            folder = pathlib.Path(folder)
            with zipfile.ZipFile(self.root / f"{person}.zip", "w") as archive:
                for source in folder.glob("*.cc"):
                    archive.write(source, f"{folder.name}/{source.name}")
            self.run_class("import", "--in", "course", f"{person}.zip")

    def command(self, *words):
        return [CLASS, *words]

    def run_class(self, *words):
        run = subprocess.run(
            self.command(*words),
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        return run.stdout

    def grade(self):
        return ("grade", "--in", "course", "--rubric", "rubric.toml")

    def exported(self):
        self.run_class("export", "--in", "course", "--long", "long.csv")
        with open(self.root / "long.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def ask(self, query):
        with contextlib.closing(
            sqlite3.connect(self.root / "course/class.sqlite")
        ) as database:
            return database.execute(query).fetchall()


class InterruptionTest(GradeClassTest):
    HANDED_IN = {
        "ann": "solutions/01_attention",
        "bob": "modules/01_attention",
    }

    def test_killed_at_a_random_moment_it_goes_on(self):
        self.make_class("judges/01_attention/rubric.toml", self.HANDED_IN)
        moment = random.uniform(0, 20)
        with self.subTest(moment=moment):
            with subprocess.Popen(
                self.command(*self.grade()),
                cwd=self.root,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ) as grader:
                time.sleep(moment)
                grader.send_signal(signal.SIGKILL)
            self.run_class(*self.grade())
            rows = self.exported()
            self.assertGreater(len(rows), 10)
            self.assertEqual(
                {row["student"] for row in rows}, set(self.HANDED_IN)
            )
            for row in rows:
                full = row["of"] if row["student"] == "ann" else "0"
                self.assertEqual(row["points"], full, row)
            self.assertEqual(
                self.ask("SELECT count(*), sum(points) FROM grading"),
                [(2, 100)],
                "each was graded once",
            )
            self.assertEqual(os.listdir(self.root / "course/grading"), [])
            self.assertIn("0 submissions graded", self.run_class(*self.grade()))


class TimedChecksTest(GradeClassTest):
    """They wait until nothing else is graded: beside other submissions, what
    is measured is the others."""

    def test_are_left_out_first_and_made_up_one_by_one(self):
        self.make_class("part.toml", {"ann": "solutions/03_memoization"})
        (self.root / "part.toml").write_text(TIMED_PART, encoding="utf-8")
        self.run_class(*self.grade())
        self.assertEqual(
            self.ask("SELECT points, blocked_points FROM grading ORDER BY id"),
            [(50, 50), (100, 0)],
        )


if __name__ == "__main__":
    unittest.main()
