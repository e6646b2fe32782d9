"""What source.py promises."""

import unittest

from autograder.proof.mutate.source import SourceError, regions


def inside(text):
    data = text.encode()
    return [data[r.begin : r.end].decode() for r in regions(text)]


class RegionsTest(unittest.TestCase):
    def test_both_kinds_are_found_in_order(self):
        self.assertEqual(
            inside(
                """\
// BEGIN SOLUTION-ONLY
int helper;
// END SOLUTION-ONLY
int given;
  // BEGIN SOLUTION Answer
  int answer;
  // END SOLUTION
"""
            ),
            ["int helper;\n", "  int answer;\n"],
        )

    def test_offsets_are_bytes(self):
        self.assertEqual(
            inside("// é\n// BEGIN SOLUTION A\nx\n// END SOLUTION\n"), ["x\n"]
        )

    def test_words_about_markers_are_none(self):
        self.assertEqual(
            len(
                regions(
                    "// where BEGIN SOLUTION would be\n"
                    "// BEGIN SOLUTION A\n"
                    "// END SOLUTION\n"
                )
            ),
            1,
        )

    def test_malformed_markers_are_refused(self):
        for text, problem in (
            (
                "// BEGIN SOLUTION A\n// BEGIN SOLUTION B\n"
                "// END SOLUTION\n",
                "line 2: a region begins inside",
            ),
            ("int x;\n// END SOLUTION\n", "line 2: END SOLUTION without"),
            (
                "// BEGIN SOLUTION A\n// END SOLUTION-ONLY\n",
                "END SOLUTION-ONLY without",
            ),
            ("// BEGIN SOLUTION A\nint x;\n", "does not end"),
            ("int x;\n", "no SOLUTION region"),
        ):
            with self.subTest(text):
                with self.assertRaisesRegex(SourceError, problem):
                    regions(text)


if __name__ == "__main__":
    unittest.main()
