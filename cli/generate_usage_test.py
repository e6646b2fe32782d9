"""The messages of ./kvlab generate about wrong options and files.

Nothing here generates, so it holds for unfinished modules too.
"""

import pathlib
import subprocess
import tempfile
import unittest

GENERATE = "cli/generate"
MODEL = "models/shakespeare-gpt2"


def generate(*arguments):
    return subprocess.run(
        [GENERATE, *arguments],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


class GenerateUsageTest(unittest.TestCase):
    def assertRefused(self, words, *arguments):
        """One line on stderr, nothing on stdout, exit status 2."""
        run = generate(*arguments)
        self.assertEqual(run.returncode, 2, run)
        self.assertEqual(run.stdout, "")
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        self.assertIn(words, run.stderr)

    def test_names_the_missing_folder(self):
        self.assertRefused("there is no /nowhere", "x", "--model", "/nowhere")

    def test_names_the_missing_file(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "config.json").touch()
            self.assertRefused(
                f"there is no {folder}/model.safetensors",
                "x",
                "--model",
                folder,
            )

    def test_says_how_many_tokens_fit(self):
        self.assertRefused(
            "room for 1023 new ones, not 1024",
            "x",
            "--model",
            MODEL,
            "--tokens",
            "1024",
        )
        self.assertRefused(
            "room for 0 new ones, not 1",
            "x " * 2000,
            "--model",
            MODEL,
            "--tokens",
            "1",
        )

    def test_refuses_numbers_that_make_no_sense(self):
        for option, value in [
            ("--tokens", "0"),
            ("--tokens", "-1"),
            ("--tokens", "1e3"),
            ("--tokens", "9" * 30),
            ("--temperature", "-0.1"),
            ("--temperature", "nan"),
            ("--temperature", "warm"),
            ("--top-k", "-3"),
            ("--seed", "x"),
        ]:
            with self.subTest(option=option, value=value):
                self.assertRefused(
                    f"{option}: '{value}' is not", "x", option, value
                )

    def test_refuses_other_words(self):
        self.assertRefused("PROMPT", "--model", MODEL)
        self.assertRefused("--fast", "x", "--fast")
        self.assertRefused("y", "x", "y")

    def test_help_is_no_error(self):
        run = generate("--help")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        for option in [
            "--model DIR",
            "--tokens N",
            "--no-cache",
            "--temperature T",
            "--top-k K",
            "--seed S",
        ]:
            self.assertIn(option, run.stdout)


if __name__ == "__main__":
    unittest.main()
