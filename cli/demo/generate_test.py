"""What ./kvlab generate writes, with finished modules."""

import re
import subprocess
import unittest

GENERATE = "cli/generate"


def generate(*arguments):
    run = subprocess.run(
        [GENERATE, *arguments], capture_output=True, check=True
    )
    text, measured = run.stdout.decode("utf-8").rsplit("\n\n", 1)
    return text, measured


class GenerateTest(unittest.TestCase):
    def test_the_cache_changes_the_speed_and_not_the_text(self):
        cached, with_cache = generate("JULIET:\n", "--tokens", "40")
        uncached, without = generate(
            "JULIET:\n", "--tokens", "40", "--no-cache"
        )
        self.assertTrue(cached.startswith("JULIET:\n"))
        self.assertGreater(len(cached), 40)
        self.assertEqual(cached, uncached)
        self.assertIn("no cache", without)
        # 2 * 4 layers * 4 heads * 64 * tokens * 4 bytes; the last new token is
        # never fed back.
        prompt = re.search(r"prompt of (\d+)", with_cache)
        tokens = int(prompt.group(1)) + 40 - 1
        self.assertIn(f"cache: {2 * 4 * 4 * 64 * tokens * 4} bytes", with_cache)

    def test_ends_with_what_it_measured(self):
        _, measured = generate("x", "--tokens", "3")
        self.assertRegex(
            measured,
            r"^3 tokens after a prompt of 1: \d+ "
            r"tokens/s, time to first token \d+\.\d ms",
        )

    def test_an_empty_prompt_starts_from_the_end_of_text(self):
        text, measured = generate("", "--tokens", "5")
        self.assertIn("prompt of 1:", measured)
        self.assertNotIn("<|endoftext|>", text)

    def test_the_seed_decides(self):
        first, _ = generate("x", "--tokens", "20", "--seed", "1")
        again, _ = generate("x", "--tokens", "20", "--seed", "1")
        other, _ = generate("x", "--tokens", "20", "--seed", "2")
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)


if __name__ == "__main__":
    unittest.main()
