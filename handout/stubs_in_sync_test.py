"""Checks that the committed stubs match the solutions, and what is true of all.

Called with the stubs just cut, as stubs/NN_module/name.cc, one for each file
that a module.toml names; the committed ones are in modules/.
"""

import difflib
import pathlib
import re
import sys
import unittest

from cli import course_tasks, reset

CUT = {}  # "NN_module/name.cc": the generated stub
MODULES = pathlib.Path("modules")


class StubsInSyncTest(unittest.TestCase):
    def test_every_committed_stub_is_the_one_its_solution_makes(self):
        self.assertTrue(CUT)
        differences = ""
        for name, cut in sorted(CUT.items()):
            committed = MODULES / name
            differences += "".join(
                difflib.unified_diff(
                    committed.read_text(encoding="utf-8").splitlines(True),
                    cut.read_text(encoding="utf-8").splitlines(True),
                    fromfile=str(committed),
                    tofile="generated from the solution",
                )
            )
        if differences:
            self.fail(
                f"stubs differ from those made from solutions/\n{differences}"
                "\n  why: stubs are generated, and edited only in solutions/"
                "\n  fix: edit the solution, then run ./handout/make_stubs"
            )

    def test_a_todo_says_the_purpose_in_one_sentence(self):
        for name, cut in CUT.items():
            for todo in re.findall(
                r"// TODO\(.*(?:\n\s*//.*)*", cut.read_text(encoding="utf-8")
            ):
                self.assertRegex(todo, r"\A[^.\n]*\d\.\d+\): [^.\n]*\.\Z", name)

    def test_reset_knows_the_function_of_every_stub(self):
        for name, cut in CUT.items():
            text = cut.read_text(encoding="utf-8")
            found = [
                each
                for function in reset.functions(text)
                for each in course_tasks.open_functions(function.text)
            ]
            self.assertEqual(found, course_tasks.open_functions(text), name)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        path = pathlib.Path(argument)
        CUT["/".join(path.parts[-2:])] = path
    unittest.main(argv=sys.argv[:1])
