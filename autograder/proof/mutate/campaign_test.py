"""What ./kvlab mutate promises, with programs that are not what they seem.

The tests and the judge are scripts here. Each mutant's number says what catches
it: 1 both, 2 the tests, 3 the judge, 4 neither.
"""

import contextlib
import io
import json
import os
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

from autograder.proof.mutate import allowed, campaign, mutants

TESTS = """#!/bin/sh
echo "$KVLAB_MUTANT $2" >>"$0.log"
case $KVLAB_MUTANT in
  1* | 2* | BROKEN*)
    echo "[ RUN      ] Suite.Test"
    echo "[  FAILED  ] Suite.Test (0 ms)"
    exit 1 ;;
esac
echo "[ RUN      ] Suite.Test"
echo "[       OK ] Suite.Test (0 ms)"
"""
JUDGE = """#!/bin/sh
tab=$(printf '\\t')
while IFS=$tab read -r worker part number rest; do
  case $number in
    1 | 3) echo '{"check": "a.check", "why": "wrong", "skipped": {}}' ;;
    *) echo '{"check": null, "longest_cpu_seconds": 0, "skipped": {}}' ;;
  esac
done
"""
ENTRY = """\
[[allowed]]
file = "01_attention/attention.cc"
function = "SoftmaxRows"
operator = "relation"
before = "a < b"
after = "a <= b"
line = "line {number}"
kind = "{kind}"
reason = "only to see what happens"
"""


def mutation(number, gates=None):
    return {
        "number": number,
        "file": "01_attention/attention.cc",
        "function": "SoftmaxRows",
        "operator": "relation",
        "before": "a < b",
        "after": "a <= b",
        "line": f"line {number}",
        "line_number": number,
        "ordinal": 1,
        "sizes": ["n", "m"],
        "gates": gates or {},
    }


class CampaignTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )
        (self.root / "solutions/01_attention").mkdir(parents=True)
        (self.root / "solutions/01_attention/attention.cc").touch()
        for name, text in (
            ("01_attention_tests", TESTS),
            ("01_attention_worker", ""),
            ("judge", JUDGE),
        ):
            (self.root / f"{name}.runfiles/kvlab").mkdir(parents=True)
            (self.root / name).write_text(text, encoding="utf-8")
            (self.root / name).chmod(0o755)
        patch = mock.patch.multiple(campaign, ROOT=self.root)
        patch.start()
        self.addCleanup(patch.stop)

    def run_with(self, mutations, allow_list="", options=()):
        """Exit status and output of a campaign of module 1."""
        folder = self.root / "01_attention"
        folder.mkdir(exist_ok=True)
        (folder / "attention.json").write_text(
            json.dumps(
                {
                    "file": "01_attention/attention.cc",
                    "mutants": mutations,
                    "dropped": [],
                }
            ),
            encoding="utf-8",
        )
        (self.root / "allowed.toml").write_text(allow_list, encoding="utf-8")
        output = io.StringIO()
        arguments = [
            "campaign",
            "--programs",
            self.root,
            "--module",
            1,
            "--allowed",
            self.root / "allowed.toml",
            "--jobs",
            1,
            "--out",
            self.root / "out.json",
            *options,
        ]
        with mock.patch.object(
            sys, "argv", list(map(str, arguments))
        ), contextlib.redirect_stdout(output), contextlib.redirect_stderr(
            output
        ):
            return campaign.main(), output.getvalue()

    def outcomes(self):
        return json.loads((self.root / "out.json").read_text())["outcomes"]

    def test_all_are_caught(self):
        status, output = self.run_with([mutation(1)])
        self.assertEqual(status, 0, output)
        self.assertIn("100.0 %   100.0 %", output)
        self.assertEqual(
            [
                (o["caught_by_test"], o["caught_by_check"], o["why"])
                for o in self.outcomes()
            ],
            [("Suite.Test", "a.check", "wrong")],
        )

    def test_a_survivor_fails_the_run_and_is_named(self):
        for number, of in (
            (4, "tests and grader"),
            (3, "the tests"),
            (2, "the grader"),
        ):
            with self.subTest(of):
                status, output = self.run_with([mutation(1), mutation(number)])
                self.assertEqual(status, 1, output)
                self.assertIn(f"SURVIVOR of {of}: ", output)
                self.assertIn(
                    f"solutions/01_attention/attention.cc:{number} "
                    "SoftmaxRows: relation: a < b -> a <= b",
                    output,
                )

    def test_the_solutions_must_pass_with_every_seed(self):
        judge = JUDGE.replace("tab=", "seed=$1\ntab=", 1)
        for fails, of_seed_6 in (
            (
                "",
                '{"check": null, "longest_cpu_seconds": 0, '
                '"skipped": {"c": "instructions cannot be counted here"}}',
            ),
            (
                "seed 6, 01_attention: a.check fails: wrong",
                '{"check": "a.check", "why": "wrong", "skipped": {}}',
            ),
            (
                "seed 6, 01_attention: b.check could not be drawn: no prompt",
                '{"check": null, "longest_cpu_seconds": 0, '
                '"skipped": {"b.check": "no prompt"}}',
            ),
        ):
            with self.subTest(fails):
                (self.root / "judge").write_text(
                    judge.replace(
                        "  case $number in",
                        f"  [ $seed = 6 ] && echo '{of_seed_6}' && continue\n"
                        "  case $number in",
                    ),
                    encoding="utf-8",
                )
                status, output = self.run_with(
                    [], options=["--solutions", 3, "--seed", 5]
                )
                self.assertEqual(status, 1 if fails else 0, output)
                self.assertIn(
                    fails or "the solutions pass with 3 seeds", output
                )

    def test_a_survivor_may_be_allowed(self):
        for number, kind in (
            (4, "equivalent"),
            (4, "allowed"),
            (3, "tests"),
            (2, "grader"),
        ):
            with self.subTest(kind):
                status, output = self.run_with(
                    [mutation(number)], ENTRY.format(number=number, kind=kind)
                )
                self.assertEqual(status, 0, output)

    def test_an_equivalent_one_does_not_count(self):
        _, output = self.run_with(
            [mutation(1), mutation(4)],
            ENTRY.format(number=4, kind="equivalent"),
        )
        self.assertIn("100.0 %   100.0 %", output)
        _, output = self.run_with(
            [mutation(1), mutation(4)], ENTRY.format(number=4, kind="allowed")
        )
        self.assertIn("50.0 %    50.0 %", output)

    def test_an_entry_that_is_caught_after_all_is_stale(self):
        for number, kind in (
            (1, "equivalent"),
            (2, "allowed"),
            (1, "tests"),
            (1, "grader"),
        ):
            with self.subTest(kind):
                status, output = self.run_with(
                    [mutation(number)], ENTRY.format(number=number, kind=kind)
                )
                self.assertEqual(status, 1, output)
                self.assertIn("STALE    caught after all", output)

    def test_a_survivor_of_both_is_not_excused_for_one(self):
        status, output = self.run_with(
            [mutation(4)], ENTRY.format(number=4, kind="tests")
        )
        self.assertEqual(status, 1, output)
        self.assertIn("SURVIVOR of both", output)

    def test_a_survivor_is_not_tried_from_a_size_on(self):
        self.run_with([mutation(4, {"2": 0, "65": 1})])
        self.assertEqual(
            [(o["when"], o["follows"]) for o in self.outcomes()],
            [("", False), ("n >= 2", True), ("m >= 65", True)],
        )
        log = (self.root / "01_attention_tests.log").read_text().splitlines()
        self.assertEqual({line.split()[0] for line in log}, {"0", "4"})
        self.assertNotIn("4 0 2", " ".join(log))

    def test_a_caught_one_is(self):
        self.run_with([mutation(1, {"65": 1})])
        self.assertEqual(
            [(o["when"], o["follows"]) for o in self.outcomes()],
            [("", False), ("m >= 65", False)],
        )

    def test_errors_that_cancel_each_other_are_tried_from_a_size_on(self):
        status, output = self.run_with(
            [mutation(4, {"65": 1})],
            ENTRY.format(number=4, kind="equivalent") + 'when = "always"\n',
        )
        self.assertEqual(status, 1, output)
        self.assertIn("once m >= 65", output)
        self.assertEqual(output.count("SURVIVOR"), 1)

    def test_a_solution_that_fails_ends_the_campaign(self):
        (self.root / "01_attention_tests").write_text("#!/bin/sh\nexit 1\n")
        status, output = self.run_with([mutation(1)])
        self.assertEqual(status, 2)
        self.assertIn("without a mutant the tests fail", output)

    def test_only_and_list(self):
        _, output = self.run_with(
            [mutation(1), mutation(4)], options=["--list"]
        )
        first = output.split()[0]
        status, output = self.run_with(
            [mutation(1), mutation(4)], options=["--only", first]
        )
        self.assertEqual(status, 0, output)
        self.assertEqual(len(self.outcomes()), 1)
        status, output = self.run_with([mutation(1)], options=["--only", "x"])
        self.assertEqual(status, 2)

    def test_the_test_that_caught_the_last_goes_first(self):
        self.run_with([mutation(1), mutation(2)])
        log = (self.root / "01_attention_tests.log").read_text().splitlines()
        self.assertEqual(log[-1], "2 --gtest_filter=Suite.Test")


class CommittedListTest(unittest.TestCase):
    def test_it_can_be_read(self):
        text = pathlib.Path("autograder/proof/mutate/allowed.toml").read_text(
            encoding="utf-8"
        )
        self.assertTrue(allowed.Allowed(text).entries)


class SampleTest(unittest.TestCase):
    def setUp(self):
        self.all = [
            mutants.Mutant(
                "01_attention/attention.cc",
                "f",
                "relation",
                "a",
                "b",
                f"line {n}",
                1,
            )
            for n in range(500)
        ]

    def test_a_seed_always_gives_the_same(self):
        first = mutants.sample(self.all, 50, 7)
        self.assertEqual(first, mutants.sample(self.all[::-1], 50, 7))
        self.assertEqual(len(set(first)), 50)

    def test_another_seed_gives_others(self):
        self.assertNotEqual(
            set(mutants.sample(self.all, 50, 7)),
            set(mutants.sample(self.all, 50, 8)),
        )

    def test_one_mutant_less_changes_one(self):
        before = mutants.sample(self.all, 50, 7)
        after = mutants.sample([m for m in self.all if m != before[0]], 50, 7)
        self.assertEqual(after[:49], before[1:])


if __name__ == "__main__":
    os.environ.pop("KVLAB_MUTANT", None)
    unittest.main()
