"""Every task has three hints, no hint is code, and each call goes on."""

import contextlib
import io
import pathlib
import tempfile
import unittest
from unittest import mock

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


class LevelsTest(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        state = pathlib.Path(folder) / ".kvlab/hints.json"
        self.enterContext(mock.patch.object(hint, "STATE", state))

    def hint(self, *words):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            with mock.patch("sys.argv", ["hint", *words]):
                self.assertEqual(hint.main(), 0)
        return out.getvalue()

    def test_each_call_goes_on(self):
        for level in ("a question", "the idea", "the steps", "the steps"):
            self.assertIn(f"Task 1.2, {level}:", self.hint("1.2"))

    def test_a_task_has_levels_of_its_own(self):
        self.hint("1.2")
        self.assertIn("Task 1.3, a question:", self.hint("1.3"))

    def test_a_level_is_shown_again_and_changes_nothing(self):
        self.hint("1.2")
        self.hint("1.2")
        self.assertIn("Task 1.2, a question:", self.hint("1.2", "1"))
        self.assertIn("Task 1.2, the steps:", self.hint("1.2"))

    def test_it_says_how_to_go_on_and_how_to_go_back(self):
        self.assertIn("More, the idea: ./kvlab hint 1.2\n", self.hint("1.2"))
        self.assertIn("./kvlab hint 1.2 LEVEL", self.hint("1.2", "3"))

    def test_a_level_that_is_given_counts_as_shown(self):
        self.hint("1.2", "2")
        self.assertIn("Task 1.2, the steps:", self.hint("1.2"))

    def test_a_file_that_was_cut_off_counts_as_none(self):
        self.hint("1.2")
        hint.STATE.write_text('{"1.2"', encoding="utf-8")
        self.assertIn("Task 1.2, a question:", self.hint("1.2"))


if __name__ == "__main__":
    unittest.main()
