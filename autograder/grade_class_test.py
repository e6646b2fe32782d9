"""./kvlab class with the real grader, killed and started again.

Module 1 of the solutions gets all points, and the stubs none.
"""

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
HANDED_IN = {
    "ann": pathlib.Path("solutions/01_attention"),
    "bob": pathlib.Path("modules/01_attention"),
}

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
rubric = "judges/01_attention/rubric.toml"
points = 100
"""


class GradeClassTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )
        (self.root / "rubric.toml").write_text(RUBRIC, encoding="utf-8")
        self.run_class("init", "course")
        with open(
            self.root / "course/roster.csv", "a", encoding="utf-8"
        ) as file:
            file.writelines(f"{person}\n" for person in HANDED_IN)
        for person, folder in HANDED_IN.items():
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

    def test_killed_at_a_random_moment_it_goes_on(self):
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
            self.run_class("export", "--in", "course", "--long", "long.csv")
            with open(
                self.root / "long.csv", encoding="utf-8", newline=""
            ) as file:
                rows = list(csv.DictReader(file))
            self.assertGreater(len(rows), 10)
            self.assertEqual({row["student"] for row in rows}, set(HANDED_IN))
            for row in rows:
                full = row["of"] if row["student"] == "ann" else "0"
                self.assertEqual(row["points"], full, row)
            with sqlite3.connect(self.root / "course/class.sqlite") as database:
                count, points = database.execute(
                    "SELECT count(*), sum(points) FROM grading"
                ).fetchone()
            database.close()
            self.assertEqual((count, points), (2, 100), "each was graded once")
            self.assertEqual(os.listdir(self.root / "course/grading"), [])
            self.assertIn("0 submissions graded", self.run_class(*self.grade()))


if __name__ == "__main__":
    unittest.main()
