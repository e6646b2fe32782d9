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

    def test_a_cache_that_there_is_not_is_quoted_with_a_reason_and_a_fix(self):
        for cache, why in [
            ("half", "a cache is named by what it keeps"),
            ("window:0", "'0' is not a whole number of tokens"),
            ("sinks:4", "it needs two numbers"),
            ("evict:many", "'many' is not a whole number of tokens"),
            ("window:1025", "this model's limit is 1024 tokens"),
        ]:
            with self.subTest(cache=cache):
                run = generate("x", "--model", MODEL, "--cache", cache)
                self.assertEqual(run.returncode, 2, run)
                self.assertEqual(run.stdout, "")
                what, reason, fix = run.stderr.splitlines()
                self.assertIn(f"'{cache}'", what)
                self.assertIn(f"why: {why}", reason)
                self.assertIn("fix: ", fix)

    def test_a_rolling_cache_does_not_lengthen_the_context(self):
        for cache in ["window:8", "sinks:2+6", "evict:8"]:
            self.assertRefused(
                f"the cache {cache} has room for more, but the model has "
                "learned no position 1024",
                "x",
                "--model",
                MODEL,
                "--tokens",
                "1024",
                "--cache",
                cache,
            )

    def test_no_cache_is_of_no_kind(self):
        self.assertRefused("--cache", "x", "--no-cache", "--cache", "paged")

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
            "--cache KIND",
            "full|paged|window:W|sinks:K+W|evict:B|int8|recompute",
            "--no-cache",
            "--temperature T",
            "--top-k K",
            "--seed S",
        ]:
            self.assertIn(option, run.stdout)


if __name__ == "__main__":
    unittest.main()
