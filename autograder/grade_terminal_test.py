"""No name that a submission brings commands the instructor's terminal.

The real grader grades folders and fails on files with such names; whatever it
prints, progress and failures included, holds no control character.
"""

import pathlib
import subprocess
import tempfile
import unittest

GRADE = pathlib.Path("autograder/grade").resolve()

# Clears the screen, names the window, turns the line.
HOSTILE = "a\x1b[2J\x1b]0;full marks\x07\u202e\x9b1m"


class GradeTerminalTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.submission = self.folder / HOSTILE
        self.submission.mkdir()
        (self.submission / HOSTILE).write_text(
            "no module asks for it", encoding="utf-8"
        )

    def printed(self, *options):
        run = subprocess.run(
            [GRADE, "--module", "1", *options],
            cwd=self.folder,
            capture_output=True,
            check=False,
        )
        text = (run.stdout + run.stderr).decode("utf-8")
        for letter in text:
            self.assertTrue(letter == "\n" or letter.isprintable(), repr(text))
        return run.returncode, text

    def test_progress_and_report(self):
        status, text = self.printed(self.submission)
        self.assertEqual(status, 0, text)
        self.assertIn("[1/1]", text)
        self.assertIn("[2J", text)  # harmless without what comes before
        self.assertIn("reports in", text)

    def test_a_submission_that_is_not_there(self):
        status, text = self.printed(self.folder / (HOSTILE + HOSTILE))
        self.assertEqual(status, 2, text)
        self.assertIn("full marks", text)

    def test_a_grader_that_failed(self):
        for option in ["--out", "--rubric"]:
            with self.subTest(option=option):
                status, text = self.printed(
                    option, self.submission / HOSTILE / "x", self.submission
                )
                self.assertEqual(status, 1, text)
                self.assertIn("the grader failed", text)
                self.assertIn("full marks", text)


if __name__ == "__main__":
    unittest.main()
