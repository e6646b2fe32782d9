"""Every known error is planted, or says for which module it waits.

Called with the files of all planted bugs.
"""

import pathlib
import sys
import tomllib
import unittest

from autograder.judges import planted_bug

ERRORS = pathlib.Path("autograder/judges/errors.toml")


class ErrorsTest(unittest.TestCase):
    def setUp(self):
        listed = tomllib.loads(ERRORS.read_text(encoding="utf-8"))["error"]
        self.errors = {error["number"]: error for error in listed}
        planted = [planted_bug.read(path) for path in sys.argv[1:]]
        self.planted = {number for each in planted for number in each.errors}

    def test_each_error_is_planted_or_waits_for_a_module(self):
        for number, error in self.errors.items():
            with self.subTest(error["title"]):
                self.assertNotEqual(number in self.planted, "later" in error)

    def test_planted_bugs_name_errors_that_are_listed(self):
        self.assertLessEqual(self.planted, set(self.errors))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
