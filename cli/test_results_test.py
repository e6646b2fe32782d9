"""Tests cli/test_results.py."""

import json
import os
import pathlib
import tempfile
import unittest

from cli.test_results import plain_message, read_events

REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1"><testsuite name="CacheTest">
<testcase name="Keeps" status="run" classname="CacheTest"/>
<testcase name="Off" status="notrun" classname="CacheTest"/>
<testcase name="Grows" status="run" classname="CacheTest">
<failure message="unknown file&#x0A;C++ exception with description &quot;Append
 is not implemented yet&quot; thrown in the test body."/></testcase>
</testsuite></testsuites>
"""


def configured(label, kind="cc_test rule"):
    return {
        "id": {"targetConfigured": {"label": label}},
        "configured": {"targetKind": kind},
    }


def completed(label, success):
    return {
        "id": {"targetCompleted": {"label": label}},
        "completed": {"success": True} if success else {},
    }


def result(label, report):
    return {
        "id": {"testResult": {"label": label}},
        "testResult": {
            "testActionOutput": [
                {"name": "test.log", "uri": "file:///some%20where/test.log"},
                {"name": "test.xml", "uri": pathlib.Path(report).as_uri()},
            ]
        },
    }


def summary(label, status):
    return {
        "id": {"testSummary": {"label": label}},
        "testSummary": {"overallStatus": status},
    }


def read(*events):
    return read_events(json.dumps(event) for event in events)


class ReadEventsTest(unittest.TestCase):
    def setUp(self):
        handle, self.report = tempfile.mkstemp(suffix=".xml")
        os.write(handle, REPORT.encode())
        os.close(handle)
        self.addCleanup(os.remove, self.report)

    def test_counts_cases_and_tells_failures(self):
        found = read(
            configured("//m:a_test"),
            completed("//m:a_test", True),
            result("//m:a_test", self.report),
            summary("//m:a_test", "FAILED"),
        )["//m:a_test"]
        self.assertFalse(found.passed)
        self.assertEqual(found.tests, 2)
        self.assertEqual([f.test for f in found.failures], ["CacheTest.Grows"])
        self.assertEqual(found.log, "/some where/test.log")

    def test_a_test_passes_only_if_bazel_says_so(self):
        found = read(configured("//m:a_test"), completed("//m:a_test", True))
        self.assertFalse(found["//m:a_test"].passed)

    def test_what_is_for_another_processor_does_not_count(self):
        skipped = completed("//m:neon", False)
        del skipped["completed"]
        skipped["aborted"] = {"reason": "SKIPPED"}
        self.assertEqual(
            read(configured("//m:neon", "cc_library rule"), skipped), {}
        )

    def test_a_test_that_was_interrupted_has_not_passed(self):
        interrupted = summary("//m:a_test", "")
        interrupted["aborted"] = {"reason": "USER_INTERRUPTED"}
        del interrupted["testSummary"]
        found = read(configured("//m:a_test"), interrupted)
        self.assertFalse(found["//m:a_test"].passed)
        found = read(configured("//m:a_test"), summary("//m:a_test", "PASSED"))
        self.assertTrue(found["//m:a_test"].passed)

    def test_a_library_is_told_only_when_it_does_not_build(self):
        found = read(
            configured("//m:good", "cc_library rule"),
            completed("//m:good", True),
            configured("//m:bad", "cc_library rule"),
            completed("//m:bad", False),
        )
        self.assertEqual(list(found), ["//m:bad"])
        self.assertFalse(found["//m:bad"].builds)

    def test_a_missing_report_is_no_pass(self):
        found = read(
            configured("//m:a_test"),
            result("//m:a_test", "/nowhere/test.xml"),
            summary("//m:a_test", "FAILED"),
        )["//m:a_test"]
        self.assertEqual((found.passed, found.tests), (False, 0))

    def test_a_program_that_did_not_end_has_passed_nothing(self):
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as report:
            report.write(
                '<testsuites><testsuite name="m/a_test"><testcase '
                'name="m/a_test" status="run"><error message="exited with '
                'error code 142"/></testcase></testsuite></testsuites>'
            )
            report.flush()
            found = read(
                configured("//m:a_test"),
                result("//m:a_test", report.name),
                summary("//m:a_test", "TIMEOUT"),
            )["//m:a_test"]
        self.assertEqual((found.tests, found.passes), (0, []))


class PlainMessageTest(unittest.TestCase):
    def test_a_thrown_error_is_unwrapped(self):
        self.assertEqual(
            plain_message(
                'unknown file\nC++ exception with description "a\n'
                '  why: b" thrown in the test body.'
            ),
            "a\n  why: b",
        )

    def test_an_assertion_that_met_a_stub_tells_the_stub(self):
        stub = "F is not implemented yet\n  why: task 2\n  fix: fill it in"
        self.assertEqual(
            plain_message(
                "x.cc:5\nExpected: F(0) throws E.\n  Actual: it "
                f'throws N with description "{stub}".'
            ),
            stub,
        )

    def test_an_assertion_stays_as_it_is(self):
        self.assertEqual(
            plain_message("x.cc:5\nValue of: y\n"), "x.cc:5\nValue of: y"
        )

    # GoogleTest marks each line of another process.
    def test_a_stub_that_a_death_test_reached_speaks_alone(self):
        text = (
            "x_test.cc:3\nDeath test: Attend()\nActual msg:\n"
            "[  DEATH   ]   what():  Attend is not implemented yet\n"
            "[  DEATH   ]   why: this is module 1, task 3\n"
            "[  DEATH   ]   fix: find TODO(1.3)\n[  DEATH   ] "
        )
        self.assertEqual(
            plain_message(text),
            "Attend is not implemented yet\n"
            "  why: this is module 1, task 3\n"
            "  fix: find TODO(1.3)",
        )


if __name__ == "__main__":
    unittest.main()
