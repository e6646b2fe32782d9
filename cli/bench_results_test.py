"""Tests cli/bench_results.py."""

import math
import pathlib
import random
import unittest

from cli import bench_results
from cli.bench_results import Result


def entry(name, **fields):
    return {
        "name": name,
        "run_type": "iteration",
        "real_time": 7.0,
        "cpu_time": 5.0,
        "time_unit": "s",
        **fields,
    }


class ReadReportTest(unittest.TestCase):
    def test_time_is_cpu_time_and_percentages_are_kept(self):
        results = bench_results.read_report(
            {"benchmarks": [entry("Step/past:50", percent_of_bandwidth=61.5)]}
        )
        self.assertEqual(
            results, {"Step/past:50": Result(5.0, {"bandwidth": 61.5})}
        )

    def test_a_roof_that_the_label_names_is_not_measurable(self):
        results = bench_results.read_report(
            {
                "benchmarks": [
                    entry(
                        "Step",
                        label="not measurable now: percent_of_bandwidth",
                        percent_of_flop_peak=40.0,
                    )
                ]
            }
        )
        self.assertEqual(
            results["Step"].percent, {"bandwidth": None, "flop_peak": 40.0}
        )

    def test_a_time_that_the_benchmark_took_itself_counts(self):
        results = bench_results.read_report(
            {"benchmarks": [entry("Both/tokens:50/iterations:3/manual_time")]}
        )
        self.assertEqual(results, {"Both/tokens:50": Result(7.0, {})})

    def test_a_failure_keeps_its_message(self):
        results = bench_results.read_report(
            {
                "benchmarks": [
                    entry("Step", error_occurred=True, error_message="not yet")
                ]
            }
        )
        self.assertEqual(results["Step"].error, "not yet")

    def test_aggregates_are_left_out(self):
        results = bench_results.read_report(
            {"benchmarks": [entry("Step_mean", run_type="aggregate")]}
        )
        self.assertEqual(results, {})


class MediansTest(unittest.TestCase):
    def test_one_slow_run_does_not_matter(self):
        runs = [
            {"Step": Result(s, {"bandwidth": 100 / s})} for s in (2.0, 9.0, 1.0)
        ]
        self.assertEqual(
            bench_results.medians(runs),
            {"Step": Result(2.0, {"bandwidth": 50.0})},
        )

    def test_a_run_in_which_a_roof_was_not_measurable_is_left_out(self):
        runs = [
            {"Step": Result(1.0, {"bandwidth": percent})}
            for percent in (None, 40.0, 60.0)
        ]
        self.assertEqual(
            bench_results.medians(runs)["Step"].percent, {"bandwidth": 50.0}
        )
        never = [{"Step": Result(1.0, {"bandwidth": None})}] * 3
        self.assertEqual(
            bench_results.medians(never)["Step"].percent, {"bandwidth": None}
        )

    def test_a_failure_stays_one(self):
        runs = [{"Step": Result(1.0, {})}, {"Step": Result(0.0, {}, "no")}]
        self.assertEqual(bench_results.medians(runs)["Step"].error, "no")


class TableTest(unittest.TestCase):
    def test_only_the_limit_that_binds_is_shown_beside_the_reference(self):
        _, step, prefill, copy, broken = bench_results.reference_table(
            {
                "Step": Result(1.0, {"bandwidth": 30.0, "flop_peak": 2.0}),
                "Prefill": Result(1.0, {"bandwidth": 3.0, "flop_peak": 61.0}),
                "Copy": Result(1.0, {"bandwidth": 40.0}),
                "Broken": Result(0.0, {}, "is not implemented yet"),
            },
            {"Step": {"bandwidth": 60.0, "flop_peak": 4.0}},
        )
        self.assertEqual(step.split(), ["Step", "reading", "30.0", "(60.0)"])
        self.assertEqual(
            prefill.split(), ["Prefill", "arithmetic", "61.0", "(-)"]
        )
        self.assertEqual(copy.split(), ["Copy", "reading", "40.0", "(-)"])
        self.assertIn("is not implemented yet", broken)

    # A slow step may come nearer to the other limit by its own fault.
    def test_what_binds_is_what_binds_the_reference(self):
        _, step = bench_results.reference_table(
            {"Step": Result(1.0, {"bandwidth": 3.0, "flop_peak": 9.0})},
            {"Step": {"bandwidth": 60.0, "flop_peak": 4.0}},
        )
        self.assertEqual(step.split(), ["Step", "reading", "3.0", "(60.0)"])

    def test_there_is_no_table_where_nothing_has_a_limit(self):
        self.assertEqual(
            bench_results.reference_table({"Fit": Result(1.0, {})}, {}), []
        )

    # Whatever the readings.
    def test_a_percentage_is_at_most_100_or_the_words_are_there(self):
        draw = random.Random(12)
        for _ in range(2000):
            reading = draw.choice(
                [draw.uniform(-50, 250), 100.0, 100.04, 187.0, math.nan]
            )
            results = bench_results.read_report(
                {"benchmarks": [entry("Step", percent_of_bandwidth=reading)]}
            )
            _, line = bench_results.reference_table(results, {})
            if "not measurable now" not in line:
                self.assertLessEqual(float(line.split()[2]), 100.0, line)

    def test_ratio_says_how_many_times_as_fast(self):
        _, step, broken = bench_results.speed_ratio_table(
            [{"Step": Result(4e-6, {}), "Broken": Result(0.0, {}, "no")}],
            [{"Step": Result(2e-6, {}), "Broken": Result(1.0, {})}],
        )
        self.assertEqual(step.split(), ["Step", "4", "us", "2", "us", "0.50"])
        self.assertEqual(broken.split(), ["Broken", "no"])

    # The machine slowed down after the first round. The ratio of the medians
    # would be 8 / 6.
    def test_comparison_takes_the_ratio_of_each_round(self):
        _, step = bench_results.speed_ratio_table(
            [{"Step": Result(s, {})} for s in (1.0, 6.0, 9.0)],
            [{"Step": Result(s, {})} for s in (2.0, 12.0, 8.0)],
        )
        self.assertEqual(step.split(), ["Step", "6", "s", "8", "s", "2.00"])


def both_ways(tokens, recomputing, cached):
    """Generation both ways, in tokens per second."""
    return entry(
        f"GenerateBothWays/tokens:{tokens}/iterations:1/manual_time",
        tokens_per_second_recomputing=recomputing,
        tokens_per_second=cached,
    )


class NeededTest(unittest.TestCase):
    def test_what_is_asked_is_what_the_readme_says(self):
        readme = pathlib.Path("modules/03_memoization/README.md").read_text(
            encoding="utf-8"
        )
        for tokens in (50, 100, 200, 500):
            asked = f"{bench_results.asked_speedup(tokens):g}×"
            self.assertRegex(readme, rf"\| {tokens} \|.*\| {asked} \|")

    def test_the_own_baseline_divided_by_what_is_asked(self):
        report = {"benchmarks": [both_ways(50, 400, 5000), entry("Other")]}
        _, row, note = bench_results.needed_table(report, {}, {})
        self.assertEqual(
            row.split(),
            ["50", "5x", "2.5", "ms", "500", "us", "200", "us"],
        )
        self.assertIn("your own Generate", note)

    def test_a_reference_that_recomputes_faster_leaves_less_time(self):
        report = {"benchmarks": [both_ways(50, 400, 5000)]}
        mine = {"Prefill/tokens:500": Result(1.0, {"flop_peak": 40.0})}
        _, row, note = bench_results.needed_table(
            report, mine, {"Prefill/tokens:500": {"flop_peak": 80.0}}
        )
        self.assertEqual(row.split()[2:6], ["1.25", "ms", "250", "us"])
        self.assertIn("divided by 2.00", note)

    def test_a_reference_that_is_slower_gives_nothing_away(self):
        mine = {"Prefill/tokens:500": Result(1.0, {"flop_peak": 80.0})}
        theirs = {"Prefill/tokens:500": {"flop_peak": 40.0}}
        self.assertEqual(bench_results.reference_is_faster(mine, theirs), 1.0)

    def test_other_modules_have_no_such_table(self):
        self.assertEqual(
            bench_results.needed_table({"benchmarks": [entry("Step")]}, {}, {}),
            [],
        )


if __name__ == "__main__":
    unittest.main()
