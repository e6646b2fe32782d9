"""The tables of the modules' READMEs are what ./kvlab test, status, debug and
reset know of the tasks."""

import pathlib
import unittest

from cli import course_tasks, test_names

ROOT = pathlib.Path(__file__).resolve().parent.parent


class SelectsTest(unittest.TestCase):
    def test_as_googletest_does(self):
        for pattern, test, selected in (
            ("LayerCacheTest.Append*", "LayerCacheTest.AppendKeeps", True),
            ("LayerCacheTest.Append*", "LayerCacheTest.Keeps", False),
            ("A*:B*", "BTest.X", True),
            ("A*-*Slow", "ATest.Slow", False),
            ("A*-*Slow", "ATest.Fast", True),
            ("-*Slow", "ATest.Fast", True),
            ("*", "ATest.X", True),
            ("A[b]", "Ab", False),
            ("a*", "A", False),
        ):
            with self.subTest(pattern=pattern, test=test):
                self.assertEqual(course_tasks.selects(pattern, test), selected)


class TasksTest(unittest.TestCase):
    def test_every_stub_belongs_to_a_task_with_tests(self):
        for folder in course_tasks.modules(ROOT).values():
            tasks = {
                task.number: task for task in course_tasks.tasks_of(folder)
            }
            for path in course_tasks.files(folder):
                for number, _ in course_tasks.open_functions(
                    path.read_text(encoding="utf-8")
                ):
                    self.assertIn(number, tasks)
                    self.assertTrue(tasks[number].target, number)

    def test_every_task_with_tests_selects_some(self):
        for task in course_tasks.read(ROOT):
            if task.target:
                path = ROOT / "modules" / task.folder / f"{task.target}.cc"
                names = test_names.read(path)
                self.assertTrue(
                    any(test_names.may_select(task.filter, n) for n in names),
                    task,
                )

    def test_a_row_without_a_target_means_the_only_test(self):
        first = course_tasks.read(ROOT)[0]
        self.assertEqual(first.label, "//modules/01_attention:attention_test")

    def test_what_the_grader_judges_has_no_tests(self):
        graded = {t.number for t in course_tasks.read(ROOT) if not t.target}
        self.assertEqual(graded, {"3.10", "4.11"})
        self.assertFalse(
            any(
                task.selects("Suite.Name")
                for task in course_tasks.read(ROOT)
                if not task.target
            )
        )


class StubsTest(unittest.TestCase):
    def test_open_functions_are_those_that_still_throw(self):
        text = """
  throw NotImplemented("A::B", "module 3, task 10");
  // throw NotImplemented("C", "module 3, task 1");
  throw std::runtime_error("x");
"""
        self.assertEqual(course_tasks.open_functions(text), [("3.10", "A::B")])


class NamesTest(unittest.TestCase):
    def test_the_closest_name_is_what_a_typing_error_means(self):
        names = ["SoftmaxRowsTest.Adds", "GeluTest.Halves"]
        self.assertEqual(
            test_names.closest("SoftmxRows*", names), "SoftmaxRowsTest.Adds"
        )

    def test_tests_with_parameters_may_be_selected_by_what_only_they_know(self):
        for pattern in (
            "*/GoldenTest.Logits/*",
            "Models/GoldenTest.*",
            "*GoldenTest*",
            "GoldenTest/0.Logits",
        ):
            with self.subTest(pattern=pattern):
                self.assertTrue(
                    test_names.may_select(pattern, "/GoldenTest.Logits/")
                )
        self.assertFalse(test_names.may_select("Gelu*", "/GoldenTest.Logits/"))


if __name__ == "__main__":
    unittest.main()
