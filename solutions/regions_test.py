"""What solutions/regions.py promises."""

import textwrap
import unittest

from solutions import regions
from solutions.regions import ANSWER, HELPER, MarkerError

PATH = "solutions/03_memoization/kv_cache.cc"


def text(block):
    return textwrap.dedent(block).lstrip("\n")


class RegionsTest(unittest.TestCase):
    def assert_fails(self, block, line, message, path=PATH):
        with self.assertRaises(MarkerError) as caught:
            regions.read(text(block), path)
        self.assertTrue(
            str(caught.exception).startswith(f"{path}:{line}: "),
            str(caught.exception),
        )
        self.assertIn(message, str(caught.exception))

    def test_an_answer_goes_on_to_the_brace_that_closes_its_function(self):
        source = text(
            """
            void First() {
              // TODO(3.1): one
              // BEGIN SOLUTION First
              if (x) {
                y();
              }

              z();
            }

            void Second() {
              int given;
              // TODO(3.2): two
              // BEGIN SOLUTION Second
            }
            """
        )
        self.assertEqual(
            regions.answers(source, PATH),
            ["  if (x) {\n    y();\n  }\n\n  z();\n", ""],
        )
        first, second = regions.read(source, PATH)
        self.assertEqual(
            (first.kind, first.function, first.task, first.indent),
            (ANSWER, "First", "3.1", "  "),
        )
        self.assertEqual((second.function, second.task), ("Second", "3.2"))
        self.assertEqual(
            (first.opened, first.begin, first.end, first.after), (2, 3, 8, 8)
        )

    def test_one_that_ends_before_is_closed(self):
        source = text(
            """
            int F() {
              // TODO(3.1): one
              // BEGIN SOLUTION F
              int x = 1;
              // END SOLUTION
              return x;
            }
            """
        )
        self.assertEqual(regions.answers(source, PATH), ["  int x = 1;\n"])
        self.assertEqual(regions.read(source, PATH)[0].after, 5)

    def test_a_needless_end_is_refused(self):
        self.assert_fails(
            """
            int F() {
              // TODO(3.1): one
              // BEGIN SOLUTION F
              return 1;
              // END SOLUTION
            }
            """,
            5,
            "the closing brace says the same",
        )

    def test_a_line_that_leaves_its_function_without_a_brace_is_refused(self):
        self.assert_fails(
            """
            int F() {
              // TODO(3.1): one
              // BEGIN SOLUTION F
            #ifdef X
              return 1;
            }
            """,
            4,
            "close the region before with '// END SOLUTION'",
        )

    def test_helpers_have_a_begin_and_an_end(self):
        source = text(
            """
            // BEGIN SOLUTION-ONLY
            namespace {
            int Helper() { return 1; }
            }  // namespace
            // END SOLUTION-ONLY

            void F() {
              // TODO(3.1): text
              // BEGIN SOLUTION F
              Helper();
            }
            """
        )
        self.assertEqual(
            [region.kind for region in regions.read(source, PATH)],
            [HELPER, ANSWER],
        )
        self.assertEqual(
            regions.without_markers(source, PATH),
            "".join(
                line
                for line in source.splitlines(keepends=True)
                if "SOLUTION" not in line
            ),
        )

    def test_a_region_must_end(self):
        self.assert_fails(
            """
            void F() {
              // TODO(3.1): text
              // BEGIN SOLUTION F
              int x;
            """,
            3,
            "never ended",
        )
        self.assert_fails("// BEGIN SOLUTION-ONLY\nint x;\n", 1, "never ended")

    def test_an_end_needs_its_begin(self):
        self.assert_fails(
            """
            void F() {
              // END SOLUTION
              int x;
            }
            """,
            2,
            "END SOLUTION without its BEGIN SOLUTION",
        )

    def test_the_two_kinds_do_not_close_each_other(self):
        self.assert_fails(
            """
            // BEGIN SOLUTION-ONLY
            // END SOLUTION
            """,
            2,
            "without its BEGIN SOLUTION",
        )

    def test_regions_do_not_nest(self):
        self.assert_fails(
            """
            void F() {
              // TODO(3.1): text
              // BEGIN SOLUTION F
              // BEGIN SOLUTION-ONLY
              // END SOLUTION-ONLY
            }
            """,
            4,
            "do not nest",
        )

    def test_a_region_needs_a_name(self):
        self.assert_fails(
            """
            void F() {
              // TODO(3.1): text
              // BEGIN SOLUTION
            }
            """,
            3,
            "malformed marker",
        )

    def test_a_marker_stands_alone_on_its_line(self):
        self.assert_fails("int x = 1;  // BEGIN SOLUTION F\n", 1, "malformed")
        self.assert_fails("// END SOLUTION of Append\n", 1, "malformed")
        self.assert_fails("//BEGIN SOLUTION F\n", 1, "malformed")
        self.assert_fails("// begin_solution F\n", 1, "malformed")

    def test_the_name_must_be_that_of_the_function_around_it(self):
        self.assert_fails(
            """
            void KvCache::Reset() {
              // TODO(3.5): text
              // BEGIN SOLUTION KvCache::Truncate
            }
            """,
            3,
            "no 'KvCache::Truncate(' is above it",
        )

    def test_a_todo_of_another_function_does_not_count(self):
        self.assert_fails(
            """
            void F() {
              // TODO(3.1): text
            }

            void G() {
              // BEGIN SOLUTION G
            }
            """,
            6,
            "no '// TODO(module.task): text'",
        )

    def test_the_todo_must_name_the_module_it_stands_in(self):
        self.assert_fails(
            """
            void F() {
              // TODO(2.1): text
              // BEGIN SOLUTION F
            }
            """,
            3,
            "TODO(2.1) is in module 03_memoization",
        )

    def test_a_file_without_a_task_is_an_error(self):
        self.assert_fails("int x;\n", 1, "no BEGIN SOLUTION")


if __name__ == "__main__":
    unittest.main()
