"""What autograder/judges/knockout.py promises."""

import unittest

from autograder.judges.knockout import (
    Knockout,
    KnockoutError,
    plant,
    without_markers,
)

SOLUTION = """\
int Given() { return 1; }

int Answer() {
  // TODO(3.1): text
  // BEGIN SOLUTION Answer
  const int one = 1;
  return one + one;
  // END SOLUTION
}
"""


def knockout(find, replace="return 3;"):
    return Knockout(
        name="03_memoization/kv_cache/wrong",
        title="",
        errors=[],
        find=find,
        replace=replace,
        caught_by="",
        hint="",
    )


class KnockoutTest(unittest.TestCase):
    def test_names_the_file_it_edits(self):
        self.assertEqual(knockout("").source, "03_memoization/kv_cache.cc")

    def test_exchanges_the_lines_and_drops_the_markers(self):
        self.assertEqual(
            plant(knockout("return one + one;"), SOLUTION),
            """\
int Given() { return 1; }

int Answer() {
  // TODO(3.1): text
  const int one = 1;
  return 3;
}
""",
        )

    def test_without_markers_keeps_everything_else(self):
        self.assertEqual(
            without_markers(SOLUTION),
            "".join(
                line
                for line in SOLUTION.splitlines(keepends=True)
                if "SOLUTION" not in line
            ),
        )

    def test_refuses_what_no_longer_stands_there(self):
        with self.assertRaisesRegex(KnockoutError, "occurs 0 times"):
            plant(knockout("return two;"), SOLUTION)

    def test_refuses_what_stands_there_twice(self):
        with self.assertRaisesRegex(KnockoutError, "occurs 3 times"):
            plant(knockout("one"), SOLUTION)

    def test_refuses_to_break_what_is_given(self):
        with self.assertRaisesRegex(KnockoutError, "not inside a SOLUTION"):
            plant(knockout("return 1;"), SOLUTION)


if __name__ == "__main__":
    unittest.main()
