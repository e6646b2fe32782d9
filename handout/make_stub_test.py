"""Tests handout/make_stub.py."""

import textwrap
import unittest

from handout.make_stub import NOTICE, StubError, make_stub

PATH = "solutions/03_memoization/kv_cache.cc"


def text(block):
    return textwrap.dedent(block).lstrip("\n")


class MakeStubTest(unittest.TestCase):
    def assertFails(self, block, line, message, path=PATH):
        with self.assertRaises(StubError) as caught:
            make_stub(text(block), path)
        self.assertTrue(
            str(caught.exception).startswith(f"{path}:{line}: "),
            str(caught.exception),
        )
        self.assertIn(message, str(caught.exception))

    def test_region_becomes_a_throw_and_the_todo_stays(self):
        stub = make_stub(
            text(
                """
            #include "kit/error.h"

            void LayerCache::Append(const Tensor4& keys) {
              CheckAppend(keys);  // given
              // TODO(3.2): put the new rows
              // after the old ones.
              // BEGIN SOLUTION LayerCache::Append
              past_len_ += keys.shape(2);
              // END SOLUTION
            }
            """
            ),
            PATH,
        )
        self.assertEqual(
            stub,
            NOTICE
            + "\n"
            + text(
                """
            #include "kit/error.h"

            void LayerCache::Append(const Tensor4& keys) {
              CheckAppend(keys);  // given
              // TODO(3.2): put the new rows
              // after the old ones.
              throw NotImplemented("LayerCache::Append", "module 3, task 2");
            }
            """
            ),
        )

    def test_each_region_takes_the_todo_of_its_own_function(self):
        stub = make_stub(
            text(
                """
            void First() {
              // TODO(3.1): one
              // BEGIN SOLUTION First
              // END SOLUTION
            }

            void Second() {
              // TODO(3.2): two
              // BEGIN SOLUTION Second
              // END SOLUTION
            }
            """
            ),
            PATH,
        )
        self.assertIn(
            'throw NotImplemented("First", "module 3, task 1");', stub
        )
        self.assertIn(
            'throw NotImplemented("Second", "module 3, task 2");', stub
        )

    def test_a_long_name_wraps_at_80_columns(self):
        name = "KvCacheHandle::Session::RestoreAttentionOfModel"
        stub = make_stub(
            text(
                f"""
            void {name}() {{
              // TODO(3.7): give it back
              // BEGIN SOLUTION {name}
              // END SOLUTION
            }}
            """
            ),
            PATH,
        )
        self.assertIn(
            f'  throw NotImplemented("{name}",\n'
            '                       "module 3, task 7");\n',
            stub,
        )

    def test_solution_only_regions_vanish_with_their_blank_line(self):
        stub = make_stub(
            text(
                """
            namespace kvlab {

            // BEGIN SOLUTION-ONLY
            namespace {
            int Helper() { return 1; }
            }  // namespace
            // END SOLUTION-ONLY

            void F() {
              // TODO(3.1): text
              // BEGIN SOLUTION F
              Helper();
              // END SOLUTION
            }

            // BEGIN SOLUTION-ONLY
            int Other() { return 2; }
            // END SOLUTION-ONLY

            }  // namespace kvlab
            """
            ),
            PATH,
        )
        self.assertEqual(
            stub,
            NOTICE
            + "\n"
            + text(
                """
            namespace kvlab {

            void F() {
              // TODO(3.1): text
              throw NotImplemented("F", "module 3, task 1");
            }

            }  // namespace kvlab
            """
            ),
        )

    def test_a_region_must_end(self):
        self.assertFails(
            """
            void F() {
              // TODO(3.1): text
              // BEGIN SOLUTION F
            }
            """,
            3,
            "never ended",
        )

    def test_an_end_needs_its_begin(self):
        self.assertFails(
            """
            void F() {
              // END SOLUTION
            }
            """,
            2,
            "END SOLUTION without its BEGIN SOLUTION",
        )

    def test_the_two_kinds_do_not_close_each_other(self):
        self.assertFails(
            """
            // BEGIN SOLUTION-ONLY
            // END SOLUTION
            """,
            2,
            "without its BEGIN SOLUTION",
        )

    def test_regions_do_not_nest(self):
        self.assertFails(
            """
            void F() {
              // TODO(3.1): text
              // BEGIN SOLUTION F
              // BEGIN SOLUTION-ONLY
              // END SOLUTION-ONLY
              // END SOLUTION
            }
            """,
            4,
            "do not nest",
        )

    def test_a_region_needs_a_name(self):
        self.assertFails(
            """
            void F() {
              // TODO(3.1): text
              // BEGIN SOLUTION
              // END SOLUTION
            }
            """,
            3,
            "malformed marker",
        )

    def test_a_marker_stands_alone_on_its_line(self):
        self.assertFails("int x = 1;  // BEGIN SOLUTION F\n", 1, "malformed")
        self.assertFails("// END SOLUTION of Append\n", 1, "malformed")
        self.assertFails("//BEGIN SOLUTION F\n", 1, "malformed")
        self.assertFails("// begin_solution F\n", 1, "malformed")

    def test_the_name_must_be_that_of_the_function_around_it(self):
        self.assertFails(
            """
            void KvCache::Reset() {
              // TODO(3.5): text
              // BEGIN SOLUTION KvCache::Truncate
              // END SOLUTION
            }
            """,
            3,
            "no 'KvCache::Truncate(' is above it",
        )

    def test_a_todo_of_another_function_does_not_count(self):
        self.assertFails(
            """
            void F() {
              // TODO(3.1): text
            }

            void G() {
              // BEGIN SOLUTION G
              // END SOLUTION
            }
            """,
            6,
            "no '// TODO(module.task): text'",
        )

    def test_the_todo_must_name_the_module_it_stands_in(self):
        self.assertFails(
            """
            void F() {
              // TODO(2.1): text
              // BEGIN SOLUTION F
              // END SOLUTION
            }
            """,
            3,
            "TODO(2.1) is in module 03_memoization",
        )

    def test_a_file_without_a_task_is_an_error(self):
        self.assertFails("int x;\n", 1, "no BEGIN SOLUTION")

    def test_a_header_is_refused(self):
        self.assertFails(
            "int x;\n",
            1,
            "a header is the contract",
            path="solutions/03_memoization/kv_cache.h",
        )


if __name__ == "__main__":
    unittest.main()
