"""A test program of a module fails if a filter selects none of its tests."""

import os
import subprocess
import unittest


def run(pattern):
    return subprocess.run(
        ["kit/testing/all_pairs_test", f"--gtest_filter={pattern}"],
        capture_output=True,
        text=True,
        check=False,
        # Of the test that runs this: the filter, and where its report goes.
        env={
            name: value
            for name, value in os.environ.items()
            if name not in ("TESTBRIDGE_TEST_ONLY", "XML_OUTPUT_FILE")
        },
    )


class MainTest(unittest.TestCase):
    def test_a_filter_that_selects_tests_runs_them(self):
        self.assertEqual(run("*").returncode, 0)

    def test_a_mistyped_filter_fails_and_says_why(self):
        done = run("AllPiars*")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no test matches --gtest_filter='AllPiars*'", done.stderr)


if __name__ == "__main__":
    unittest.main()
