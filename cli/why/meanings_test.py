"""Errors of the C++ library and signals, in the words in which they appear."""

import unittest

from cli.why import meanings


class MeaningTest(unittest.TestCase):
    def test_errors_of_the_library(self):
        for text, said in (
            ("bad_function_call", "std::function that is empty"),
            (
                "vector::_M_range_check: __n (which is 5) >= this->size() "
                "(which is 3)",
                "index or a key that is not there",
            ),
            ("map::at", "index or a key that is not there"),
            ("_Map_base::at", "index or a key that is not there"),
            (
                "basic_string::substr: __pos (which is 9) > this->size()",
                "index or a key that is not there",
            ),
            ("std::bad_alloc", "More memory is asked for"),
            ("std::bad_array_new_length", "impossible length"),
            ("vector::_M_default_append", "longer than any can be"),
            (
                "cannot create std::vector larger than max_size()",
                "longer than any can be",
            ),
            ("vector::reserve", "longer than any can be"),
            ("bad optional access", "std::optional that is empty"),
            ("std::get: wrong index for variant", "std::variant"),
            ("stoul", "read as a number"),
            ("Incompatible dimension of arrays", "two shapes"),
        ):
            with self.subTest(text):
                self.assertIn(said, meanings.meaning(text))

    def test_ends_by_a_signal(self):
        for text, said in (
            ("test-setup.sh: line 314:    16 Segmentation fault", "(SIGSEGV)"),
            ("            Terminated by signal 11 (core dumped)", "(SIGSEGV)"),
            ("line 314:    16 Aborted", "(SIGABRT)"),
            ("line 314:    16 Floating point exception", "divided by 0"),
            ("line 314:    16 Illegal instruction", "(SIGILL)"),
            ("line 314:    16 Killed", "memory ran out"),
        ):
            with self.subTest(text):
                self.assertIn(said, meanings.meaning(text))

    def test_what_says_more_than_the_signal_comes_first(self):
        for line, said in (
            (
                "/usr/include/c++/12/bits/stl_vector.h:1123: Assertion '__n < "
                "this->size()' failed.",
                "against its rules",
            ),
            ("free(): invalid pointer", "damaged before"),
            ("double free or corruption (out)", "damaged before"),
            ("*** stack smashing detected ***: terminated", "damaged before"),
            (
                "terminate called after throwing an instance of "
                "'std::bad_alloc'",
                "More memory is asked for",
            ),
            (
                "terminate called after throwing an instance of 'kvlab::E'",
                "where none can be caught",
            ),
        ):
            with self.subTest(line):
                text = f"{line}\nline 314:    16 Aborted"
                self.assertIn(said, meanings.meaning(text))

    def test_other_errors_have_none(self):
        for text in ("Append: no room for 2 more tokens", "MemoTable::at", ""):
            with self.subTest(text):
                self.assertEqual(meanings.meaning(text), "")

    def test_numbers_a_little_less_than_2_to_the_64th(self):
        self.assertIn(
            "18446744073709551615 is 2^64 - 1",
            meanings.of_wrapped("row 18446744073709551615 into 24 floats"),
        )
        for text in ("17159606423141592653", "18446744073709551616", "24"):
            with self.subTest(text):
                self.assertEqual(meanings.of_wrapped(text), "")


if __name__ == "__main__":
    unittest.main()
