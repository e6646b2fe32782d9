"""A class in a folder, and ./kvlab class with a grader that pretends.

stand_in_class.cc says what it makes of a submission.
"""

import csv
import io
import os
import pathlib
import subprocess
import tempfile
import unittest

CLASS = pathlib.Path("autograder/class/stand_in_class").resolve()

FAILED, USAGE, PROVISIONAL = 1, 2, 3  # exit statuses


class ClassTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )
        self.course = self.root / "course"
        self.log = self.root / "log"

    def run_class(self, *words, status=0, **environment):
        run = subprocess.run(
            [CLASS, *words],
            cwd=self.root,
            env={
                **os.environ,
                "STAND_IN_LOG": str(self.log),
                **environment,
            },
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        self.assertIn(
            run.returncode,
            status if isinstance(status, tuple) else (status,),
            run.stdout + run.stderr,
        )
        return run.stdout + run.stderr

    def make(self, roster, *options):
        """A class with these lines below the roster's head."""
        self.run_class("init", "course", *options)
        with open(self.course / "roster.csv", "a", encoding="utf-8") as file:
            file.write(roster)

    def hand_in(self, **contents):
        """ID.zip for each; the content is what the stand-in reads."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.root))
        for name, content in contents.items():
            (folder / f"{name}.zip").write_text(content, encoding="utf-8")
        return self.do("import", folder)

    def do(self, verb, *words, **more):
        return self.run_class(verb, "--in", "course", *words, **more)

    def graded(self):
        """The ids of the gradings that began, sorted."""
        return sorted(self.log.read_text(encoding="utf-8").split())

    def long_csv(self, *options, course="course"):
        self.run_class("export", "--in", course, "--long", "x.csv", *options)
        return (self.root / "x.csv").read_text(encoding="utf-8")

    def points(self):
        """From each person and check to its points."""
        return {
            (row["student"], row["check"]): row["points"]
            for row in csv.DictReader(io.StringIO(self.long_csv()))
        }
