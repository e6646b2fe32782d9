"""Tests that kvlab_engine follows the protocol of compare/README.md."""

import unittest

from compare import engines

ENGINE = "compare/kvlab_engine"
TINY = "kit/testdata/tiny-gpt2-random"
PROMPT = [1, 5, 2, 7, 3]


def ask(request, *options):
    with engines.Process(([ENGINE, "--model", TINY, *options], {})) as process:
        return process.ask(request)


class Decoding(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.greedy = ask({"prompt": PROMPT, "greedy": 4})
        cls.forced = cls.greedy["argmax"][:-1]

    def test_greedy_tokens_fed_again_lead_to_themselves(self):
        reply = ask({"prompt": PROMPT, "forced": self.forced})
        self.assertEqual(reply["argmax"], self.greedy["argmax"])

    def test_recomputing_chooses_the_same_tokens(self):
        reply = ask({"prompt": PROMPT, "forced": self.forced}, "--recompute")
        self.assertEqual(reply["argmax"], self.greedy["argmax"])

    def test_each_request_starts_from_nothing(self):
        with engines.Process(([ENGINE, "--model", TINY], {})) as process:
            replies = [
                process.ask({"prompt": PROMPT, "forced": self.forced})
                for _ in range(2)
            ]
        self.assertEqual(replies[0]["margin"], replies[1]["margin"])

    def test_a_time_for_each_step_and_a_token_more(self):
        self.assertEqual(
            [len(self.greedy[key]) for key in ("step_s", "argmax", "margin")],
            [4, 5, 5],
        )


class TheMachine(unittest.TestCase):
    def test_is_measured(self):
        with engines.Process(([ENGINE, "--model", TINY], {})) as process:
            read = process.ask({"read": {"bytes": 1 << 20, "seconds": 0.05}})
            peak = process.ask({"multiply_add": {"seconds": 0.05}})
        self.assertGreater(read["bytes_per_s"], 0)
        self.assertGreater(peak["flop_per_s"], 0)


class TheKernels(unittest.TestCase):
    def test_a_tiny_model_and_a_held_engine_choose_none(self):
        for options in ([], ["--instructions", "avx2"]):
            with engines.Process(
                ([ENGINE, "--model", TINY, *options], {})
            ) as process:
                self.assertEqual(process.ask({"kernels": True})["kernels"], [])

    def test_a_prefill_in_blocks_chooses_the_same_tokens(self):
        replies = [
            ask({"prompt": PROMPT, "greedy": 4}, "--prefill-block", block)
            for block in ("0", "1", "120")
        ]
        for reply in replies[1:]:
            self.assertEqual(reply["argmax"], replies[0]["argmax"])


class AnEngineThatEnds(unittest.TestCase):
    def test_is_an_error_that_names_it(self):
        with self.assertRaisesRegex(engines.EngineError, "status 3.*sh"):
            with engines.Process(
                (["sh", "-c", "read line; exit 3"], {})
            ) as process:
                process.ask({})


if __name__ == "__main__":
    unittest.main()
