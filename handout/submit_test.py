"""Tests `./kvlab submit`."""

import contextlib
import io
import pathlib
import tempfile
import unittest
import zipfile
from unittest import mock

from handout import submit

STUB = """\
void A() {
  throw NotImplemented("A", "module 1, task 2");
}
void LongName() {
  throw NotImplemented("LongName",
                       "module 1, task 3");
}
"""


class SubmitTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )
        self.zip = self.root / "submission.zip"
        self.write("01_attention/module.toml", 'files = ["a.cc", "b.cc"]')
        self.write("01_attention/a.cc", STUB)
        self.write("01_attention/b.cc", "// done\n")
        self.write("01_attention/notes.txt", "mine")
        self.write("02_transformer/module.toml", 'files = ["c.cc"]')
        self.write("02_transformer/c.cc", "// done\n")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def submit(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with mock.patch.object(
            submit, "MODULES", self.root
        ), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = submit.main(arguments or [str(self.zip)])
        return status, out.getvalue(), err.getvalue()

    def test_packs_exactly_the_files_that_modules_name(self):
        status, out, _ = self.submit()

        self.assertEqual(status, 0)
        with zipfile.ZipFile(self.zip) as archive:
            self.assertEqual(
                archive.namelist(),
                [
                    "01_attention/a.cc",
                    "01_attention/b.cc",
                    "02_transformer/c.cc",
                ],
            )
            self.assertEqual(archive.read("01_attention/a.cc"), STUB.encode())
        self.assertRegex(out, r" 8 bytes  02_transformer/c.cc")
        self.assertIn("3 files", out)

    def test_says_which_tasks_are_not_done(self):
        _, out, _ = self.submit()

        self.assertIn("not done yet in module 1: 1.2 A, 1.3 LongName\n", out)

    def test_is_silent_about_tasks_when_all_are_done(self):
        self.write("01_attention/a.cc", "// done\n")

        self.assertNotIn("not done", self.submit()[1])

    def test_refuses_when_a_file_is_missing(self):
        (self.root / "01_attention/b.cc").unlink()

        status, _, err = self.submit()

        self.assertEqual(status, 2)
        self.assertEqual(
            err,
            "kvlab submit: modules/01_attention/b.cc is "
            "missing; nothing was packed\n",
        )
        self.assertFalse(self.zip.exists())

    def test_refuses_a_place_it_cannot_write_to(self):
        status, _, err = self.submit(str(self.root / "no" / "such.zip"))

        self.assertEqual(status, 2)
        self.assertRegex(err, r"^kvlab submit: cannot write .*\n$")

    def with_answers(self, status, words):
        """A module with an answer sheet, and the quiz's output for it."""
        self.write(
            "04_profiling/module.toml", 'files = []\npapers = ["answers.json"]'
        )
        quiz = self.root / "quiz"
        quiz.write_text(
            f"#!/bin/sh\necho \"$@\"\necho '{words}'\n" f"exit {status}\n",
            encoding="utf-8",
        )
        quiz.chmod(0o755)
        return ["--quiz", str(quiz), str(self.zip)]

    def test_says_that_a_sheet_of_answers_is_not_there(self):
        _, out, _ = self.submit(*self.with_answers(0, ""))

        self.assertIn("missing: modules/04_profiling/answers.json", out)

    def test_says_which_answers_are_missing(self):
        arguments = self.with_answers(1, "  batch: not answered yet")
        self.write("04_profiling/answers.json", "{}")

        status, out, _ = self.submit(*arguments)

        self.assertEqual(status, 0)
        self.assertIn(
            "some answers to the concept checks are missing or invalid:\n", out
        )
        self.assertIn("  batch: not answered yet", out)
        self.assertIn(f"--check --module {self.root}/04_profiling", out)
        with zipfile.ZipFile(self.zip) as archive:
            self.assertIn("04_profiling/answers.json", archive.namelist())

    def test_says_that_a_sheet_cannot_be_read(self):
        arguments = self.with_answers(2, "this is not an answer sheet")
        self.write("04_profiling/answers.json", "{")

        _, out, _ = self.submit(*arguments)

        self.assertIn(
            "the answers to the concept checks cannot be read:\n", out
        )
        self.assertIn("this is not an answer sheet", out)

    def test_counts_the_tenth_task_after_the_second(self):
        self.write(
            "01_attention/a.cc",
            "".join(
                f'  throw NotImplemented("F{n}", "module 1, task {n}");\n'
                for n in [10, 2]
            ),
        )

        self.assertIn("1.2 F2, 1.10 F10", self.submit()[1])


if __name__ == "__main__":
    unittest.main()
