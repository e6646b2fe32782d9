"""What each platform starts leaves behind what that platform reads.

./kvlab grade is a stand-in here that writes a report with the real one's file
names, each holding its own name.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

HERE = pathlib.Path("autograder/platforms").resolve()

STAND_IN = """#!/bin/bash
echo "kvlab $*" >>"$CALLS"
[ "$1 $2" = "grade --out" ] || exit 0
[ -z "$BROKEN" ] || exit 1
echo "what the grader prints"
name=$(basename "$4" .zip)
mkdir -p "$3/$name"
for file in report.txt instructor.txt results.json prairielearn.json; do
  echo "$file" >"$3/$name/$file"
done
echo '{"scores": {"Module 1": 20}}' >"$3/$name/autolab.json"
"""


class PlatformsTest(unittest.TestCase):

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.kvlab = self.folder / "source/kvlab"
        self.kvlab.parent.mkdir()
        self.kvlab.write_text(STAND_IN, encoding="utf-8")
        self.kvlab.chmod(0o755)

    def run_script(self, script, *arguments, broken=""):
        return subprocess.run(
            [HERE / script, *arguments], cwd=self.folder, capture_output=True,
            encoding="utf-8", check=False,
            env={"PATH": os.environ["PATH"], "BROKEN": broken,
                 "CALLS": str(self.folder / "calls"), "KVLAB": str(self.kvlab),
                 "AUTOGRADER": str(self.folder), "GRADE": str(self.folder)})

    def text(self, name):
        return (self.folder / name).read_text(encoding="utf-8")

    def test_gradescope_finds_its_results(self):
        run = self.run_script("gradescope/run_autograder")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.text("results/results.json"), "results.json\n")
        self.assertTrue(run.stdout.endswith("instructor.txt\n"))

    def test_gradescope_sets_up_once(self):
        run = self.run_script("gradescope/setup.sh")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.text("calls"), "kvlab setup\nkvlab grade --help\n")

    def test_gradescope_hides_the_solutions_from_other_users(self):
        self.run_script("gradescope/setup.sh")
        mode = self.kvlab.parent.stat().st_mode
        self.assertEqual(mode & 0o077, 0)

    def test_prairielearn_finds_its_results(self):
        run = self.run_script("prairielearn/grade")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.text("results/results.json"),
                         "prairielearn.json\n")

    def test_autolab_gets_the_report_and_then_its_line(self):
        run = self.run_script("autolab/grade", "submission.zip")
        self.assertEqual(run.returncode, 0, run.stderr)
        first, last = run.stdout.splitlines()
        self.assertEqual(first, "report.txt")
        self.assertEqual(json.loads(last), {"scores": {"Module 1": 20}})

    def test_a_grader_that_failed_leaves_no_results(self):
        for script in ["gradescope/run_autograder", "prairielearn/grade",
                       "autolab/grade"]:
            with self.subTest(script=script):
                run = self.run_script(script, "submission.zip", broken="yes")
                self.assertNotEqual(run.returncode, 0)
                self.assertNotIn("scores", run.stdout)
                self.assertFalse((self.folder / "results").exists())


if __name__ == "__main__":
    unittest.main()
