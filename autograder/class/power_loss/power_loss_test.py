"""What ./kvlab class has said is there after a loss of power.

Each command runs once, under strace. Then the power fails after each of its
changes to the disk: with all lost that was not synced, and with any part of it
kept. Each disk that may be left is opened as an instructor would.
"""

import pathlib
import random
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

from power_cut import Disk, printed, record

CLASS = pathlib.Path("autograder/class/stand_in_class").resolve()

SEED = 20270115
KEPT_PARTS = 3  # disks with some of what was not synced, for each cut


class PowerLossTest(unittest.TestCase):
    def setUp(self):
        # strace shows where files really are.
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        ).resolve()
        self.disk = self.root / "disk"
        self.disk.mkdir()
        self.course = self.disk / "course"
        self.left = self.root / "left"  # of the disk, after a cut
        self.random = random.Random(SEED)
        self.cuts = 0

    def run_class(self, *words):
        return subprocess.run(
            [CLASS, *words],
            cwd=self.root,
            check=False,
            capture_output=True,
            text=True,
        )

    def do(self, *words):
        run = self.run_class(*words)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        return run.stdout

    def make(self):
        self.do("init", self.course)
        with open(self.course / "roster.csv", "a", encoding="utf-8") as file:
            file.write("ann\nbob\neve\n")

    def hand_in(self):
        folder = self.root / "in"
        folder.mkdir()
        for name, content in [
            ("ann", "full"),
            ("bob", "other"),
            ("eve", "some 50"),
        ]:
            (folder / f"{name}.zip").write_text(content, encoding="utf-8")
        return folder

    def marks(self, course):
        """The long CSV of its marks, or what is wrong with it."""
        out = self.root / "marks.csv"
        run = self.run_class("export", "--in", course, "--long", out)
        if run.returncode != 0:
            return run.stdout + run.stderr
        return out.read_text(encoding="utf-8")

    def rows(self, query, course):
        with sqlite3.connect(course / "class.sqlite") as database:
            self.assertEqual(
                database.execute("PRAGMA integrity_check").fetchall(), [("ok",)]
            )
            rows = database.execute(query).fetchall()
        database.close()
        return rows

    def cut_power_during(self, words, check):
        """Calls check(course, said) for each disk that a cut may leave during
        the command, with what it had printed; returns what it prints."""
        disk = Disk(self.disk)
        run, calls = record([CLASS, *words], self.root / "calls", cwd=self.root)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        chances = [lambda: False] + [lambda: self.random.random() < 0.5] * (
            KEPT_PARTS
        )
        said = ""
        for call in calls:
            said += printed(call)
            if not disk.apply(call) and not printed(call):
                continue
            for number, chance in enumerate(chances):
                disk.write_after_a_cut(self.left, chance)
                self.cuts += 1
                with self.subTest(
                    seed=SEED, after=call[3][:160], number=number, said=said
                ):
                    check(self.left / "course", said)
        # The replay knows all that the command did.
        for path, file in disk.now.items():
            if file is not None and not path.endswith("-shm"):
                self.assertEqual(
                    pathlib.Path(path).read_bytes(), file.now, path
                )
        return run.stdout

    def test_a_class_that_was_made_is_there(self):
        def check(course, said):
            if "made " in said or (course / "course.toml").exists():
                self.assertEqual(self.rows("SELECT * FROM grading", course), [])
                self.assertIn("student,", self.marks(course))

        self.cut_power_during(["init", self.course], check)
        self.assertGreater(self.cuts, 40)

    def test_attempts_that_were_taken_in_are_there(self):
        self.make()
        folder = self.hand_in()

        def check(course, said):
            rows = self.rows("SELECT student FROM attempt", course)
            self.assertIn(len(rows), (0, 3))
            if "3 attempts new" in said:
                self.assertEqual(len(rows), 3)

        self.cut_power_during(["import", "--in", self.course, folder], check)
        self.assertGreater(self.cuts, 40)

    def test_marks_that_were_shown_are_there(self):
        self.make()
        self.do("import", "--in", self.course, self.hand_in())
        before = self.root / "before"
        shutil.copytree(self.course, before)
        self.do("grade", "--in", before)
        undisturbed = self.marks(before)
        graded = {}

        def check(course, said):
            for student, points in self.rows(
                "SELECT student, points FROM grading"
                " JOIN attempt ON attempt.id = attempt",
                course,
            ):
                self.assertEqual(graded.setdefault(student, points), points)
            if "3 submissions graded" in said:
                self.assertEqual(self.marks(course), undisturbed)
            elif self.cuts % 10 == 0:
                self.do("grade", "--in", course)
                self.assertEqual(self.marks(course), undisturbed)

        self.cut_power_during(["grade", "--in", self.course], check)
        self.assertEqual(len(graded), 3)
        self.assertGreater(self.cuts, 100)

    def test_marks_by_hand_that_were_shown_are_there(self):
        self.make()
        self.do("import", "--in", self.course, self.hand_in())
        self.do("grade", "--in", self.course)
        words = ["ann", "mask", "1", "--why", "fire alarm"]
        undisturbed = self.root / "undisturbed"
        shutil.copytree(self.course, undisturbed)
        self.do("override", "--in", undisturbed, *words)
        before, after = self.marks(self.course), self.marks(undisturbed)
        self.assertNotEqual(before, after)

        def check(course, said):
            marks = self.marks(course)
            self.assertIn(marks, [after] if said else [before, after])

        said = self.cut_power_during(
            ["override", "--in", self.course, *words], check
        )
        self.assertTrue(said)
        self.assertGreater(self.cuts, 20)

    def test_a_file_of_marks_is_the_earlier_one_or_the_new_one(self):
        self.make()
        self.do("import", "--in", self.course, self.hand_in())
        out = self.course / "marks.csv"
        self.do("export", "--in", self.course, "--long", out)
        earlier = out.read_bytes()
        self.do("grade", "--in", self.course)
        new = self.marks(self.course).encode()
        self.assertNotEqual(earlier, new)

        def check(course, said):
            found = (course / "marks.csv").read_bytes()
            self.assertIn(found, [new] if "wrote" in said else [earlier, new])

        self.cut_power_during(
            ["export", "--in", self.course, "--long", out], check
        )
        self.assertGreater(self.cuts, 8)


if __name__ == "__main__":
    unittest.main()
