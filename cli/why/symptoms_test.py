"""What is read from failures: the kind of difference, where, how much."""

import pathlib
import tempfile
import unittest

from cli.why import symptoms

NEAR = """modules/01_attention/attention_test.cc:{line}
Value of: Near(Attend(input), Expected(input), ToleranceFor(input.sizes))
  Actual: false (element [0, 8, 0, 0] of [1, 9, 4, 8] is {actual}, expected \
{expected} within 1.9e-05)
Expected: true
{context}"""


def near(actual, expected, context="9 heads on 9", line=181):
    return NEAR.format(
        actual=actual, expected=expected, context=context, line=line
    )


class SymptomTest(unittest.TestCase):
    def read(self, *messages):
        return symptoms.of_failures("A.B", list(messages))

    def test_a_number_that_differs_has_a_place_and_a_ratio(self):
        found = self.read(near("0.70710678", "0.35355339"))
        self.assertEqual(
            (found.kind, found.index, found.actual, found.ratio),
            ("value", (0, 8, 0, 0), "0.707", "2"),
        )
        self.assertEqual(found.context, "9 heads on 9")

    def test_what_is_said_has_the_digits_that_the_test_prints(self):
        self.assertEqual(
            self.read(near("1113", "1123.25")).said,
            "is 1113 where 1123.25 is expected",
        )

    def test_of_two_lists_the_first_difference_is_said(self):
        def lists(actual, expected):
            return (
                "x.cc:1\nExpected equality of these values:\n  f()\n"
                f"    Which is: {actual}\n  g()\n    Which is: {expected}"
            )

        for actual, expected, said in (
            ("{ 16, 34, 7 }", "{ 16, 35, 7 }", "entry 1 is 34 where 35"),
            (
                "{ {past 0, new 5}, {past 6, new 1} }",
                "{ {past 0, new 5}, {past 5, new 1} }",
                "entry 1 is {past 6, new 1} where {past 5, new 1}",
            ),
            ("{ 1, 2 }", "{ 1 }", "is of length 2 where of length 1"),
        ):
            with self.subTest(actual):
                self.assertEqual(
                    self.read(lists(actual, expected)).said,
                    said + " is expected",
                )

    def test_a_reason_that_an_assertion_gives_is_said(self):
        for text, said in (
            (
                "Value of: Counts(a, b)\n  Actual: false (head: 12 counted, "
                "the formula gives 24; )\nExpected: true",
                "head: 12 counted, the formula gives 24",
            ),
            (
                "Value of: f(1)\nExpected: has 2 elements\n  Actual: { 3, 0 }, "
                "whose element #1 doesn't match",
                "is { 3, 0 }, whose element #1 doesn't match",
            ),
            ("Value of: f(1)\n  Actual: false\nExpected: true", ""),
        ):
            with self.subTest(text):
                self.assertEqual(self.read("x.cc:1\n" + text).said, said)

    def test_a_process_of_its_own_says_what_it_printed_last(self):
        text = (
            "x.cc:1\nDeath test: f()\n    Result: died but not with expected "
            "exit code:\n            Exited with exit status 1\nActual msg:\n"
            "[  DEATH   ] f() threw nothing\n[  DEATH   ] \n"
        )
        self.assertEqual(self.read(text).said, "f() threw nothing")

    def test_kinds_of_numbers(self):
        for actual, expected, kind in (
            ("-nan", "0", "NaN"),
            ("0", "-0.9", "zero"),
            ("0.1", "0", "not zero"),
            ("inf", "1", "infinite"),
            ("12000", "2400", "more"),
            ("960", "1536", "less"),
        ):
            with self.subTest(kind):
                self.assertEqual(self.read(near(actual, expected)).kind, kind)

    def test_other_kinds(self):
        for kind, *lines in (
            (
                "shape",
                "Value of: Same(a, b)",
                "  Actual: false (shape is [1, 2], expected [2, 1])",
            ),
            (
                "does not throw",
                "Expected: F() throws an exception of type ContractError.",
                "  Actual: it throws nothing.",
            ),
            (
                "throws",
                'C++ exception with description "Append: no room for 2 tokens',
                '  why: x" thrown in the test body.',
            ),
            (
                "dies",
                "Death test: F()",
                "    Result: died but not with expected exit code:",
                "            Terminated by signal 6",
            ),
            (
                "touches memory",
                "Value of: LeavesAlone(a, b)",
                "  Actual: false (it read or wrote memory that it must leave "
                "alone)",
            ),
            (
                "other list",
                "Expected equality of these values:",
                "  tokens",
                "    Which is: { 1, 2 }",
                "  right",
                "    Which is: { 1, 3 }",
            ),
            ("more", "Expected: (work) <= (limit), actual: 1920 vs 960"),
        ):
            with self.subTest(kind):
                text = "\n".join(["x_test.cc:1", *lines])
                self.assertEqual(self.read(text).kind, kind)

    def test_the_line_in_the_test_makes_no_difference(self):
        self.assertEqual(
            self.read(near("1", "2", line=18)),
            self.read(near("1", "2", line=9)),
        )

    def test_what_all_inputs_have_in_common(self):
        found = self.read(
            near("1", "2", "3 rows, 6 heads on 2, left_pad 4"),
            near("1", "2", "3 rows, 9 heads on 3, left_pad 1"),
        )
        self.assertEqual(found.times, 2)
        self.assertIn("# rows = 3", found.always)
        self.assertIn("left_pad # > 0", found.always)
        self.assertIn("# heads on # differ", found.always)

    def test_json_keeps_everything(self):
        found = self.read(near("1", "2"), near("1", "2", "1 heads on 1"))
        self.assertEqual(symptoms.from_json(found.as_json()), found)


class RunTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")

    def test_a_report(self):
        self.write(
            "test.xml",
            """<testsuites><testsuite>
<testcase name="Passes" classname="T" status="run"/>
<testcase name="Fails/3" classname="X/T" status="run">
  <failure message="x.cc:1&#x0A;Value of: f()&#x0A;  Actual: false"/></testcase>
<testcase name="Waits" classname="T" status="run">
  <failure message="F is not implemented yet"/></testcase>
<testcase name="Else" classname="T" status="notrun"/>
</testsuite></testsuites>""",
        )
        run = symptoms.read_target(self.folder)
        self.assertEqual(run.ran, {"T.Passes", "X/T.Fails"})
        self.assertEqual([each.test for each in run.failing], ["X/T.Fails"])
        self.assertEqual(run.unwritten, ["T.Waits"])

    def test_a_crash_has_only_a_log(self):
        # As Bazel writes it for a program that left no report.
        self.write(
            "test.xml",
            '<testsuites><testsuite><testcase name="modules/x_test" '
            'status="run"><error message="exited with 134"/></testcase>'
            "</testsuite></testsuites>",
        )
        log = (
            "[ RUN      ] T.Fails\nx.cc:7: Failure\nValue of: f()\n"
            "  Actual: false\n[  FAILED  ] T.Fails (0 ms)\n"
            "[ RUN      ] T.Passes\n[       OK ] T.Passes (0 ms)\n"
            "[ RUN      ] T.Dies\n"
        )
        for end, kind in (
            ("terminate called", symptoms.CRASH),
            ("-- Test timed out at 2026-01-01 --", symptoms.LATE),
        ):
            with self.subTest(kind):
                self.write("test.log", log + end)
                run = symptoms.read_target(self.folder)
                self.assertEqual(run.ran, {"T.Fails", "T.Passes", "T.Dies"})
                self.assertEqual(
                    [(each.test, each.kind) for each in run.failing],
                    [("T.Fails", "is false"), ("T.Dies", kind)],
                )

    def test_no_run_at_all(self):
        self.assertIsNone(symptoms.read_target(self.folder))


if __name__ == "__main__":
    unittest.main()
