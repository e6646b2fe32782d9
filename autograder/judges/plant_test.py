"""What autograder/judges/plant.py promises."""

import dataclasses
import pathlib
import tempfile
import unittest

from autograder.judges import plant, planted_bug
from autograder.judges.plant import PlantError, Tree
from autograder.judges.planted_bug import PlantedBug

SOLUTION = """\
int Given() { return 1; }

int Answer() {
  // TODO(3.1): text
  // BEGIN SOLUTION Answer
  const int one = 1;
  return one + one;
}
"""
WITHOUT_MARKERS = SOLUTION.replace("  // BEGIN SOLUTION Answer\n", "")


def bug(find, replace="return 3;"):
    return PlantedBug(
        name="03_memoization/kv_cache/wrong",
        title="",
        errors=[],
        find=find,
        replace=replace,
        caught_by="",
        hint="",
        cause="",
    )


class PlantedBugTest(unittest.TestCase):
    def test_names_the_file_it_edits(self):
        self.assertEqual(bug("").source, "03_memoization/kv_cache.cc")

    def test_exchanges_the_lines_and_drops_the_markers(self):
        self.assertEqual(
            plant.plant(bug("return one + one;"), SOLUTION),
            WITHOUT_MARKERS.replace("return one + one;", "return 3;"),
        )

    def test_refuses_what_no_longer_stands_there(self):
        with self.assertRaisesRegex(PlantError, "occurs 0 times"):
            plant.plant(bug("return two;"), SOLUTION)

    def test_refuses_what_stands_there_twice(self):
        with self.assertRaisesRegex(PlantError, "occurs 3 times"):
            plant.plant(bug("one"), SOLUTION)

    def test_refuses_to_break_what_is_given(self):
        with self.assertRaisesRegex(PlantError, "not inside an answer"):
            plant.plant(bug("return 1;"), SOLUTION)

    def test_belongs_to_the_task_of_its_function(self):
        two = SOLUTION + SOLUTION.replace("Answer", "Second").replace(
            "3.1", "3.2"
        ).replace("one", "two")
        self.assertEqual(plant.task_of(bug("return one + one;"), two), "3.1")
        self.assertEqual(plant.task_of(bug("return two + two;"), two), "3.2")
        self.assertEqual(plant.task_of(bug("int Second() {"), two), "")

    def test_breaks_the_contract_of_its_function_unless_it_names_another(self):
        one = bug("return one + one;")
        self.assertEqual(plant.function_of(one, SOLUTION), "Answer")
        helper = dataclasses.replace(one, function="Caller")
        self.assertEqual(plant.function_of(helper, SOLUTION), "Caller")


class TreeTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )
        self.tree = Tree(self.root)
        self.write("modules/03_x/module.toml", 'files = ["a.cc", "b.cc"]')
        self.write("modules/03_x/a.cc", "the stub\n")
        self.write("solutions/03_x/a.cc", SOLUTION)
        self.write("solutions/03_x/b.cc", "int a = 1;\nint b = 1;\n")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def case(self, text):
        return self.write("cases/exploits/name.toml", text)

    def edited(self, edit, source="03_x/b.cc"):
        files, task = self.tree.changed(
            self.case(f'[[edit]]\nfile = "{source}"\n{edit}')
        )
        self.assertEqual((set(files), task), ({source}, ""))
        return files[source]

    def test_a_file_is_edited_in_five_ways(self):
        for edit, text in (
            ('find = "a = 1"\nreplace = "a = 2"', "int a = 2;\nint b = 1;\n"),
            ('prepend = "// x\\n"', "// x\nint a = 1;\nint b = 1;\n"),
            ('append = "// x\\n"', "int a = 1;\nint b = 1;\n// x\n"),
            ('text = "all"', "all"),
        ):
            with self.subTest(edit):
                self.assertEqual(self.edited(edit), text)
        self.assertEqual(
            self.edited('take_from = "modules"', "03_x/a.cc"), "the stub\n"
        )

    def test_edits_of_one_file_follow_each_other(self):
        edit = '[[edit]]\nfile = "03_x/b.cc"\n'
        files, _ = self.tree.changed(
            self.case(
                f'{edit}append = "last\\n"\n{edit}find = "last"\n'
                'replace = "LAST"\n'
            )
        )
        self.assertEqual(files["03_x/b.cc"], "int a = 1;\nint b = 1;\nLAST\n")

    # A case whose solution was rewritten no longer tests anything.
    def test_refuses_an_edit_that_no_longer_fits(self):
        for edit, source, problem in (
            ('find = "not there"\nreplace = ""', "03_x/b.cc", "occurs 0 times"),
            ('find = " = 1;"\nreplace = ""', "03_x/b.cc", "occurs 2 times"),
            ('append = "x"', "03_x/c.cc", "no such file"),
        ):
            with self.subTest(edit):
                with self.assertRaisesRegex(PlantError, problem):
                    self.edited(edit, source)

    def test_refuses_what_it_does_not_know(self):
        for edit in (
            "",
            'colour = "red"',
            'find = "int a"',
            'text = "a"\nappend = "b"',
        ):
            with self.subTest(edit):
                with self.assertRaises(PlantError):
                    self.edited(edit)

    def test_a_submission_has_every_file_and_no_markers(self):
        path = self.write(
            "judges/03_x/planted_bugs/a/wrong.toml",
            'title = "t"\nerrors = []\nfind = "one + one"\nreplace = "4"\n'
            'caught_by = "T.*"\nhint = "h"\ncause = "mask"\n',
        )
        self.assertTrue(planted_bug.is_one(path))
        self.assertEqual(
            self.tree.submission(path),
            {
                "03_x/a.cc": WITHOUT_MARKERS.replace("one + one", "4"),
                "03_x/b.cc": "int a = 1;\nint b = 1;\n",
            },
        )
        self.assertEqual(self.tree.changed(path)[1], "3.1")

    def test_a_case_may_begin_with_the_stubs(self):
        self.write("modules/03_x/b.cc", "another stub\n")
        self.assertEqual(
            self.tree.submission(self.case('base = "modules"\n')),
            {"03_x/a.cc": "the stub\n", "03_x/b.cc": "another stub\n"},
        )


if __name__ == "__main__":
    unittest.main()
