"""A check that the machine was too busy for is blocked, and grade says so.

The real grader grades module 3 of the solutions by one speed check, whose pairs
are all dropped: none gives its baseline two processors.
"""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

GRADE = pathlib.Path("autograder/grade").resolve()
SOLUTIONS = pathlib.Path("solutions/03_memoization")

PROVISIONAL = 3  # exit status

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
rubric = "speed.toml"
points = 100
"""

SPEED = """
judged = "module"
module = "03_memoization"
title = "Module 3: memoization"

[[tasks]]
id = "3.10"
title = "Speed"

[[tasks.checks]]
name = "speed.50"
run = "speed.cached_generation"
title = "50 tokens"
points = 2
asked = "New tokens."
why = "It matters."
where = "here"
settings = { new_tokens = 20, pairs = 1, most_pairs = 2, prompt_tokens = 8,\
 margin = 0.01, baseline_seconds = 60, of_reference = 0.6,\
 least_share = %g, most_dropped = 1 }
tiers = [{ at_least = 1.01, share = 1 }, { at_least = 1, share = 0.5 }]
"""


class GradeProvisionalTest(unittest.TestCase):
    def graded(self, least_share, *options):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "rubric.toml").write_text(RUBRIC, encoding="utf-8")
            (folder / "speed.toml").write_text(
                SPEED % least_share, encoding="utf-8"
            )
            module = folder / "ada/modules/03_memoization"
            module.mkdir(parents=True)
            for source in SOLUTIONS.glob("*.cc"):
                shutil.copy(source, module)
            run = subprocess.run(
                [
                    GRADE,
                    "--rubric",
                    folder / "rubric.toml",
                    *options,
                    folder / "ada",
                ],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
        # Wherever the lines are broken.
        return run.returncode, " ".join((run.stdout + run.stderr).split())

    def test_no_processor_to_judge_on(self):
        for options in [(), ("--brief",)]:
            with self.subTest(options=options):
                status, text = self.graded(2, *options)
                self.assertEqual(status, PROVISIONAL, text)
                self.assertIn("PROVISIONAL: checks worth 100 points", text)
                self.assertIn("neither earned nor lost", text)
                self.assertIn("0 of 0", text)  # not of 100

    def test_a_check_that_could_be_judged(self):
        status, text = self.graded(0)
        self.assertEqual(status, 0, text)
        self.assertNotIn("PROVISIONAL", text)
        self.assertIn("met: full points by", text)


if __name__ == "__main__":
    unittest.main()
