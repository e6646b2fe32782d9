"""./kvlab class from the roster to the marks, with a grader that pretends."""

import collections
import csv
import io
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest
import zipfile

from class_testing import FAILED, PROVISIONAL, USAGE, CLASS, ClassTest


class GradeTest(ClassTest):
    def test_what_is_graded_is_not_graded_again(self):
        self.make("ann\nbob\neve\n")
        self.hand_in(ann="full", bob="other")
        self.assertIn("2 submissions graded", self.do("grade"))
        self.assertIn("0 submissions graded", self.do("grade"))
        self.assertEqual(self.graded(), ["ann", "bob"])
        self.hand_in(eve="other", bob="full, at the second attempt")
        self.do("grade")
        self.assertEqual(self.graded(), ["ann", "bob", "bob", "eve"])
        self.assertEqual(self.points()["bob", "mask"], "2.2")

    def test_what_a_mark_rests_on_is_kept(self):
        self.make("ann\n")
        self.hand_in(ann="full")
        self.do("grade")
        with sqlite3.connect(self.course / "class.sqlite") as database:
            row = database.execute(
                "SELECT marks, course_version, machine, isolation, seed, json"
                " FROM grading JOIN attempt ON attempt.id = attempt"
                " JOIN rubric ON rubric.id = rubric"
            ).fetchone()
        database.close()
        marks = json.loads(row[0])
        self.assertEqual(row[1:4], ("2027.1", "a stand-in", marks["isolation"]))
        self.assertEqual(marks["seed"], int(row[4]))
        self.assertEqual(len(json.loads(row[5])["parts"]), 2)
        # Not where the archive was while it was graded.
        self.assertEqual(marks["notices"], ["read from submission"])

    def test_blocked_checks_are_judged_again_and_only_they(self):
        self.make("ann\n")
        self.hand_in(ann="blocked")
        self.assertIn("PROVISIONAL", self.do("grade", status=PROVISIONAL))
        self.assertEqual(self.points()["ann", "speed"], "")
        self.assertIn("blocked", self.do("status"))
        self.do("grade")
        self.assertEqual(self.points()["ann", "speed"], "2.7")
        self.assertEqual(self.points()["ann", "mask"], "2.2")
        self.assertIn("0 submissions graded", self.do("grade"))
        with sqlite3.connect(self.course / "class.sqlite") as database:
            old, new = [
                json.loads(marks)
                for (marks,) in database.execute(
                    "SELECT marks FROM grading ORDER BY id"
                )
            ]
        database.close()
        self.assertEqual(old["parts"][0], new["parts"][0])
        self.assertEqual(old["seed"], new["seed"])

    def test_a_fault_of_the_grader_is_no_mark(self):
        self.make("ann\nbob\n")
        self.hand_in(ann="broken", bob="full")
        text = self.do("grade", status=FAILED)
        self.assertIn("ann: the grader failed: the disk is full", text)
        self.assertIn("failed", self.do("status"))
        self.assertNotIn(("ann", "sum"), self.points())
        self.do("grade", status=FAILED)
        self.assertEqual(self.graded(), ["ann", "ann", "bob"])

    def test_progress_says_how_far_and_how_long(self):
        self.make("ann\nbob\neve\n")
        self.hand_in(ann="full", bob="full", eve="full")
        # The stand-in shows nothing; a wrong moment would still throw.
        self.do("grade", STAND_IN_MS="1")


class RegradeTest(ClassTest):
    """A check that was found wrong after the deadline."""

    def setUp(self):
        super().setUp()
        self.make("ann\nbob\neve\npat\n")
        self.hand_in(ann="full", bob="other", eve="other")
        self.do("grade")
        self.ran = self.root / "ran"

    def regrade(self, *words, **more):
        """What it prints; self.ran gets a line for each check that is run."""
        self.ran.write_text("")
        return self.do("regrade", *words, STAND_IN_RUNS=self.ran, **more)

    def checks_run(self):
        return self.ran.read_text(encoding="utf-8").splitlines()

    def rubric(self, text):
        (self.root / "rubric").write_text(text, encoding="utf-8")
        return ("--rubric", "rubric")

    def test_one_check_is_run_and_nothing_else(self):
        text = self.regrade("--check", "mask", STAND_IN_GENEROUS="mask")
        self.assertEqual(
            self.checks_run(), ["ann mask", "bob mask", "eve mask"]
        )
        self.assertEqual(
            text.splitlines(),
            [
                "bob: 1.5 of 6 -> 3.2 of 6",
                "  1.1 Module 1: attention/mask: 0.5 of 2.2 -> 2.2 of 2.2",
                "eve: 1.5 of 6 -> 3.2 of 6",
                "  1.1 Module 1: attention/mask: 0.5 of 2.2 -> 2.2 of 2.2",
                "2 of 3 marks change; nothing is published yet: the same "
                "command with --publish does that",
            ],
        )

    def test_nothing_counts_before_it_is_published(self):
        before = self.long_csv()
        said = self.regrade("--check", "mask", STAND_IN_GENEROUS="mask")
        self.assertEqual(self.long_csv(), before)
        published = self.regrade(
            "--check", "mask", "--publish", STAND_IN_GENEROUS="mask"
        )
        self.assertEqual(self.checks_run(), [], "they had been run")
        self.assertEqual(published.splitlines()[:-1], said.splitlines()[:-1])
        self.assertEqual(
            published.splitlines()[-1], "published: 2 of 3 marks changed"
        )
        self.assertEqual(self.points()["bob", "mask"], "2.2")
        self.assertEqual(self.points()["bob", "sum"], "0.5")

    def test_old_marks_stay_in_the_history(self):
        self.regrade("--check", "mask", "--publish", STAND_IN_GENEROUS="mask")
        with sqlite3.connect(self.course / "class.sqlite") as database:
            rows = database.execute(
                "SELECT points, reason FROM grading JOIN attempt"
                " ON attempt.id = attempt WHERE student = 'bob'"
                " ORDER BY grading.id"
            ).fetchall()
            left = database.execute("SELECT count(*) FROM proposal").fetchone()
        database.close()
        self.assertEqual(rows, [(1.5, ""), (3.2, "regrade: --check mask")])
        self.assertEqual(left, (0,))

    def test_what_judges_has_changed_since_so_it_is_run_again(self):
        self.regrade("--check", "mask")
        self.regrade("--check", "mask", STAND_IN_GENEROUS="mask")
        self.assertEqual(len(self.checks_run()), 3)

    def test_a_part_is_run_whole(self):
        for name in ("1", "01_attention", "Module 1: attention"):
            self.regrade("--part", name)
            self.assertEqual(
                self.checks_run(),
                [
                    f"{one} {check}"
                    for one in ("ann", "bob", "eve")
                    for check in ("sum", "mask")
                ],
            )

    def test_of_a_new_rubric_only_what_it_judges_otherwise_is_run(self):
        rubric = self.rubric("sum 1.1 1\nmask 2.2 0\nspeed 2.7 0\n")
        text = self.regrade(*rubric)
        self.assertEqual(self.checks_run(), ["ann sum", "bob sum", "eve sum"])
        self.assertIn("bob: 1.5 of 6 -> 2.1 of 6", text)

    def test_other_points_are_computed_and_nothing_is_run(self):
        rubric = self.rubric("sum 2.2 0\nmask 1.1 0\nspeed 2.7 0\n")
        text = self.regrade(*rubric, "--publish")
        self.assertEqual(self.checks_run(), [])
        self.assertIn("bob: 1.5 of 6 -> 1.75 of 6", text)
        self.assertIn("/mask: 0.5 of 2.2 -> 0.25 of 1.1", text)
        self.assertIn("ann: stays at 6 of 6", text)
        self.assertEqual(self.points()["bob", "sum"], "1")

    def test_a_check_that_is_new_is_run_and_one_that_is_gone_is_not(self):
        text = self.regrade(
            *self.rubric("sum 1.1 0\nlate 2.2 0\nspeed 2.7 0\n")
        )
        self.assertEqual(
            self.checks_run(), ["ann late", "bob late", "eve late"]
        )
        self.assertIn("/mask: 0.5 of 2.2 -> no longer asked", text)
        self.assertIn("/late: not asked -> 0.5 of 2.2", text)

    def test_the_same_rubric_changes_nothing(self):
        self.assertEqual(self.regrade(), "no mark can change\n")
        self.assertEqual(self.checks_run(), [])

    def test_with_a_name_the_rubric_may_change_nothing_else(self):
        rubric = self.rubric("sum 1.1 0\nmask 2.2 1\nspeed 3 0\n")
        text = self.regrade(*rubric, "--check", "mask", status=FAILED)
        self.assertIn("also changes 'Module 3: memoization/speed'", text)
        self.assertEqual(self.checks_run(), [])

    def test_overrides_survive(self):
        self.do("override", "bob", "mask", "1", "--why", "as agreed")
        text = self.regrade(
            "--check", "mask", "--publish", STAND_IN_GENEROUS="mask"
        )
        self.assertNotIn("bob", text)
        self.assertEqual(self.points()["bob", "mask"], "1")
        self.assertEqual(self.points()["eve", "mask"], "2.2")
        for lines in ("sum 1.1 0\nspeed 2.7 0\n", "mask 0.9 0\nspeed 2.7 0\n"):
            text = self.regrade(*self.rubric(lines), status=FAILED)
            self.assertIn(
                "an override sets the points of the check 'mask' to 1", text
            )

    def test_what_cannot_be_judged_is_not_published(self):
        words = ("--check", "mask", "--publish")
        text = self.regrade(*words, STAND_IN_BUSY="mask", status=PROVISIONAL)
        self.assertIn("bob: checks could not be judged", text)
        self.assertEqual(self.points()["bob", "mask"], "0.5")
        self.regrade(*words)
        self.assertEqual(len(self.checks_run()), 3)

    def test_stopped_it_goes_on(self):
        words = [CLASS, "regrade", "--in", self.course, "--check", "mask"]
        environment = {
            **os.environ,
            "STAND_IN_LOG": str(self.log),
            "STAND_IN_MS": "200",
        }
        begun = len(self.graded())
        with subprocess.Popen(
            words, env=environment, stdout=subprocess.DEVNULL
        ) as grader:
            while len(self.graded()) < begun + 2:
                time.sleep(0.005)
            grader.kill()
        self.regrade("--check", "mask")
        self.assertEqual(self.checks_run(), ["bob mask", "eve mask"])

    def test_names_that_there_are_not(self):
        self.assertIn(
            "no check 'gone'", self.regrade("--check", "gone", status=FAILED)
        )
        self.assertIn(
            "Module 1: attention", self.regrade("--part", "9", status=FAILED)
        )
        self.regrade("--part", "1", "--check", "mask", status=USAGE)


class AppealTest(ClassTest):
    """Does a mark depend on chance?"""

    def setUp(self):
        super().setUp()
        self.make("ann\nbob\neve\n")
        self.hand_in(ann="other", bob="lucky")
        self.do("grade")

    def seeds(self, text):
        return [
            line.split()[2].rstrip(":")
            for line in text.splitlines()
            if line.startswith(("same", "fresh"))
        ]

    def test_a_mark_that_no_seed_changes_stands(self):
        before = self.long_csv()
        text = self.do("appeal", "ann")
        self.assertIn("the mark: 1.5 points", text)
        self.assertIn("the mark stands", text)
        self.assertEqual(self.long_csv(), before)

    def test_it_takes_the_same_seed_then_three_fresh_ones(self):
        with sqlite3.connect(self.course / "class.sqlite") as database:
            (seed,) = database.execute(
                "SELECT seed FROM attempt WHERE student = 'ann'"
            ).fetchone()
        seeds = self.seeds(self.do("appeal", "ann"))
        again = self.seeds(self.do("appeal", "ann"))
        self.assertEqual((seeds[0], again[0]), (seed, seed))
        self.assertEqual(len(set(seeds + again)), 7)
        kept = database.execute(
            "SELECT stands, runs FROM appeal ORDER BY id"
        ).fetchall()
        database.close()
        self.assertEqual([stands for stands, _ in kept], [1, 1])
        self.assertEqual(
            [str(run["seed"]) for run in json.loads(kept[0][1])], seeds
        )

    def test_a_mark_that_depends_on_the_seed_does_not_stand(self):
        text = self.do("appeal", "bob")
        self.assertIn("  1.1 Module 1: attention/sum: ", text)
        self.assertNotIn("/mask: ", text)
        self.assertIn("the mark does not stand", text)
        same = text.splitlines()[2]
        self.assertTrue(same.startswith("fresh"), "the same seed, the same")

    def test_what_cannot_be_judged_leaves_it_open(self):
        text = self.do("appeal", "ann", STAND_IN_BUSY="sum", status=PROVISIONAL)
        self.assertIn("open: checks could not be judged", text)

    def test_overrides_are_not_compared(self):
        self.do("override", "ann", "mask", "2.2", "--why", "as agreed")
        text = self.do("appeal", "ann")
        self.assertIn("1 override of this person", text)
        self.assertIn("the mark stands", text)
        self.assertEqual(self.points()["ann", "mask"], "2.2")

    def test_an_appeal_is_against_a_mark(self):
        for person, word in (("eve", "handed in nothing"), ("gone", "gone")):
            self.assertIn(word, self.do("appeal", person, status=FAILED))
        self.hand_in(eve="other")
        self.assertIn("not graded yet", self.do("appeal", "eve", status=FAILED))
        (self.root / "rubric").write_text("sum 1.1 1\n")
        text = self.do("appeal", "ann", "--rubric", "rubric", status=FAILED)
        self.assertIn("graded by another rubric", text)


class ParallelTest(ClassTest):
    """Several submissions at a time, and then their speed, one at a time."""

    PEOPLE = [f"s{i}" for i in range(6)]

    def setUp(self):
        super().setUp()
        self.make("".join(f"{person}\n" for person in self.PEOPLE))
        self.hand_in(**{person: "timed" for person in self.PEOPLE})
        self.ran = self.root / "ran"

    def checks_run(self):
        return self.ran.read_text(encoding="utf-8").splitlines()

    def test_speed_is_measured_when_all_else_is_done(self):
        text = self.do(
            "grade", "--jobs", "3", STAND_IN_RUNS=self.ran, STAND_IN_SHOW="1"
        )
        self.assertIn("6 submissions graded", text)
        steps = re.findall(r"\[(\d+)/(\d+)\]", text)
        self.assertEqual({of for _, of in steps}, {"6"})
        self.assertLessEqual({at for at, _ in steps}, set("123456"))
        ran = self.checks_run()
        first = [f"{a} {b}" for a in self.PEOPLE for b in ("sum", "mask")]
        self.assertEqual(sorted(ran[:12]), sorted(first))
        self.assertEqual(
            ran[12:], [f"{person} speed" for person in self.PEOPLE]
        )
        self.assertEqual(set(self.points().values()), {"1.1", "2.2", "2.7"})
        self.assertIn("6 graded", self.do("status"))

    def test_stopped_before_speed_was_measured_it_goes_on_there(self):
        with subprocess.Popen(
            [CLASS, "grade", "--in", self.course],
            env={
                **os.environ,
                "STAND_IN_RUNS": str(self.ran),
                "STAND_IN_MS": "150",
            },
            stdout=subprocess.DEVNULL,
        ) as grader:
            while not self.ran.exists() or len(self.checks_run()) < 13:
                time.sleep(0.005)
            grader.kill()
        self.assertIn("blocked", self.do("status"))
        before = len(self.checks_run())
        self.do("grade", STAND_IN_RUNS=self.ran)
        again = self.checks_run()[before:]
        self.assertTrue(again)
        for line in again:
            self.assertRegex(line, "speed$")
        self.assertIn("6 graded", self.do("status"))


FULL_DISK = """
set -e
mount -t tmpfs -o size=8m tmpfs "$1"
cp -r course "$1"
dd if=/dev/zero of="$1/filler" bs=4096 2> /dev/null || true
truncate -s -$((64 * 1024)) "$1/filler"
"$2" grade --in "$1/course" > said 2>&1 && exit 9
rm "$1/filler"
"$2" grade --in "$1/course" || test $? = 3
"$2" grade --in "$1/course"
cp "$1/course/class.sqlite"* course
"""


class KilledTest(ClassTest):
    """Killed at any moment, it goes on where it was."""

    PEOPLE = [f"s{i:02}" for i in range(40)]

    def setUp(self):
        super().setUp()
        self.make("".join(f"{person}\n" for person in self.PEOPLE))
        kinds = ["full", "other", "blocked"]
        self.hand_in(
            **{
                person: f"{kinds[i % 3]} {i}"
                for i, person in enumerate(self.PEOPLE)
            }
        )
        # The seeds are drawn when attempts are imported.
        shutil.copytree(self.course, self.root / "undisturbed")

    def start(self, milliseconds, jobs=2):
        return subprocess.Popen(
            [CLASS, "grade", "--in", self.course, "--jobs", str(jobs)],
            env={
                **os.environ,
                "STAND_IN_LOG": str(self.log),
                "STAND_IN_MS": str(milliseconds),
            },
            stdout=subprocess.DEVNULL,
        )

    def finish(self):
        # The second call judges blocked checks again.
        self.do("grade", status=(0, PROVISIONAL))
        self.do("grade")

    def assert_as_undisturbed(self):
        undisturbed = {"STAND_IN_LOG": ""}
        for status in (PROVISIONAL, 0):
            self.run_class(
                "grade", "--in", "undisturbed", status=status, **undisturbed
            )
        self.assertEqual(self.long_csv(course="undisturbed"), self.long_csv())
        for course in ("course", "undisturbed"):
            self.run_class("export", "--in", course, "--reports", course + "-r")
        for person in self.PEOPLE:
            for name in ("report.txt", "results.json", "instructor.txt"):
                one, other = (
                    (self.root / (course + "-r") / person / name).read_bytes()
                    for course in ("course", "undisturbed")
                )
                self.assertEqual(one, other, f"{person} {name}")

    def test_twenty_kills_at_random_moments(self):
        seed = random.randrange(2**32)
        moments = random.Random(seed)
        with self.subTest(seed=seed):
            for _ in range(20):
                grader = self.start(25)
                time.sleep(moments.uniform(0, 0.12))
                grader.kill()
                grader.wait()
            self.finish()
            # What was killed began again, two at a time, and nothing else did.
            begun = collections.Counter(self.graded())
            self.assertEqual(set(begun), set(self.PEOPLE))
            repeated = begun.total() - len(begun)
            self.assertLessEqual(repeated, 2 * 20 + len(self.PEOPLE[2::3]))
            self.assert_as_undisturbed()
            self.assertEqual(
                list((self.course / "grading").iterdir()), [], "left behind"
            )

    def test_a_full_disk_loses_nothing(self):
        """On a file system of 8 MB that is full but for 64 KB."""
        small = self.root / "small"
        small.mkdir()
        subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
            + [FULL_DISK, "sh", small, CLASS],
            cwd=self.root,
            check=True,
        )
        self.assertIn("full", (self.root / "said").read_text())
        self.assert_as_undisturbed()

    def test_two_graders_do_not_do_the_same_work(self):
        graders = [self.start(20) for _ in range(2)]
        for grader in graders:
            self.assertIn(grader.wait(), (0, PROVISIONAL))
        begun = collections.Counter(self.graded())
        # Once; and once more if the other one had found a blocked check.
        for i, person in enumerate(self.PEOPLE):
            self.assertLessEqual(begun[person], 2 if i % 3 == 2 else 1, person)
            self.assertGreaterEqual(begun[person], 1, person)

    def test_the_other_grader_takes_over_from_one_that_was_killed(self):
        grader = self.start(100000, jobs=1)
        while not self.log.exists():
            time.sleep(0.01)
        text = self.do("grade", status=PROVISIONAL)
        self.assertIn("1 submission left to another grader", text)
        grader.send_signal(signal.SIGKILL)
        grader.wait()
        self.do("grade")
        self.assertEqual(self.graded().count("s00"), 2)
        self.assert_as_undisturbed()


class ExportTest(ClassTest):
    CANVAS = (
        "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,KV cache (901),"
        '"Total, all"\r\n'
        '    Points Possible,,,,,100,"(read only)"\r\n'
        '"Lee, Ann",4711,,ann@example.org,"A ""1""",,\r\n'
        '"Ray, Bob",815,bob,,A,"",x\r\n'
        '"Doe, Eve",816,eve,,B,7,=1+1\r\n'
        '"Roe, Jo",999,jo,,B,,\r\n'
        '"Student, Test",1000,bob,,B,,'
    )

    def setUp(self):
        super().setUp()
        self.make(
            "ann,Ann Lee,ann@example.org,A,,,,\n"
            "bob,Bob Ray,,A,,,2,ill\n"
            "eve,Eve Doe,,B,,,,\n"
            "pat,Pat Poe,,B,,,,\n",
            "--due",
            "2027-01-15T23:59:00+01:00",
        )
        self.hand_in(ann="full", eve="blocked")
        folder = self.root / "late"
        folder.mkdir()
        (folder / "bob.zip").write_text("other")
        self.do("import", folder, "--submitted-at", "2027-01-18T12:00:00+01:00")
        self.do("grade", status=PROVISIONAL)

    def fill(self, text, *options):
        (self.root / "in.csv").write_bytes(text.encode())
        said = self.do(
            "export", "--into", "in.csv", "--out", "out.csv", *options
        )
        return (self.root / "out.csv").read_bytes().decode(), said

    def test_canvas_gets_one_column_and_no_other_byte_changes(self):
        for column in ("KV cache (901)", "KV cache"):
            filled, said = self.fill(self.CANVAS, "--column", column)
            # ann 6 of 6; bob 1.5, 3 days late, 2 of them free: 10 % off.
            self.assertEqual(
                filled,
                self.CANVAS.replace('"A ""1""",,', '"A ""1""",6,').replace(
                    'A,"",x', 'A,"1.35",x'
                ),
            )
            self.assertIn("2 marks filled in, 3 left", said)
            self.assertIn("Roe, Jo: is not on the roster", said)
            self.assertIn("eve: provisional: 2.7 points", said)
            self.assertIn("pat: not in the platform's file", said)

    def test_moodle_has_its_own_columns_and_decimal_commas(self):
        text = (
            "Identifier;Full name;Email address;Grade;Maximum Grade\n"
            "Participant 1;Ann Lee;ANN@example.org;;100,00\n"
            "Participant 2;Bob Ray;bob;;100,00\n"
        )
        filled, _ = self.fill(text)
        self.assertEqual(
            filled,
            text.replace("org;;", "org;6;").replace("bob;;", "bob;1,35;"),
        )

    def test_a_column_is_not_guessed(self):
        (self.root / "in.csv").write_bytes(self.CANVAS.encode())
        for options in ((), ("--column", "KV"), ("--column", "Grade")):
            self.do(
                "export",
                "--into",
                "in.csv",
                "--out",
                "out.csv",
                *options,
                status=FAILED,
            )
            self.assertFalse((self.root / "out.csv").exists())

    def test_the_long_table_has_every_check(self):
        self.assertEqual(
            self.long_csv(),
            "student,check,points,of,blocked,override\n"
            "ann,sum,1.1,1.1,,\nann,mask,2.2,2.2,,\nann,speed,2.7,2.7,,\n"
            "bob,sum,0.5,1.1,,\nbob,mask,0.5,2.2,,\nbob,speed,0.5,2.7,,\n"
            "eve,sum,1.1,1.1,,\neve,mask,2.2,2.2,,\neve,speed,,2.7,yes,\n",
        )

    def test_gradescope_has_a_line_for_each_person(self):
        self.do("export", "--gradescope", "g.csv")
        with open(self.root / "g.csv", encoding="utf-8", newline="") as file:
            rows = {row["SID"]: row for row in csv.DictReader(file)}
        self.assertEqual(rows["ann"]["Total Score"], "6")
        self.assertEqual(rows["ann"]["Max Points"], "6")
        self.assertEqual(rows["ann"]["Name"], "Ann Lee")
        self.assertEqual(rows["eve"]["Status"], "Ungraded")
        self.assertEqual(rows["pat"]["Status"], "Missing")
        self.assertEqual(
            rows["bob"]["Submission Time"], "2027-01-18T12:00:00+01:00"
        )

    def test_reports_are_in_one_folder_per_person(self):
        self.do("export", "--reports", "r")
        self.assertEqual(
            sorted(path.name for path in (self.root / "r").iterdir()),
            ["ann", "bob", "eve"],
        )
        report = (self.root / "r/bob/report.txt").read_text()
        self.assertIn("2 of them free", report)
        results = json.loads((self.root / "r/bob/results.json").read_text())
        self.assertEqual(results["score"], 1.35)
        # Nothing in a report of one person names another.
        for one in ("ann", "bob", "eve"):
            for path in (self.root / "r" / one).iterdir():
                text = path.read_text(encoding="utf-8")
                for name in ("Ann Lee", "Bob Ray", "Eve Doe", "Pat Poe"):
                    self.assertNotIn(name, text)

    def test_anonymous_reports_and_tables_have_the_same_pseudonyms(self):
        self.do("export", "--reports", "r", "--anonymous")
        folders = {path.name for path in (self.root / "r").iterdir()}
        table = self.long_csv("--anonymous")
        names = {row["student"] for row in csv.DictReader(io.StringIO(table))}
        self.assertEqual(folders, names)
        self.assertEqual(len(names), 3)
        for folder in folders:
            self.assertRegex(folder, r"^student-[0-9a-f]{12}$")
            for path in (self.root / "r" / folder).iterdir():
                text = path.read_text(encoding="utf-8")
                for name in ("bob", "Bob Ray", "Ann Lee", "ann@example.org"):
                    self.assertNotIn(name, text, path)

    def test_status_says_who_has_what(self):
        lines = self.do("status").splitlines()
        found = {line.split()[0]: " ".join(line.split()[1:]) for line in lines}
        self.assertEqual(found["ann"], "graded 6 of 6 time unknown")
        self.assertEqual(found["bob"], "graded 1.35 of 6 3 days, 1 charged")
        self.assertEqual(
            found["eve"],
            "blocked 3.3 of 3.3 time unknown 2.7 points could not be judged",
        )
        self.assertEqual(found["pat"], "missing")
        self.assertEqual(
            lines[-1], "4 on the roster: 2 graded, 1 blocked, 1 missing"
        )


class OverrideTest(ClassTest):
    def setUp(self):
        super().setUp()
        self.make("ann\nbob\n")
        self.hand_in(ann="other", bob="other")
        self.do("grade")

    def test_it_is_shown_with_the_reason_and_survives(self):
        why = "the seed drew an empty prompt, see #12"
        self.do("override", "ann", "mask", "2.2", "--why", why, "--by", "lee")
        self.assertEqual(self.points()["ann", "mask"], "2.2")
        self.assertEqual(self.points()["bob", "mask"], "0.5")
        self.assertIn(f'2.2,2.2,,"{why}"', self.long_csv())
        self.do("export", "--reports", "r")
        report = " ".join((self.root / "r/ann/report.txt").read_text().split())
        self.assertIn("2.2 points by lee on 20", report)
        self.assertIn(why + "; it had 0.5 of 2.2 points", report)
        self.assertNotIn("by lee", (self.root / "r/bob/report.txt").read_text())
        # Another attempt is graded, and the decision stays.
        self.hand_in(ann="other, once more")
        self.do("grade")
        self.assertEqual(self.points()["ann", "mask"], "2.2")
        self.assertIn("1 override; 2 attempts", self.do("status"))

    def test_what_cannot_be_meant_is_refused(self):
        for words, status in (
            (("ann", "mask", "3", "--why", "x"), FAILED),
            (("ann", "mask", "-1", "--why", "x"), USAGE),
            (("ann", "mask", "1", "--why", " "), USAGE),
            (("ann", "mask", "1"), USAGE),
            (("ann", "gone", "1", "--why", "x"), FAILED),
            (("eve", "mask", "1", "--why", "x"), FAILED),
        ):
            self.do("override", *words, status=status)
        self.assertEqual(self.points()["ann", "mask"], "0.5")


class HostileTest(ClassTest):
    IDS = [
        "o'brien@example.edu",
        "m\u00fcller",
        "mu\u0308ller",
        "ann",
        "Ann",
        "a/b",
        "..",
        ".hidden",
        "=cmd|' /C calc'!A0",
        "<script>alert(1)</script>",
        "x" * 300,
        "x" * 299 + "y",
    ]

    def setUp(self):
        super().setUp()
        head = "id,name,platform_id\n"
        self.run_class("init", "course")
        with open(
            self.course / "roster.csv", "w", encoding="utf-8", newline=""
        ) as file:
            file.write(head)
            csv.writer(file).writerows(
                (each, "=1+1", 1000 + i) for i, each in enumerate(self.IDS)
            )
        with zipfile.ZipFile(self.root / "all.zip", "w") as archive:
            for i in range(len(self.IDS)):
                archive.writestr(f"name_{1000 + i}_{i}_s.zip", "full")
        self.do("import", "all.zip")
        self.do("grade")

    def test_every_id_has_its_marks_and_its_folder(self):
        rows = list(csv.DictReader(io.StringIO(self.long_csv())))
        self.assertEqual(
            list(dict.fromkeys(row["student"].lstrip("'") for row in rows)),
            self.IDS,
        )
        self.do("export", "--reports", "r")
        folders = [path.name for path in (self.root / "r").iterdir()]
        self.assertEqual(len(folders), len(self.IDS))
        folded = {name.casefold() for name in folders}
        self.assertEqual(len(folded), len(self.IDS), "case makes no folder")
        self.assertEqual(
            sorted(path.name for path in self.root.iterdir()),
            sorted(["all.zip", "course", "log", "r", "x.csv"]),
            "nothing is written elsewhere",
        )
        for name in ("o'brien@example.edu", "m\u00fcller", "a_b"):
            self.assertIn(name, folders)

    def test_nothing_is_a_formula_or_markup(self):
        self.do("export", "--gradescope", "g.csv", "--reports", "r")
        for text in (self.long_csv(), (self.root / "g.csv").read_text()):
            for row in csv.reader(io.StringIO(text)):
                for cell in row:
                    self.assertNotIn(cell[:1], {"=", "+", "-", "@"}, row)
        for page in (self.root / "r").glob("*/report.html"):
            self.assertNotIn("<script>alert", page.read_text(encoding="utf-8"))


class UsageTest(ClassTest):
    def test_a_class_is_made_once(self):
        self.make("")
        self.run_class("init", "course", status=FAILED)

    def test_a_folder_without_a_class_says_what_to_do(self):
        self.assertIn("./kvlab class init", self.run_class("status", status=1))

    def test_mistakes_on_the_command_line(self):
        for words in (
            (),
            ("grdae",),
            ("init",),
            ("init", "x", "--due", "2027-01-15"),
            ("import",),
            ("import", "gone.zip"),
        ):
            self.run_class(*words, status=USAGE)
        self.make("")
        self.do("export", status=USAGE)
        self.do("export", "--into", "course/roster.csv", status=USAGE)

    def test_help_lists_the_verbs(self):
        text = self.run_class("--help")
        for verb in (
            "init",
            "import",
            "grade",
            "regrade",
            "appeal",
            "status",
            "export",
            "override",
        ):
            self.assertIn(verb, text)


if __name__ == "__main__":
    unittest.main()
