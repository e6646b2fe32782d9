"""What is read from a GoogleTest program that did not end."""

import pathlib
import tempfile
import unittest

from cli import test_reports

LOG = """[ RUN      ] T.Fails
x.cc:7: Failure
Value of: f()
  Actual: false
[  FAILED  ] T.Fails (0 ms)
[ RUN      ] T.Passes
what it prints
[       OK ] T.Passes (0 ms)
[ RUN      ] X/T.Dies/3
x.cc:9: Failure
Value of: g()
double free or corruption (out)
"""
# As Bazel writes it for a program that left no report.
BAZELS = (
    '<testsuites><testsuite><testcase name="modules/x_test" status="run">'
    '<error message="exited with error code 139"/></testcase></testsuite>'
    "</testsuites>"
)


class LogTest(unittest.TestCase):
    def test_what_ended_before_counts(self):
        cases = test_reports.read_log(LOG)
        self.assertEqual(
            [(each.test, each.passed, each.end) for each in cases],
            [
                ("T.Fails", False, ""),
                ("T.Passes", True, ""),
                ("X/T.Dies/3", False, test_reports.CRASH),
            ],
        )
        self.assertEqual(
            cases[0].messages, ["x.cc:7\nValue of: f()\n  Actual: false"]
        )

    def test_what_failed_in_the_test_that_did_not_end_is_kept(self):
        last = test_reports.read_log(LOG)[-1]
        self.assertTrue(last.messages[0].startswith("x.cc:9\nValue of: g()"))
        self.assertIn("double free", last.last_lines)

    def test_what_ran_out_of_time_has_not_crashed(self):
        cases = test_reports.read_log(
            LOG + "-- Test timed out at 2026-01-01 --"
        )
        self.assertEqual(cases[-1].end, test_reports.LATE)

    def test_a_program_that_crashed_before_its_first_test_has_none(self):
        self.assertEqual(test_reports.read_log("it stops\n"), [])


class ReadTest(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.report = pathlib.Path(folder) / "test.xml"
        self.log = pathlib.Path(folder) / "test.log"

    def test_the_report_of_bazel_is_none(self):
        self.report.write_text(BAZELS, encoding="utf-8")
        self.log.write_text(LOG, encoding="utf-8")
        found = test_reports.read(self.report, self.log)
        self.assertEqual(len(found), 3)
        self.assertTrue(found[-1].last_lines.endswith("\nended by SIGSEGV"))

    def test_without_either_there_is_nothing(self):
        self.assertIsNone(test_reports.read(self.report, self.log))
        self.assertIsNone(test_reports.read(self.report, ""))


if __name__ == "__main__":
    unittest.main()
