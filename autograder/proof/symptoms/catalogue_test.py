"""The catalogue of ./kvlab why agrees with the planted bugs, the tests and the
headers, and gives no answer away."""

import pathlib
import re
import unittest

from autograder.judges import plant, planted_bug
from autograder.proof.symptoms import record
from cli import course_tasks, test_names
from cli.why import diagnosis, why
from solutions import regions

ROOT = pathlib.Path.cwd()
AGAIN = "\n  fix: autograder/proof/symptoms/record.py records again"


def tests_of(module):
    """The tests in the sources of a module's folder."""
    return [
        name
        for folder in ROOT.glob(f"modules/{module:02}_*")
        for path in folder.glob("*_test.cc")
        for name in test_names.read(path)
    ]


class CatalogueTest(unittest.TestCase):
    def setUp(self):
        self.catalogue = diagnosis.read_catalogue()
        self.entries = {each.name: each for each in self.catalogue.bugs}
        self.bugs = [planted_bug.read(path) for path in record.all_bugs(ROOT)]

    def test_every_planted_bug_has_an_entry(self):
        self.assertEqual(
            sorted(self.entries), sorted(bug.name for bug in self.bugs), AGAIN
        )

    def test_an_entry_says_what_the_planted_bug_says(self):
        for bug in self.bugs:
            solution = (ROOT / "solutions" / bug.source).read_text("utf-8")
            with self.subTest(bug.name):
                entry = self.entries[bug.name]
                self.assertEqual(
                    (entry.title, entry.hint, entry.cause, entry.function),
                    (
                        bug.title,
                        " ".join(bug.hint.split()),
                        bug.cause,
                        plant.function_of(bug, solution),
                    ),
                    AGAIN,
                )

    def test_the_test_that_must_catch_a_bug_is_among_those_that_fail(self):
        for bug in self.bugs:
            with self.subTest(bug.name):
                failing = [e.test for e in self.entries[bug.name].failing]
                pattern = re.sub(r"/(\*|\d+)$", "*", bug.caught_by)
                self.assertTrue(
                    any(course_tasks.selects(pattern, e) for e in failing),
                    f"{bug.caught_by} is not in {failing}{AGAIN}",
                )

    def test_the_tests_that_fail_are_tests_of_the_module(self):
        names = {n: tests_of(n) for n in course_tasks.modules(ROOT)}
        for entry in self.catalogue.bugs:
            for each in entry.failing:
                with self.subTest(entry.name):
                    self.assertTrue(
                        any(
                            test_names.may_select(each.test, name)
                            or test_names.may_select(each.test + "/0", name)
                            for name in names[entry.module]
                        ),
                        f"there is no test {each.test}{AGAIN}",
                    )

    def test_causes_and_contracts_are_those_of_the_planted_bugs(self):
        self.assertEqual(self.catalogue.causes, record.causes(ROOT), AGAIN)
        self.assertEqual(
            self.catalogue.contracts, record.contracts(ROOT), AGAIN
        )

    def test_every_cause_is_planted(self):
        self.assertEqual(
            set(self.catalogue.causes), {bug.cause for bug in self.bugs}
        )

    def test_every_sentence_is_in_its_header_once(self):
        for header, functions in self.catalogue.contracts.items():
            path = ROOT / "modules" / header
            text, _ = why.flat(path.read_text(encoding="utf-8"))
            for function, sentences in functions.items():
                self.assertLessEqual(
                    set(sentences) - {"any"}, set(self.catalogue.causes)
                )
                for sentence in sentences.values():
                    with self.subTest(header, function=function):
                        self.assertEqual(text.count(sentence), 1, sentence)

    def test_every_function_with_a_bug_has_a_sentence(self):
        for entry in self.catalogue.bugs:
            with self.subTest(entry.name):
                header, _ = self.catalogue.sentence(entry.function, entry.cause)
                self.assertEqual(header, entry.file.replace(".cc", ".h"))


def answer_lines():
    """The lines of all answers that are nowhere else, without blanks."""
    given, lines = "", set()
    for path in ROOT.glob("modules/*/*.*"):
        given += re.sub(r"\s+|//", "", path.read_text(encoding="utf-8"))
    for path in sorted(ROOT.glob("solutions/*/*.cc")):
        text = path.read_text(encoding="utf-8")
        for answer in regions.answers(text, path):
            for line in answer.splitlines():
                line = re.sub(r"\s+", "", line.split("//")[0])
                if len(line) >= 15 and line not in given:
                    lines.add(line)
    return lines


class SecrecyTest(unittest.TestCase):
    def test_nothing_that_can_be_said_is_a_line_of_an_answer(self):
        text = diagnosis.CATALOGUE.read_text(encoding="utf-8")
        said = re.sub(r"\s+", "", text.replace('\\"', '"'))
        lines = answer_lines()
        self.assertGreater(len(lines), 200)
        self.assertEqual([each for each in sorted(lines) if each in said], [])


if __name__ == "__main__":
    unittest.main()
