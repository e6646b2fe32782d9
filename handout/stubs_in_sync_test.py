"""Checks that the committed stubs match the solutions.

Called with the stubs just cut, as stubs/NN_module/name.cc, one for each file
that a module.toml names; the committed ones are in modules/.
"""

import difflib
import pathlib
import sys
import unittest

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


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        path = pathlib.Path(argument)
        CUT["/".join(path.parts[-2:])] = path
    unittest.main(argv=sys.argv[:1])
