"""Medians, ratios, formulas and targets, from made-up samples."""

import json
import pathlib
import random
import unittest

import jsonschema

from compare import engines, figures, measures, table
from compare.shape import SHAPES

DISTIL = SHAPES["distilgpt2"]
SCHEMA = json.loads(
    pathlib.Path("compare/results.schema.json").read_text(encoding="utf-8")
)


def engine(key, samples, peak=None):
    known = next(e for e in engines.ENGINES if e.key == key)
    return {
        "key": key,
        "label": known.label,
        "weights": known.weights,
        "recomputes": known.recomputes,
        "settings": {},
        "tried": [],
        "agreement": {"compared": 17, "differing": 0},
        "samples": samples,
        "peak_memory_bytes": peak,
        "first_token_s": [0.5],
    }


def run_of(*entries):
    """Two rounds; the machine reads 40 and 20 GB/s in them."""
    return {
        "shape": {
            "name": "distilgpt2",
            "weights": "random",
            **{
                k: v
                for k, v in DISTIL.config().items()
                if k.startswith(("n_", "vocab"))
            },
            "parameters": measures.parameters(DISTIL),
        },
        "threads": 1,
        "rounds": 2,
        "roofs": {
            "decode_50": {"float32": [40e9, 20e9], "float16": [40e9, 20e9]},
            "prefill_500": {"flop_per_s": [2e11, 1e11]},
        },
        "engines": list(entries),
    }


def target(run, words):
    return next(t for t in figures.targets(run) if t["target"] == words)


class Formulas(unittest.TestCase):
    """Against docs/theory.md and the published models."""

    def test_parameters(self):
        self.assertEqual(measures.parameters(DISTIL), 81_912_576)
        self.assertEqual(measures.parameters(SHAPES["gpt2"]), 124_439_808)

    def test_cache_bytes_of_the_full_context(self):
        self.assertEqual(measures.cache_bytes(DISTIL, 1024), 37_748_736)

    def test_a_step_reads_all_weights_but_the_positions(self):
        self.assertEqual(
            measures.step_bytes(DISTIL, "float16", 0),
            2 * (81_912_576 - 1024 * 768),
        )

    def test_prefill_of_one_token_is_two_flop_a_weight_it_multiplies(self):
        matrices = 6 * 12 * 768**2 + 50257 * 768
        attention = 6 * 4 * 768  # one score and one value for each width
        self.assertEqual(
            measures.prefill_flop(DISTIL, 1), 2 * matrices + attention
        )

    def test_the_steps_lie_around_their_length(self):
        decode = measures.Measure("decode", 500)
        self.assertEqual(decode.prompt_len + measures.STEPS // 2, 500)


class Agreement(unittest.TestCase):
    def test_only_clear_margins_count(self):
        reference = {"argmax": [1, 2, 3], "margin": [0.5, 0.001, 0.5]}
        reply = {"argmax": [1, 9, 9]}
        self.assertEqual(
            measures.disagreements(reference, reply, "float32"), (2, 1)
        )

    def test_a_shorter_reply_is_compared_as_far_as_it_goes(self):
        reference = {"argmax": [1, 2, 3], "margin": [1, 1, 1]}
        self.assertEqual(
            measures.disagreements(reference, {"argmax": [1]}, "float32"),
            (1, 0),
        )


class Ratios(unittest.TestCase):
    def test_are_taken_within_a_round(self):
        # The machine was half as fast in the second round, for both. The ratio
        # of the medians would be 75 / 55.
        run = run_of(
            engine("kvlab-f32", {"decode_50": [100, 50]}),
            engine("llama-f32", {"decode_50": [80, 30]}),
        )
        (ratio,) = figures.ratios(run)
        self.assertAlmostEqual(ratio["median"], (100 / 80 + 50 / 30) / 2)

    def test_join_the_same_weights_with_and_without_a_cache(self):
        rates = {"decode_50": [1, 1]}
        run = run_of(*(engine(e.key, rates) for e in engines.ENGINES))
        self.assertEqual(
            {(r["engine"], r["peer"]) for r in figures.ratios(run)},
            {
                ("kvlab-f32", "llama-f32"),
                ("kvlab-f32", "onnx-f32"),
                ("kvlab-f32", "torch-f32"),
                ("kvlab-f16", "llama-f16"),
                ("kvlab-f32", "kvlab-f32-avx2"),
                ("kvlab-f16", "kvlab-f16-avx2"),
                ("kvlab-f32", "kvlab-f32-avx512"),
                ("kvlab-f16", "kvlab-f16-avx512"),
                ("kvlab-recompute", "torch-recompute"),
            },
        )

    def test_a_roof_is_that_of_a_length_or_of_all(self):
        run = run_of()
        run["roofs"]["decode_1000"] = {"float32": [10e9, 10e9]}
        self.assertEqual(
            figures.roof(run, "float32", "decode_50")["median"], 30e9
        )
        self.assertEqual(
            figures.roof(run, "float32", "decode_1000")["median"], 10e9
        )
        self.assertEqual(figures.roof(run, "float32")["median"], 15e9)
        self.assertIsNone(figures.roof(run, "float16", "decode_1000"))

    def test_the_machine_is_judged_round_by_round(self):
        step = measures.step_bytes(DISTIL, "float32", 50)
        run = run_of(
            engine(
                "kvlab-f32",
                {"decode_50": [0.8 * 40e9 / step, 0.8 * 20e9 / step]},
            )
        )
        share = figures.bandwidth_share(run, "kvlab-f32", "decode_50")
        self.assertAlmostEqual(share["low"], 0.8)
        self.assertAlmostEqual(share["high"], 0.8)

    def test_a_share_is_absent_if_the_rounds_disagree(self):
        for shares in ([0.5, 0.9], [0.5, 0.9, 0.7, 0.4, 0.8], [0.7]):
            self.assertEqual(
                figures.share_of_roof(shares), figures.NOT_MEASURABLE
            )
        self.assertEqual(
            figures.share_of_roof([0.74, 0.2, 0.76, 0.75, 0.73])["median"], 0.74
        )

    def test_a_share_is_absent_if_the_limit_was_beaten(self):
        self.assertEqual(
            figures.share_of_roof([1.87, 1.87, 1.87]), figures.NOT_MEASURABLE
        )
        self.assertEqual(figures.share_of_roof([1.03, 1.02])["median"], 1.0)

    # Whatever the readings.
    def test_a_cell_is_at_most_100_percent_or_the_words(self):
        draw = random.Random(12)
        for _ in range(500):
            rounds = draw.randrange(1, 9)
            middle, spread = draw.uniform(0.1, 400), 10 ** draw.uniform(-3, 0)
            samples = [
                middle * (1 + spread * draw.uniform(-1, 1))
                for _ in range(rounds)
            ]
            run = run_of(engine("kvlab-f32", {"decode_50": samples}))
            run["roofs"]["decode_50"]["float32"] = [40e9] * rounds
            cell = table.shares(run)[1]
            if figures.NOT_MEASURABLE not in cell:
                self.assertLessEqual(float(cell.split()[-2]), 100, cell)


class Targets(unittest.TestCase):
    def test_the_weakest_length_decides(self):
        run = run_of(
            engine("kvlab-f32", {"decode_50": [13, 13], "decode_200": [9, 9]}),
            engine(
                "llama-f32", {"decode_50": [10, 10], "decode_200": [10, 10]}
            ),
        )
        found = target(run, "decode, F32, against llama.cpp")
        self.assertEqual(
            (found["where"], found["holds"]), ("decode_200", False)
        )

    def test_prefill_is_held_against_the_fastest_peer(self):
        run = run_of(
            engine("kvlab-f32", {"prefill_500": [12, 12]}),
            engine("llama-f32", {"prefill_500": [10, 10]}),
            engine("onnx-f32", {"prefill_500": [16, 16]}),
        )
        found = target(run, "prefill, F32, against the fastest peer")
        self.assertEqual(found["figure"], 0.75)

    def test_a_choice_is_held_against_each_set_at_every_measure(self):
        run = run_of(
            engine("kvlab-f16", {"decode_50": [10, 10], "prefill_500": [9, 9]}),
            engine(
                "kvlab-f16-avx2",
                {"decode_50": [10, 10], "prefill_500": [5, 5]},
            ),
            engine(
                "kvlab-f16-avx512",
                {"decode_50": [8, 8], "prefill_500": [10, 10]},
            ),
        )
        found = target(run, "chosen kernels, F16, against each set alone")
        self.assertEqual(
            (found["figure"], found["holds"], found["where"]),
            (0.9, False, "prefill_500, kvlab F16, AVX-512"),
        )

    def test_memory_is_what_lies_above_weights_and_cache(self):
        needed = 4 * 81_912_576 + 37_748_736
        for extra, holds in ((32 << 20, True), ((32 << 20) + 4096, False)):
            run = run_of(engine("kvlab-f32", {}, needed + extra))
            found = target(run, "memory, F32, beyond weights and cache")
            self.assertEqual(found["holds"], holds)

    def test_what_was_not_measured_is_left_out(self):
        self.assertEqual(figures.targets(run_of(engine("kvlab-f32", {}))), [])


class Results(unittest.TestCase):
    def setUp(self):
        rates = {"decode_50": [100, 50], "prefill_500": [1000, 900]}
        run = run_of(
            engine("kvlab-f32", rates, 400 << 20),
            engine("llama-f32", rates, 400 << 20),
        )
        self.results = {
            "format": "kvlab compare results",
            "version": 1,
            "complete": True,
            "quick": True,
            "command": "./kvlab compare --quick",
            "made_at": "2026-01-01T00:00:00+00:00",
            "machine": {
                "processor": "a processor",
                "cores": 2,
                "avx512": True,
                "memory_bytes": 1 << 34,
                "system": "Linux 6",
            },
            "versions": {"llama.cpp": "1", "onnxruntime": "2", "PyTorch": "3"},
            "clear_margin": measures.CLEAR_MARGIN,
            "pytorch_alone": {"seconds": 1.5, "bytes": 1 << 28},
            "runs": [figures.derive(run)],
        }

    def test_keep_the_form_that_the_schema_promises(self):
        validator = jsonschema.Draft202012Validator(SCHEMA)
        self.assertEqual(
            [error.message for error in validator.iter_errors(self.results)], []
        )

    def test_are_told_in_words(self):
        told = table.tell(self.results)
        self.assertIn("kvlab F32 / llama.cpp F32", told)
        self.assertIn("1.00x  falls short", told)  # decode, wanted 1.20x
        self.assertIn("the same tokens, at 34 steps", told)

    def test_another_token_is_told(self):
        self.results["runs"][0]["engines"][1]["agreement"]["differing"] = 2
        self.assertIn(
            "llama.cpp F32 chose ANOTHER token at 2 of 17",
            table.tell(self.results),
        )


if __name__ == "__main__":
    unittest.main()
