"""What course_modules.py makes of modules/*/module.toml."""

import pathlib
import tempfile
import unittest

from third_party import course_modules


class CourseModulesTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )

    def write(self, name, text=""):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def write_module(self, folder, *lines, files=("a.cc",)):
        self.write(f"modules/{folder}/module.toml", "\n".join(lines))
        for name in ("BUILD", *files):
            self.write(f"modules/{folder}/{name}")

    def answer(self, name):
        self.write(f"{course_modules.ANSWERS}/{name}")

    def one_module(self):
        self.write_module(
            "01_one", "number = 1", "title = 'One'", "files = ['a.cc']"
        )

    def mistakes(self):
        """The error for the course as it is."""
        with self.assertRaises(course_modules.CourseError) as caught:
            course_modules.read_course(self.root)
        return str(caught.exception)

    def mistakes_of(self, *lines):
        self.write_module("01_one", *lines)
        return self.mistakes()

    def test_modules_are_ordered_by_number(self):
        self.write_module(
            "10_ten", "number = 10", "title = 'Ten'", "files = ['a.cc']"
        )
        self.one_module()
        self.assertEqual(
            [
                module["title"]
                for module in course_modules.read_course(self.root)
            ],
            ["One", "Ten"],
        )

    def test_files_keep_the_order_of_their_tasks(self):
        self.write_module(
            "01_one",
            "number = 1",
            "title = 'One'",
            "files = ['b.cc', 'a.cc']",
            files=("a.cc", "b.cc"),
        )
        (module,) = course_modules.read_course(self.root)
        self.assertEqual(module["files"], ["b.cc", "a.cc"])

    def test_tests_and_the_quiz_are_seen_in_the_folder(self):
        self.one_module()
        (module,) = course_modules.read_course(self.root)
        self.assertEqual(module["tests"], [])
        self.assertFalse(module["has_quiz"])
        for name in ("b_test.cc", "a_test.cc", "quiz.toml"):
            self.write(f"modules/01_one/{name}")
        (module,) = course_modules.read_course(self.root)
        self.assertEqual(module["tests"], ["a_test", "b_test"])
        self.assertTrue(module["has_quiz"])

    def test_a_folder_without_a_description_is_ignored(self):
        self.one_module()
        self.write("modules/02_left_over/notes.txt")
        self.assertEqual(len(course_modules.read_course(self.root)), 1)

    def test_the_default_is_the_solution_where_there_is_one(self):
        self.one_module()
        (module,) = course_modules.read_course(self.root)
        self.assertEqual(module["default"], "//modules/01_one:student")
        self.answer("BUILD")
        self.answer("01_one/BUILD")
        self.answer("01_one/a.cc")
        (module,) = course_modules.read_course(self.root)
        self.assertEqual(
            module["default"],
            "//" + course_modules.ANSWERS + "/01_one:solution",
        )

    def test_a_folder_of_a_student_holds_no_solutions(self):
        self.one_module()
        self.answer("my_notes.txt")
        (module,) = course_modules.read_course(self.root)
        self.assertEqual(module["default"], "//modules/01_one:student")

    def test_every_file_and_paper_needs_an_answer(self):
        self.write_module(
            "01_one",
            "number = 1",
            "title = 'One'",
            "files = ['a.cc']",
            "papers = ['answers.json']",
        )
        self.answer("BUILD")
        self.answer("01_one/BUILD")
        self.assertIn("01_one/a.cc is missing", self.mistakes())
        self.answer("01_one/a.cc")
        self.assertIn("01_one/answers.json is missing", self.mistakes())
        self.answer("01_one/answers.json")
        course_modules.read_course(self.root)

    def test_an_answer_to_no_file_is_a_mistake(self):
        self.one_module()
        for name in ("BUILD", "01_one/BUILD", "01_one/a.cc", "01_one/b.cc"):
            self.answer(name)
        self.assertIn(
            "01_one/b.cc answers a file that "
            "modules/01_one/module.toml does not name",
            self.mistakes(),
        )

    def test_a_mistake_says_what_why_and_what_to_do(self):
        self.assertRegex(
            self.mistakes_of("number = 1", "title = 'One'", "files = ['b.cc']"),
            r"^modules/01_one/module.toml: 'files' names 'b.cc', which is not "
            r"in modules/01_one\n  why: .*\n  fix: .*$",
        )

    def test_says_what_is_missing_or_of_another_type(self):
        rest = ["title = 'One'", "files = ['a.cc']"]
        for line in ("", "number = '1'", "number = true", "number = 0"):
            self.assertIn(
                "'number' must be an integer", self.mistakes_of(line, *rest)
            )
        rest = ["number = 1", "files = ['a.cc']"]
        for line in ("", "title = 1", "title = ' '", r'title = "a\nb"'):
            self.assertIn(
                "'title' must be a string of one line",
                self.mistakes_of(line, *rest),
            )
        rest = ["number = 1", "title = 'One'"]
        for line in ("", "files = []"):
            self.assertIn(
                "'files' names no file", self.mistakes_of(line, *rest)
            )
        self.assertIn(
            "'files' must be a list", self.mistakes_of("files = 'a.cc'", *rest)
        )

    def test_files_are_names_in_the_folder_each_once(self):
        start = ["number = 1", "title = 'One'"]
        for name in ("../a.cc", "sub/a.cc", "/a.cc", "a.h", "a b.cc", ""):
            self.assertIn(
                "'files' contains",
                self.mistakes_of(*start, f"files = ['{name}']"),
            )
        self.assertIn(
            "'files' contains 'a.cc' twice",
            self.mistakes_of(*start, "files = ['a.cc', 'a.cc']"),
        )
        self.assertIn(
            "'papers' contains \"../x.json\"",
            self.mistakes_of(
                *start, "files = ['a.cc']", "papers = ['../x.json']"
            ),
        )

    def test_code_is_judged_end_to_end_only_where_it_says_so(self):
        lines = ["number = 1", "title = 'One'", "files = ['a.cc']"]
        for line, value in (("", False), ("end_to_end = true", True)):
            self.write_module("01_one", *lines, line)
            (module,) = course_modules.read_course(self.root)
            self.assertEqual(module["end_to_end"], value)
        self.assertIn(
            "'end_to_end' must be true or false",
            self.mistakes_of(*lines, "end_to_end = 'yes'"),
        )

    def test_the_folder_begins_with_the_number(self):
        self.assertIn(
            "'number' is 2, but the folder is '01_one'",
            self.mistakes_of("number = 2", "title = 'One'", "files = ['a.cc']"),
        )

    def test_no_two_modules_have_one_number(self):
        self.one_module()
        self.write_module(
            "01_two", "number = 1", "title = 'Two'", "files = ['a.cc']"
        )
        self.assertIn(
            "modules/01_two/module.toml: 'number' is 1, as in "
            "modules/01_one",
            self.mistakes(),
        )

    def test_a_module_has_a_build_file(self):
        self.one_module()
        (self.root / "modules/01_one/BUILD").unlink()
        self.assertIn("modules/01_one/BUILD is missing", self.mistakes())

    def test_toml_that_cannot_be_read_is_named(self):
        self.assertIn(
            "modules/01_one/module.toml is not valid TOML",
            self.mistakes_of("number = "),
        )

    def test_all_mistakes_are_reported_at_once(self):
        self.write_module("01_one")
        self.write_module("02_two")
        self.assertEqual(self.mistakes().count("  fix: "), 2)

    def test_a_course_without_modules_is_a_mistake(self):
        self.assertIn("modules/ contains no module", self.mistakes())

    def test_writes_what_starlark_reads(self):
        self.assertEqual(
            course_modules.modules_bzl(
                [
                    {
                        "number": 1,
                        "title": 'A "B"',
                        "files": ["a.cc", "b.cc"],
                        "has_quiz": False,
                    }
                ]
            ),
            course_modules.HEAD + "MODULES = [\n"
            "    struct(\n"
            "        number = 1,\n"
            '        title = "A \\"B\\"",\n'
            '        files = ["a.cc", "b.cc"],\n'
            "        has_quiz = False,\n"
            "    ),\n"
            "]\n",
        )


if __name__ == "__main__":
    unittest.main()
