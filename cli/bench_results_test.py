"""Tests cli/bench_results.py."""

import math
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
    def test_percentages_stand_beside_the_reference(self):
        _, step, copy, broken = bench_results.reference_table(
            {
                "Step": Result(1.0, {"bandwidth": 30.0, "flop_peak": 2.0}),
                "Copy": Result(1.0, {"bandwidth": 40.0}),
                "Broken": Result(0.0, {}, "is not implemented yet"),
            },
            {"Step": {"bandwidth": 60.0, "flop_peak": 4.0}},
        )
        self.assertEqual(
            step.split(), ["Step", "30.0", "(60.0)", "2.0", "(4.0)"]
        )
        self.assertEqual(copy.split(), ["Copy", "40.0", "(-)", "-", "(-)"])
        self.assertIn("is not implemented yet", broken)

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
                self.assertLessEqual(float(line.split()[1]), 100.0, line)

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


if __name__ == "__main__":
    unittest.main()
