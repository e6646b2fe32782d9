"""All mutants in one source: each does what it says, and none is active alone.

Compiles what make_schemata.py writes and runs it with each mutant.
"""

import os
import pathlib
import subprocess
import tempfile
import unittest

from autograder.proof.mutate import make_schemata
from autograder.proof.mutate.make_schemata import places_of_errors

ANSWER = """\
#include <cstddef>
#include <vector>
%s
int Answer(std::size_t n) {
  // TODO(3.1): text
  // BEGIN SOLUTION Answer
  int sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += 2;
  for (const int item : std::vector<int>{7, 11}) {
    if (item == 100) continue;
    sum += item;
  }
  if (sum < 0) throw "never";
  return sum;
}
"""
MAIN = """
#include <cstdio>
#include <cstdlib>
namespace kvlab_mutant {
int active = 0;
unsigned size_index = 0;
double gate = 0;
}
int main(int, char** arguments) {
  kvlab_mutant::active = std::atoi(arguments[1]);
  kvlab_mutant::size_index = std::atoi(arguments[2]);
  kvlab_mutant::gate = std::atoi(arguments[3]);
  std::printf("%d", Answer(std::atoi(arguments[4])));
}
"""
FLAGS = ["-std=c++20", "-I."]


class SchemataTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(
            cls.enterClassContext(tempfile.TemporaryDirectory())
        )
        cls.mutations, cls.dropped = cls.write(ANSWER % "")
        cls.program = cls.folder / "answer"
        with open(cls.folder / "out.cc", "a", encoding="utf-8") as out:
            out.write(MAIN)
        subprocess.run(
            ["g++", *FLAGS, "-w", "-o", cls.program, cls.folder / "out.cc"],
            check=True,
        )

    @classmethod
    def write(cls, text):
        source = cls.folder / "answer.cc"
        source.write_text(text, encoding="utf-8")
        return make_schemata.write(
            str(source), str(cls.folder / "out.cc"), 1, "g++", FLAGS
        )

    def answer(self, mutation, n, gate=0):
        number = mutation.number if mutation else 0
        sizes = list(dict.fromkeys(mutation.sizes.values())) if mutation else []
        index = sizes.index("n") if gate else 0
        run = subprocess.run(
            [self.program, str(number), str(index), str(gate), str(n)],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
        return int(run.stdout)

    def find(self, operator, after, before=None):
        (found,) = [
            m
            for m in self.mutations
            if (m.operator, m.after) == (operator, after)
            and before in (None, m.before)
        ]
        return found

    def test_without_a_mutant_it_is_the_solution(self):
        self.assertEqual(self.answer(None, 4), 26)

    def test_each_mutant_is_what_its_name_says(self):
        for operator, before, after, expected in (
            ("relation", "i < n", "i <= n", 28),
            ("loop", "i < n", "i + 1 < n", 24),
            ("constant", "2", "2 + 1", 30),
            ("assignment", "sum += 2", "sum = 2", 20),
            ("statement", "sum += item", "", 8),
            ("condition", "item == 100", "true || (item == 100)", 8),
            ("return", "sum", "kvlab_mutant::Altered(sum)", 27),
        ):
            with self.subTest(f"{before} -> {after}"):
                self.assertEqual(
                    self.answer(self.find(operator, after, before), 4), expected
                )
        for after, expected in (
            ("without the first", 19),
            ("without the last", 15),
        ):
            self.assertEqual(self.answer(self.find("loop", after), 4), expected)

    def test_from_a_size_on(self):
        mutation = self.find("loop", "i + 1 < n")
        self.assertIn("n", mutation.sizes.values())
        self.assertEqual(self.answer(mutation, 8, 9), 34)
        self.assertEqual(self.answer(mutation, 9, 9), 34)
        self.assertEqual(self.answer(None, 9), 36)

    def test_what_does_not_compile_is_dropped_and_nothing_else(self):
        given = "struct Only { Only operator*(Only) const; };\nOnly only;"
        text = (ANSWER % given).replace(
            "int sum = 0;", "only * only;\n  int sum = 0;"
        )
        mutations, dropped = self.write(text)
        self.assertEqual(
            {(m.before, m.after) for m in dropped},
            {("only * only", "only + only"), ("only * only", "only / only")},
        )
        self.assertEqual(len(mutations) - len(self.mutations), 2)


class PlacesTest(unittest.TestCase):
    def test_an_error_in_a_header_belongs_to_where_it_was_required(self):
        self.assertEqual(
            places_of_errors(
                "h.h: In instantiation of 'f':\n"
                "a.cc:7:9:   required from here\n"
                "h.h:1:2: error: no\n"
                "a.cc:8:3: error: nor here\n",
                "a.cc",
            ),
            [
                ("h.h:1:2: error: no", [(7, 9)]),
                ("a.cc:8:3: error: nor here", [(8, 3)]),
            ],
        )


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    unittest.main()
