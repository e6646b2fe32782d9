"""The messages of ./kvlab trace about wrong options and files.

Nothing here runs a model, so it holds for unfinished modules too.
"""

import subprocess
import unittest

TRACE = "cli/trace/trace"


class TraceUsageTest(unittest.TestCase):
    def refusal(self, *arguments):
        run = subprocess.run(
            [TRACE, *arguments], capture_output=True, text=True, check=False
        )
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertEqual(run.stdout, "")
        return run.stderr

    def test_needs_a_prompt(self):
        self.assertIn("PROMPT is required", self.refusal())

    def test_the_number_of_tokens_has_limits(self):
        for tokens in "0", "101", "x":
            with self.subTest(tokens=tokens):
                self.assertIn("--tokens", self.refusal("x", "--tokens", tokens))

    def test_names_what_is_missing(self):
        self.assertIn(
            "there is no nowhere", self.refusal("x", "--model", "nowhere")
        )

    def test_a_prompt_must_fit_the_model(self):
        self.assertIn(
            "this model's limit is 1024 tokens", self.refusal("x " * 2000)
        )


if __name__ == "__main__":
    unittest.main()
