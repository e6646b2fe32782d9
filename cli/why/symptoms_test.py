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

    def test_two_numbers_have_the_digits_that_tell_them_apart(self):
        for actual, expected, said in (
            (
                "9007199254740992",
                "9007199254740993",
                "is 9007199254740992 where 9007199254740993 is expected",
            ),
            (
                "94906265.624",
                "94906265.625",
                "is 94906265.624 where 94906265.625 is expected",
            ),
            ("0.33333334", "0.5", "is 0.333333 where 0.5 is expected"),
            (
                "0.1",
                "0.1",
                "differs in digits that are not printed from 0.1",
            ),
        ):
            with self.subTest(actual):
                self.assertEqual(
                    self.read(
                        "x.cc:1\nExpected equality of these values:\n  f()\n"
                        f"    Which is: {actual}\n  g()\n    Which is: "
                        f"{expected}"
                    ).said,
                    said,
                )

    def test_a_difference_that_six_digits_hide_is_said(self):
        found = self.read(
            "x.cc:1\nThe difference between f(1) and g(1) is 3, which exceeds "
            "1, where\nf(1) evaluates to 9.0072e+15,\ng(1) evaluates to "
            "9.0072e+15, and\n1 evaluates to 1."
        )
        self.assertEqual(
            (found.subject, found.said),
            (
                "f(1)",
                "is 9.0072e+15 but for 3, by which it differs from what is "
                "expected",
            ),
        )

    def test_of_a_comparison_of_tensors_it_names_the_first(self):
        found = self.read(near("1", "2"))
        self.assertEqual(found.subject, "Attend(input)")
        found = self.read(
            "x.cc:1\nValue of: Same(cache.Keys(0, {1, 2}), right)\n"
            "  Actual: false (shape is [1, 2], expected [2, 1])"
        )
        self.assertEqual(found.subject, "cache.Keys(0, {1, 2})")

    def test_nan_on_both_sides_is_said(self):
        self.assertEqual(
            self.read(near("-nan", "-nan")).said,
            "is NaN on both sides, which equals nothing",
        )

    def test_a_failure_without_an_expression_gives_its_message(self):
        found = self.read("x.cc:1\nFailed\nnothing was thrown\nat length 3")
        self.assertEqual(found.said, "nothing was thrown")

    def test_each_relation_is_said(self):
        for relation, said in (
            ("!=", "is 7 where anything but 7 (limit + 1) is expected"),
            ("<", "is 7 where less than 7 (limit + 1) is expected"),
            (">", "is 7 where more than 7 (limit + 1) is expected"),
        ):
            with self.subTest(relation):
                found = self.read(
                    f"x.cc:1\nExpected: (Work(a)) {relation} (limit + 1), "
                    "actual: 7 vs 7"
                )
                self.assertEqual((found.subject, found.said), ("Work(a)", said))
        found = self.read("x.cc:1\nExpected: (work) <= (960), actual: 19 vs 9")
        self.assertEqual(found.said, "is 19 where at most 9 is expected")

    def test_the_expression_is_the_one_that_is_no_literal(self):
        for lines in (
            "  3\n  law.factor / factor\n    Which is: 120",
            "  law.factor / factor\n    Which is: 120\n  3",
        ):
            with self.subTest(lines):
                found = self.read(
                    f"x.cc:1\nExpected equality of these values:\n{lines}"
                )
                self.assertEqual(
                    (found.subject, found.said),
                    ("law.factor / factor", "is 120 where 3 is expected"),
                )

    def test_an_unsigned_number_below_0_is_explained(self):
        for text in (
            'unknown file\nC++ exception with description "no such row\n'
            '  why: row 18446744073709551614 into 24 floats" thrown in the '
            "test body.",
            "x.cc:1\nExpected equality of these values:\n  f()\n"
            "    Which is: 18446744073709551614\n  3",
        ):
            with self.subTest(text):
                self.assertIn(
                    "18446744073709551614 is 2^64 - 2: an unsigned number",
                    self.read(text).means,
                )

    def test_an_error_of_the_course_explains_itself(self):
        text = (
            'unknown file\nC++ exception with description "at: a bad_alloc\n'
            '  why: too large\n  fix: less" thrown in the test body.'
        )
        self.assertEqual(self.read(text).means, "")

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
                "is { 3, 0 }, whose element #1 doesn't match; expected: has 2 "
                "elements",
            ),
            (
                "Value of: f(1)\n  Actual: false\nExpected: true",
                "is false where true is expected",
            ),
            (
                "Value of: f(1)\n  Actual: false\nExpected: true\nfor 3 rows",
                "is false where true is expected: for 3 rows",
            ),
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
        self.assertNotIn("said", found.as_json())
        words = symptoms.from_json(found.as_json(for_a_reader=True))
        self.assertEqual((words, words.said), (found, found.said))


class RunTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )

    def read(self):
        return symptoms.read(self.folder / "test.xml", self.folder / "test.log")

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
        run = self.read()
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
                run = self.read()
                self.assertEqual(run.ran, {"T.Fails", "T.Passes", "T.Dies"})
                self.assertEqual(
                    [(each.test, each.kind) for each in run.failing],
                    [("T.Fails", "is false"), ("T.Dies", kind)],
                )

    def test_no_run_at_all(self):
        self.assertIsNone(self.read())


if __name__ == "__main__":
    unittest.main()
