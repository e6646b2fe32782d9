"""Of a sanitizer's report the kind of the error and the course's lines stay."""

import unittest

from cli import sanitizer_report

# g++ 12, shortened.
OVERFLOW = """[ RUN      ] SoftmaxRowsTest.TurnsScoresIntoProbabilities
=================================================================
==12==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x6030 at pc 0x5
WRITE of size 4 at 0x6030 thread T0
    #0 0x55cd in kvlab::SoftmaxRows(Matrix) modules/a/attention.cc:125
    #1 0x55ce in TestBody modules/a/attention_test.cc:192
    #2 0x55cf in void testing::internal::Handle<testing::Test>() (/x/test+0x2b)
    #3 0x7f67 in __libc_start_call_main ../sysdeps/nptl/libc_start.h:58

0x6030 is located 12 bytes to the right of 24-byte region [0x6030,0x6031)
allocated by thread T0 here:
    #0 0x7f67 in operator new(unsigned long) ../src/asan_new_delete.cpp:95
    #1 0x55cd in xt::uvector<float>::resize() external/xtensor/xstorage.hpp:22
    #2 0x55ce in TestBody modules/a/attention_test.cc:190

SUMMARY: AddressSanitizer: heap-buffer-overflow modules/a/attention.cc:125 in F
Shadow byte legend (one shadow byte represents 8 application bytes):
  Addressable:           00
==12==ABORTING
"""

UNDEFINED = """modules/a/kv_cache.cc:71:9: runtime error: signed overflow
    #0 0x55cd in kvlab::CacheBytes(unsigned long) modules/a/kv_cache.cc:71:9
    #1 0x55ce in TestBody modules/a/kv_cache_test.cc:192:3
"""


class SanitizerReportTest(unittest.TestCase):
    def test_an_overflow_says_what_where_and_whose_memory(self):
        self.assertEqual(
            sanitizer_report.excerpt(OVERFLOW),
            [
                "AddressSanitizer: heap-buffer-overflow",
                "  write of 4 bytes",
                "  at modules/a/attention.cc:125, kvlab::SoftmaxRows(Matrix)",
                "  at modules/a/attention_test.cc:192, TestBody",
                "  allocated at modules/a/attention_test.cc:190, TestBody",
            ],
        )

    def test_memory_that_was_freed_says_where(self):
        freed = OVERFLOW.replace("heap-buffer-overflow", "heap-use-after-free")
        freed = freed.replace("allocated by thread", "freed by thread")
        shown = sanitizer_report.excerpt(freed)
        self.assertEqual(shown[0], "AddressSanitizer: heap-use-after-free")
        self.assertTrue(shown[-1].startswith("  freed at modules/a/att"))

    def test_undefined_behaviour_says_which(self):
        shown = sanitizer_report.excerpt(UNDEFINED)
        self.assertIn("signed overflow", shown[0])
        self.assertEqual(shown[1], "  at modules/a/kv_cache.cc:71")
        self.assertEqual(len(shown), 4)

    def test_a_leak_says_how_much_and_whose(self):
        leak = (
            "==7==ERROR: LeakSanitizer: detected memory leaks\n\n"
            "Direct leak of 96 byte(s) in 2 object(s) allocated from:\n"
            "    #0 0x7f67 in operator new(unsigned long) ../src/new.cpp:95\n"
            "    #1 0x55cd in kvlab::EnableKvCache(int) modules/a/b.cc:19\n"
        )
        self.assertEqual(
            sanitizer_report.excerpt(leak),
            [
                "LeakSanitizer: detected memory leaks",
                "  96 bytes that leak were allocated at modules/a/b.cc:19, "
                "kvlab::EnableKvCache(int)",
            ],
        )

    def test_other_output_is_no_report(self):
        self.assertEqual(sanitizer_report.excerpt("row 3 is wrong\n"), [])


if __name__ == "__main__":
    unittest.main()
