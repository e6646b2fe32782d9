"""No program complains when its output is read no further, as in `| head`."""

import os
import pathlib
import signal
import subprocess
import sys
import unittest

# Arguments with which each prints something, whatever the state of the course.
PROGRAMS = {
    "doctor.py": ["--help"],
    "hint.py": ["--help"],
    "reset.py": ["--help"],
    "status.py": [],
    "why/why.py": ["--help"],
}

ON_STDERR_ALONE = ("compile_commands.py",)


class PipesTest(unittest.TestCase):
    def test_a_program_ends_without_a_word(self):
        for program, arguments in PROGRAMS.items():
            with self.subTest(program):
                read, write = os.pipe()
                os.close(read)
                run = subprocess.run(
                    [sys.executable, "-B", f"cli/{program}", *arguments],
                    stdout=write,
                    stderr=subprocess.PIPE,
                    text=True,
                    check=False,
                )
                os.close(write)
                self.assertEqual(run.stderr, "")
                self.assertEqual(run.returncode, -signal.SIGPIPE)

    def test_no_program_was_left_out(self):
        for path in pathlib.Path("cli").glob("**/*.py"):
            text = path.read_text(encoding="utf-8")
            is_program = "__main__" in text and not path.stem.endswith("_test")
            if is_program and path.name not in ON_STDERR_ALONE:
                with self.subTest(path):
                    self.assertRegex(text, "end_when_no_longer_read|SIGPIPE")


if __name__ == "__main__":
    unittest.main()
