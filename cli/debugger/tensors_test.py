"""Runs gdb on a small program, and reads what it prints of tensors."""

import pathlib
import subprocess
import unittest

HERE = pathlib.Path("cli/debugger")


def gdb(*commands):
    """What gdb prints for these commands, where Stop() was called."""
    words = ["gdb", "--quiet", "--nx", "--batch"]
    for command in (
        f"source {HERE / 'tensors.py'}",
        "break Stop",
        "run",
        "up",
        *commands,
    ):
        words.append(f"--eval-command={command}")
    run = subprocess.run(
        [*words, HERE / "shown"], capture_output=True, text=True, check=False
    )
    return run.stdout + run.stderr


class TensorsTest(unittest.TestCase):
    def printed(self, expression, *before):
        text = gdb(*before, f"print {expression}")
        lines = [line for line in text.splitlines() if line[:2] == "$1"]
        self.assertEqual(len(lines), 1, text)
        return lines[0].removeprefix("$1 = ")

    def test_a_tensor_has_its_shape_and_its_numbers(self):
        self.assertEqual(
            self.printed("digits"),
            "[2, 1, 3] {{{0.5, 1.5, 2.5}}, {{3.5, 4.5, unset}}}",
        )

    def test_a_view_is_read_with_its_own_strides(self):
        self.assertEqual(
            self.printed("view"), "[1, 2, 1, 2] {{{{0, 1}}, {{4, 5}}}}"
        )

    def test_a_matrix_is_a_tensor_of_two_axes(self):
        self.assertEqual(
            self.printed("rows"), "[2, 3] {{0.5, 1.5, 2.5}, {3.5, 4.5, unset}}"
        )

    def test_token_ids_are_numbers_too(self):
        self.assertEqual(self.printed("tokens"), "[2, 2] {{7, 8}, {9, 10}}")

    def test_a_long_axis_is_cut_where_the_window_ends(self):
        self.assertEqual(
            self.printed("wide"), "[1, 9] {{1, 1, 1, 1, 1, 1, ...}}"
        )
        self.assertEqual(
            self.printed("wide", "window 2"), "[1, 9] {{1, 1, ...}}"
        )

    def test_rows_of_a_cache_that_were_never_written_are_unset(self):
        text = self.printed("cache")
        self.assertIn("past_len 0 of 4", text)
        self.assertIn("keys_ = [1, 1, 4, 2] {{{{unset, unset}", text)

    def test_a_window_of_nothing_is_refused(self):
        self.assertIn("from 1", gdb("window 0"))

    def test_ours_is_silent_when_the_program_has_ended(self):
        text = gdb("delete", "continue", "ours")
        self.assertIn("exited normally", text)
        self.assertNotIn("Traceback", text)


if __name__ == "__main__":
    unittest.main()
