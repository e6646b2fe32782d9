"""Tests that ./kvlab lab measures correctly, follows its schema, and can be
stopped. Runs the program on a checkpoint of two features per token, and asserts
counts, sizes and errors, not times."""

import copy
import json
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

import jsonschema

from lab.test import tiny_text

LAB = "lab/lab"
TINY = "kit/testdata/tiny-gpt2-random"
SCHEMA = json.loads(
    pathlib.Path("lab/results.schema.json").read_text(encoding="utf-8")
)
SECTIONS = [
    "control_against_cache",
    "memory",
    "space_against_time",
    "memo",
    "bandwidth",
    "beyond",
    "known_models",
]


def start(out, *options):
    return subprocess.Popen(
        [LAB, "--model", TINY, "--out", out, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def results_in(folder):
    return json.loads(
        (pathlib.Path(folder) / "results.json").read_text(encoding="utf-8")
    )


def complaints(results):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [error.message for error in validator.iter_errors(results)]


class CompleteRun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        text = pathlib.Path(cls.folder) / "tiny_text.txt"
        text.write_text(tiny_text.text(), encoding="utf-8")
        process = start(
            cls.folder, "--quick", "--text", str(text), "--seed", "3"
        )
        cls.output, _ = process.communicate()
        cls.status = process.returncode
        cls.results = results_in(cls.folder)

    def test_ends_well(self):
        self.assertEqual(self.status, 0, self.output)
        self.assertTrue(self.results["complete"])

    def test_keeps_the_schema(self):
        self.assertEqual(complaints(self.results), [])

    def test_has_every_section(self):
        for section in SECTIONS:
            self.assertIn(section, self.results)

    def test_says_how_to_repeat_it(self):
        self.assertEqual(
            self.results["command"],
            "./kvlab lab --quick --model tiny-gpt2-random "
            "--text tiny_text.txt --seed 3",
        )
        self.assertEqual(self.results["seed"], 3)

    def test_describes_the_model(self):
        model = self.results["model"]
        self.assertEqual(model["weights"], "checkpoint")
        self.assertEqual((model["num_layers"], model["d_model"]), (1, 2))
        self.assertEqual(model["max_positions"], 1024)

    def test_both_ways_of_generating_agree(self):
        for length in self.results["control_against_cache"]["lengths"]:
            self.assertEqual(length["differing_pairs"], 0, length)
            self.assertTrue(
                all(trial["same_tokens"] for trial in length["trials"])
            )

    def test_every_trial_is_there(self):
        for length in self.results["control_against_cache"]["lengths"]:
            self.assertEqual(len(length["trials"]), 3)

    def test_the_work_ratio_grows_with_the_length(self):
        ratios = [
            length["work_ratio"]
            for length in self.results["control_against_cache"]["lengths"]
        ]
        self.assertEqual(ratios, sorted(set(ratios)))
        self.assertGreater(ratios[0], 1)

    def test_every_step_but_the_first_is_timed(self):
        section = self.results["control_against_cache"]
        longest = section["lengths"][-1]["new_tokens"]
        for caching in ["uncached", "cached"]:
            positions = [
                step["position"]
                for step in section["steps"]
                if step["caching"] == caching
            ]
            first = section["prompt_len"] + 1
            self.assertEqual(positions, list(range(first, first + longest - 1)))

    def test_work_is_fitted_beside_time(self):
        fits = {
            (fit["quantity"], fit["caching"]): fit
            for fit in self.results["control_against_cache"]["fits"]
        }
        self.assertEqual(len(fits), 4)
        for caching in ["uncached", "cached"]:
            self.assertEqual(
                fits["work", caching]["exponent"],
                fits["total time", caching]["predicted"],
            )
        self.assertGreater(
            fits["work", "uncached"]["exponent"],
            fits["work", "cached"]["exponent"] + 0.5,
        )

    def test_caches_take_what_the_formula_says(self):
        for cache in self.results["memory"]["measured"]:
            # The heap adds a header and a page's rest to each tensor.
            slack = 64 * 4096
            self.assertGreaterEqual(
                cache["measured_bytes"], cache["formula_bytes"]
            )
            self.assertLess(
                cache["measured_bytes"], cache["formula_bytes"] + slack, cache
            )

    def test_concatenation_writes_every_token_again(self):
        written = {
            (entry["way"], entry["tokens"]): entry["bytes_written"]
            for entry in self.results["memory"]["growth"]
        }
        for tokens in [128, 256, 512]:
            once = written["preallocation", tokens]
            again = once * (tokens + 1) / 2
            self.assertEqual(written["concatenation", tokens], again)
            self.assertEqual(written["concatenation by memcpy", tokens], again)

    def test_what_recomputes_is_exact_and_what_forgets_is_not(self):
        runs = {
            run["way"]: run
            for run in self.results["space_against_time"]["runs"]
        }
        self.assertEqual(len(runs), 5)
        for run in runs.values():
            if run["exact"]:
                # Some hundred float32 roundings of 6e-8.
                self.assertLess(run["relative_error"], 1e-5, run)
            else:
                self.assertGreater(run["relative_error"], 1e-5, run)

    def test_less_memory_is_more_work_if_the_answer_stays(self):
        runs = {
            run["way"]: run
            for run in self.results["space_against_time"]["runs"]
        }
        order = ["full cache", "sqrt(n) kept, rest recomputed", "no cache"]
        memory = [runs[way]["cache_bytes"] for way in order]
        work = [runs[way]["macs_per_token"] for way in order]
        self.assertEqual(memory, sorted(set(memory), reverse=True))
        self.assertEqual(work, sorted(set(work)))

    def test_the_memo_table_counts_what_the_recurrence_needs(self):
        memo = self.results["memo"]
        layers = memo["num_layers"]
        for step in memo["steps"]:
            self.assertEqual(step["computed_without"], layers * step["step"])
            self.assertEqual(step["computed_with"], layers)
            self.assertEqual(step["hits"], layers * (step["step"] - 1))

    def test_an_edit_changes_nothing_before_it(self):
        edit = self.results["memo"]["edit"]
        changed = 0
        for row in edit["same_entries"]:
            self.assertTrue(all(row[: edit["changed"]]))
            self.assertFalse(row[edit["changed"]])
            changed += row.count(False)
        self.assertEqual(edit["changed_entries"], changed)

    def test_each_model_is_larger_than_the_one_before(self):
        models = self.results["bandwidth"]["models"]
        sizes = [model["weights_bytes"] for model in models]
        self.assertEqual(sizes, sorted(set(sizes)))

    def test_no_roof_is_below_what_was_measured_under_it(self):
        section = self.results["bandwidth"]
        for entry in section["models"] + section["batches"]:
            roof = entry["roofline_tokens_per_s"]  # None: not measurable now
            if roof is not None:
                self.assertGreaterEqual(roof, entry["tokens_per_s"])

    def test_caches_of_the_same_budget_take_the_same_bytes(self):
        policies = self.results["beyond"]["policies"]
        window, width = self.results["beyond"]["window"], 2
        slot = 2 * width * 4  # of one layer
        self.assertEqual(policies[0]["cache_bytes"], window * slot)
        for policy in policies:
            if policy["budget_tokens"] > 0:
                self.assertEqual(
                    policy["cache_bytes"], policy["budget_tokens"] * slot
                )
        self.assertEqual(
            sorted({policy["budget_tokens"] for policy in policies}),
            [0, 16, 64, 256],
        )

    def test_exact_caches_have_the_full_caches_loss(self):
        exact = [
            policy
            for policy in self.results["beyond"]["policies"]
            if policy["exact"]
        ]
        self.assertEqual(
            [policy["policy"] for policy in exact],
            ["full", "paged", "recompute"],
        )
        for policy in exact:
            # Some hundred float32 roundings of 6e-8.
            self.assertLess(policy["relative_error"], 1e-5, policy)
            self.assertLess(abs(policy["increase"]["mean"]), 1e-5, policy)

    def test_pages_waste_less_than_a_block_for_each_request(self):
        pages = self.results["beyond"]["pages"]
        for at in pages["trace"]:
            self.assertLess(
                at["paged_slots"],
                at["tokens"] + pages["block_tokens"] * at["requests"],
            )
            self.assertGreaterEqual(at["paged_slots"], at["tokens"])
            self.assertLessEqual(at["paged_slots"], at["reserved_slots"])
            self.assertLessEqual(at["shared_slots"], at["paged_slots"])
        self.assertLess(
            pages["trace"][-1]["shared_slots"], pages["trace"][-1]["tokens"]
        )

    def test_published_figures(self):
        # 2 * 32 layers * 32 heads * 128 * 2 bytes; Touvron 2023.
        models = {
            model["name"]: model for model in self.results["known_models"]
        }
        self.assertEqual(models["Llama-2-7B"]["bytes_per_token"], 512 * 1024)
        self.assertEqual(models["Llama-2-7B"]["cache_bytes"], 2 * 1024**3)

    def test_schema_refuses_mistakes(self):
        def put(results, *path_and_value):
            *path, last, value = path_and_value
            for key in path:
                results = results[key]
            if value is None:
                del results[last]
            else:
                results[last] = value

        first = ("control_against_cache", "lengths", 0)
        for mistake in [
            ("format", "something else"),
            ("machine", None),
            ("machine", "host", "name"),
            ("model", "num_layers", 0),
            (*first, "new_tokens", "10"),
            (*first, "trials", []),
            (*first, "trials", 0, "cached", "total_s", 0),
            (*first, "cached", "total_s", "median", None),
            ("control_against_cache", "fits", 0, "caching", "maybe"),
            ("memory", "measured", 0, "measured_bytes", 1.5),
            ("memory", "growth", 0, "way", "magic"),
            ("space_against_time", "runs", 0, "relative_error", -1),
            ("space_against_time", "runs", 0, "exact", "yes"),
            ("memo", "edit", "same_entries", 0, 0, 1),
            ("bandwidth", "models", 0, "tokens_per_s", 0),
            ("beyond", "policies", 0, "policy", "half"),
            ("beyond", "policies", 0, "loss", "plus_or_minus", -1),
            ("beyond", "pages", "trace", []),
            ("known_models", 0, "fits", 0, "users", -1),
        ]:
            broken = copy.deepcopy(self.results)
            put(broken, *mistake)
            self.assertNotEqual(complaints(broken), [], mistake)


class StoppedRun(unittest.TestCase):
    def test_ctrl_c_keeps_what_was_measured(self):
        with tempfile.TemporaryDirectory() as folder:
            process = start(folder)
            file = pathlib.Path(folder) / "results.json"
            # The file is whole at any time, so it can be read at any time.
            while process.poll() is None and not (
                file.exists() and "control_against_cache" in results_in(folder)
            ):
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate()
            self.assertEqual(process.returncode, 130, output)
            self.assertIn("what was measured until then is kept", output)
            results = results_in(folder)
            self.assertEqual(complaints(results), [])
            self.assertFalse(results["complete"])
            self.assertGreater(
                len(results["control_against_cache"]["lengths"]), 0
            )
            self.assertGreater(
                len(results["control_against_cache"]["steps"]), 0
            )
            self.assertNotIn("known_models", results)

    def test_a_text_that_the_tokenizer_cannot_read_leaves_the_rest(self):
        with tempfile.TemporaryDirectory() as folder:
            process = start(folder)  # on Shakespeare, who has capitals
            lines = [process.stdout.readline() for _ in range(2)]
            process.send_signal(signal.SIGINT)
            process.communicate()
            self.assertIn("without Beyond the plain cache", lines[1])
            self.assertIn("no token for the byte 'F'", lines[1])


class Refusals(unittest.TestCase):
    def refused(self, *options):
        done = subprocess.run(
            [LAB, *options], capture_output=True, text=True, check=False
        )
        self.assertNotEqual(done.returncode, 0)
        return done.stderr + done.stdout

    def test_a_folder_without_a_checkpoint(self):
        with tempfile.TemporaryDirectory() as folder:
            message = self.refused("--model", folder, "--out", folder)
            self.assertIn("config.json", message)
            self.assertFalse((pathlib.Path(folder) / "results.json").exists())

    def test_a_text_of_less_than_two_windows(self):
        with tempfile.TemporaryDirectory() as folder:
            text = pathlib.Path(folder) / "short.txt"
            text.write_text(tiny_text.text(words=400), encoding="utf-8")
            message = self.refused(
                "--model", TINY, "--text", str(text), "--out", folder
            )
            self.assertIn("2 windows", message)
            self.assertIn("give a longer text", message)

    def test_a_text_that_is_not_there(self):
        self.assertIn("no/text", self.refused("--text", "no/text"))

    def test_a_shape_that_nobody_knows(self):
        message = self.refused("--shape", "gpt9")
        self.assertIn("gpt9", message)
        self.assertIn("distilgpt2", message)


if __name__ == "__main__":
    unittest.main()
