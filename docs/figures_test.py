"""Checks every number in theory.md and errata.md against //docs:figures."""

import pathlib
import re
import subprocess
import unittest

DOCS = pathlib.Path(__file__).parent
PAGES = ["theory.md", "errata.md"]

# 75,497,472 <!-- gpt2_fp32 -->; a line may end before the name.
QUOTED = re.compile(r"([\d.,]+(?: %)?)\s+<!-- (\w+) -->")
# Numbers that are part of a model, a source or a claim, and not computed here.
GIVEN = {"50,257", "1,024", "2,048", "5,050"}


def figures():
    printed = subprocess.run(
        [DOCS / "figures"], check=True, text=True, stdout=subprocess.PIPE
    ).stdout
    return dict(line.split(" ", 1) for line in printed.splitlines())


class FiguresTest(unittest.TestCase):
    def setUp(self):
        self.figures = figures()
        self.pages = {page: (DOCS / page).read_text() for page in PAGES}

    def test_quoted_numbers_are_those_that_are_computed(self):
        for page, text in self.pages.items():
            quotes = QUOTED.findall(text)
            comments = re.findall("<!--(?! figure:)", text)
            self.assertEqual(len(quotes), len(comments), page)
            for number, name in quotes:
                with self.subTest(page=page, name=name):
                    self.assertEqual(number, self.figures.get(name))

    def test_no_large_number_stands_there_unchecked(self):
        for page, text in self.pages.items():
            unchecked = re.findall(r"\d{1,3}(?:,\d{3})+", QUOTED.sub("", text))
            self.assertEqual(set(unchecked) - GIVEN, set(), page)

    def test_the_readme_says_what_its_picture_shows(self):
        rows = (DOCS / "speedup.csv").read_text().splitlines()[2:]
        speedups = {r.split(",")[0]: float(r.split(",")[4]) for r in rows}
        said = re.search(
            r"(\d+) times at 50 tokens, (\d+) times at 500,",
            " ".join((DOCS.parent / "README.md").read_text().split()),
        )
        self.assertIsNotNone(said)
        for number, tokens in zip(said.groups(), ("50", "500")):
            self.assertEqual(int(number), round(speedups[tokens]), tokens)

    def test_sees_a_number_that_is_wrong(self):
        wrong = self.pages["theory.md"].replace("75,497,472", "75,497,473")
        self.assertTrue(
            any(
                number != self.figures[name]
                for number, name in QUOTED.findall(wrong)
            )
        )


if __name__ == "__main__":
    unittest.main()
