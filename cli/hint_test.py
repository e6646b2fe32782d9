"""Every task has three hints, and no hint is code."""

import unittest

from cli import course_tasks, hint


class HintTest(unittest.TestCase):
    def setUp(self):
        self.hints = hint.hints(hint.ROOT)

    def test_every_task_with_a_stub_has_one_of_each_level(self):
        for folder in course_tasks.modules(hint.ROOT).values():
            for path in course_tasks.files(folder):
                for task, _ in course_tasks.open_functions(
                    path.read_text(encoding="utf-8")
                ):
                    self.assertEqual(
                        len(self.hints[task]), len(hint.LEVELS), task
                    )

    def test_a_hint_is_for_a_task_of_its_module(self):
        known = {task.number for task in course_tasks.read(hint.ROOT)}
        self.assertLessEqual(set(self.hints), known)

    def test_the_first_level_asks(self):
        for task, levels in self.hints.items():
            self.assertRegex(levels[0], r"\?$", task)

    def test_no_hint_is_a_line_of_code(self):
        for task, levels in self.hints.items():
            for text in levels:
                self.assertNotRegex(
                    text, r";\s*$|[{}]|\bfor \(|\breturn \w+;", task
                )

    def test_what_does_not_exist_is_told_with_what_does(self):
        with self.assertRaisesRegex(hint.HintError, "1.1, 1.2"):
            hint.hint("1.9", 1)
        for level in (-1, 0, 4):
            with self.assertRaisesRegex(hint.HintError, "1 to 3"):
                hint.hint("1.1", level)


if __name__ == "__main__":
    unittest.main()
