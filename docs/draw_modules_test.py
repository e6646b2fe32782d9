"""Compares the pictures of the modules with what draw_modules.py draws.

Also runs without Bazel: python3 docs/draw_modules_test.py
"""

import pathlib
import re
import sys
import unittest
from xml.etree import ElementTree

# In Bazel's runfiles this file is a link into the source tree.
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from docs import draw_modules  # pylint: disable=wrong-import-position


class DrawModulesTest(unittest.TestCase):
    def test_the_committed_pictures_are_what_is_drawn(self):
        for name, draw in draw_modules.PICTURES.items():
            path = ROOT / "modules" / name / "picture.svg"
            self.assertEqual(
                path.read_text(encoding="utf-8"),
                draw(),
                f"{path}: run docs/draw_modules.py",
            )

    def test_each_readme_begins_with_its_picture(self):
        for name in draw_modules.PICTURES:
            readme = ROOT / "modules" / name / "README.md"
            blocks = readme.read_text(encoding="utf-8").split("\n\n")
            self.assertTrue(blocks[0].startswith("# "), readme)
            self.assertRegex(blocks[1], r"^!\[[^]]{40,}\]\(picture\.svg\)$")

    def test_each_readme_ends_with_what_one_can_do_now(self):
        for name in draw_modules.PICTURES:
            readme = ROOT / "modules" / name / "README.md"
            text = readme.read_text(encoding="utf-8")
            # Without the outline of the report, which is a block of code.
            titles = re.findall(
                r"(?m)^## (.*)$", re.sub(r"(?ms)^```.*?^```$", "", text)
            )
            self.assertEqual(titles[-1], "What you can now do", readme)

    def test_a_picture_has_a_title_and_both_colour_schemes(self):
        for draw in draw_modules.PICTURES.values():
            root = ElementTree.fromstring(draw())
            title = root.find("{http://www.w3.org/2000/svg}title")
            self.assertGreater(len(title.text), 40)
            self.assertIn("prefers-color-scheme: dark", draw())

    def test_without_a_cache_all_is_computed_again(self):
        self.assertIn("21 entries are computed", draw_modules.memoization())
        self.assertIn("6 are computed and 15 found", draw_modules.memoization())

    def test_the_weights_of_attention_sum_to_one(self):
        parts = re.findall(r">(\d+) %<", draw_modules.attention())
        self.assertEqual(sum(map(int, parts)), 100)


if __name__ == "__main__":
    unittest.main()
