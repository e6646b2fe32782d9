"""Tests handout/make_stub.py."""

import textwrap
import unittest

from handout.make_stub import NOTICE, make_stub
from solutions.regions import MarkerError

PATH = "solutions/03_memoization/kv_cache.cc"


def text(block):
    return textwrap.dedent(block).lstrip("\n")


class MakeStubTest(unittest.TestCase):
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
            }

            void Second() {
              // TODO(3.2): two
              // BEGIN SOLUTION Second
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

    def test_a_header_is_refused(self):
        with self.assertRaisesRegex(
            MarkerError,
            "solutions/03_memoization/kv_cache.h:1: .* the contract",
        ):
            make_stub("int x;\n", "solutions/03_memoization/kv_cache.h")


if __name__ == "__main__":
    unittest.main()
