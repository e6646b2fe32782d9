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

    def test_every_cache_writes_a_text_and_says_whether_it_is_exact(self):
        # The last new token is never fed back: 20 tokens and 40 - 1.
        prompt = "x" * 20
        full, with_full = generate(prompt, "--tokens", "40")
        tokens = int(re.search(r"prompt of (\d+)", with_full).group(1)) + 39
        layers, heads, head_dim = 4, 4, 64
        slot = 2 * layers * heads * head_dim * 4
        blocks = (tokens + 15) // 16
        for cache, held, exact in [
            ("paged", 16 * blocks * slot, True),
            ("recompute", tokens * slot // 2, True),
            ("int8", None, False),
            (f"window:{tokens}", tokens * slot, True),
            (f"sinks:3+{tokens - 3}", tokens * slot, True),
            (f"evict:{tokens}", tokens * slot, True),
            ("window:8", 8 * slot, False),
            ("sinks:2+6", 8 * slot, False),
            ("evict:8", 8 * slot, False),
        ]:
            with self.subTest(cache=cache):
                text, measured = generate(
                    prompt, "--tokens", "40", "--cache", cache
                )
                last = measured.splitlines()[-1]
                self.assertRegex(last, rf"^cache {re.escape(cache)}: \d+ bytes")
                self.assertIn(f"of the full cache's {tokens * slot}", last)
                if held is not None:
                    self.assertIn(f" {held} bytes held", last)
                self.assertEqual("; exact: " in last, exact, last)
                self.assertEqual("; not exact: " in last, not exact, last)
                if exact:
                    self.assertEqual(text, full)
                else:
                    self.assertTrue(text.startswith(prompt))

    def test_the_full_cache_is_the_one_without_a_word(self):
        text, measured = generate("JULIET:", "--tokens", "9")
        again, named = generate("JULIET:", "--tokens", "9", "--cache", "full")
        self.assertEqual(text, again)
        self.assertEqual(
            re.search(r"cache: .*", measured).group().split(";")[0],
            re.search(r"cache: .*", named).group().split(";")[0],
        )


if __name__ == "__main__":
    unittest.main()
