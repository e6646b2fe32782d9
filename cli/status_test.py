"""What ./kvlab status says of a task: from stubs, reports and edits."""

import contextlib
import io
import pathlib
import shutil
import tempfile
import unittest

from cli import last_results, status, test_reports, test_results
from cli import test_sources

README = """
| task | you write | target | filter | points |
|---|---|---|---|---|
| 1.1 | `First` | `x_test` | `'First*'` | 3 |
| 1.2 | `Second` | `x_test` | `'Second*'` | 2 |
| 1.3 | speed | the grader | | 4 |
"""
STUB = 'int F() {\n  throw NotImplemented("First", "module 1, task 1");\n}\n'


class StatusTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.write("modules/01_x/README.md", README)
        self.write(
            "modules/01_x/module.toml",
            'number = 1\ntitle = "X"\nfiles = ["x.cc"]\n',
        )
        self.write("modules/01_x/x_test.cc", '#include "modules/01_x/x.h"\n')
        self.write("modules/01_x/x.h", "")
        self.source = self.write("modules/01_x/x.cc", "int F() { return 1; }\n")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def ran(self, whole=False, program="x_test", **tests):
        """A run of x_test: what passed and what failed, by name."""
        cases = [
            test_reports.Case(
                name.replace("_", "Test."), [] if passed else ["wrong"]
            )
            for name, passed in tests.items()
        ]
        target = test_results.Target(f"//modules/01_x:{program}", cases=cases)
        before = test_sources.digests(self.root)
        last_results.remember(self.root, [target], before, whole)

    def edit(self, path=None):
        path = path or self.source
        path.write_text(path.read_text("utf-8") + "// edited\n", "utf-8")

    def states(self):
        tasks = next(iter(status.progress(self.root).values()))
        return [each.state for each in tasks]

    def summary(self):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status.print_summary(status.progress(self.root))
        return said.getvalue()

    def test_before_any_test_a_task_is_not_tested(self):
        self.assertEqual(
            self.states(), [status.UNTESTED, status.UNTESTED, status.GRADED]
        )

    def test_a_stub_that_is_left_is_not_begun_whatever_was_tested(self):
        self.ran(First_Adds=True, Second_Halves=False, Second_Doubles=True)
        self.source.write_text(STUB, encoding="utf-8")
        self.assertEqual(self.states()[0], status.NOT_BEGUN)

    def test_done_is_what_passed_after_the_last_edit(self):
        self.ran(First_Adds=True, Second_Halves=False, Second_Doubles=True)
        self.assertEqual(
            self.states(), [status.DONE, status.RED, status.GRADED]
        )

    def test_a_result_from_before_the_last_edit_proves_nothing(self):
        self.ran(First_Adds=True, Second_Halves=False)
        self.edit()
        self.assertEqual(self.states()[:2], [status.EDITED, status.EDITED])

    def test_an_edit_of_another_file_changes_nothing(self):
        self.write(
            "modules/01_x/module.toml",
            'number = 1\ntitle = "X"\nfiles = ["x.cc", "y.cc"]\n',
        )
        other = self.write("modules/01_x/y.cc", "int G();\n")
        self.ran(First_Adds=True, Second_Halves=False)
        self.edit(other)
        self.assertEqual(self.states()[:2], [status.DONE, status.RED])

    def test_an_edit_of_a_file_that_its_file_needs_counts(self):
        self.write(
            "modules/01_x/module.toml",
            'number = 1\ntitle = "X"\nfiles = ["x.cc", "y.cc"]\n',
        )
        self.source.write_text('#include "modules/01_x/y.h"\n', "utf-8")
        self.write("modules/01_x/y.h", "")
        other = self.write("modules/01_x/y.cc", "int G();\n")
        self.ran(First_Adds=True, Second_Halves=False)
        self.edit(other)
        self.assertEqual(self.states()[:2], [status.EDITED, status.EDITED])

    def test_a_file_that_is_saved_as_it_was_is_not_edited(self):
        self.ran(First_Adds=True, Second_Halves=False)
        text = self.source.read_text("utf-8")
        self.edit()
        self.source.write_text(text, "utf-8")
        self.assertEqual(self.states()[:2], [status.DONE, status.RED])

    def test_of_a_file_saved_while_the_tests_ran_nothing_is_known(self):
        case = test_reports.Case("FirstTest.Adds")
        label = "//modules/01_x:x_test"
        target = test_results.Target(label, cases=[case])
        before = test_sources.digests(self.root)
        self.edit()
        last_results.remember(self.root, [target], before, False)
        self.assertEqual(self.states()[0], status.EDITED)

    def test_one_test_from_before_the_edit_is_enough_to_prove_nothing(self):
        self.ran(Second_Halves=True, Second_Doubles=True)
        self.edit()
        self.ran(Second_Doubles=True)
        self.assertEqual(self.states()[1], status.EDITED)

    def test_a_red_task_names_its_first_failing_test(self):
        self.ran(First_Adds=True, Second_Halves=False, Second_Doubles=True)
        tasks = next(iter(status.progress(self.root).values()))
        self.assertEqual(tasks[1].detail, "1 of 2 tests: SecondTest.Halves")

    def test_of_a_red_task_the_next_step_names_the_ladder(self):
        self.ran(First_Adds=False)
        self.assertIn("  ./kvlab why 1.1\n", self.summary())
        self.ran(First_Adds=True)
        self.assertIn("Next: 1.2", self.summary())
        self.assertNotIn("why", self.summary())

    def test_what_was_not_run_again_keeps_its_result(self):
        self.ran(First_Adds=True, Second_Halves=False)
        self.ran(Second_Halves=True)
        self.assertEqual(self.states()[:2], [status.DONE, status.DONE])
        self.ran(Second_Halves=False)
        self.assertEqual(self.states()[:2], [status.DONE, status.RED])

    def test_a_test_that_is_gone_is_forgotten(self):
        self.ran(First_Gone=False)
        self.ran(whole=True, First_Adds=True, Second_Halves=True)
        self.assertEqual(self.states()[:2], [status.DONE, status.DONE])

    def test_a_program_that_did_not_end_forgets_nothing(self):
        self.ran(whole=True, First_Adds=True, Second_Halves=True)
        crash = test_reports.Case("FirstTest.Adds", [], test_reports.CRASH)
        target = test_results.Target(
            "//modules/01_x:x_test", cases=[crash], ended=False
        )
        now = test_sources.digests(self.root)
        last_results.remember(self.root, [target], now, True)
        self.assertEqual(self.states()[:2], [status.RED, status.DONE])

    def test_a_file_that_was_cut_off_counts_as_none(self):
        self.ran(First_Adds=True)
        path = self.root / last_results.PLACE
        path.write_text(path.read_text("utf-8")[:20], encoding="utf-8")
        self.assertEqual(self.states()[0], status.UNTESTED)

    def test_next_is_the_first_task_that_is_not_done(self):
        self.ran(First_Adds=True, Second_Halves=False, Second_Doubles=True)
        found = status.progress(self.root)
        self.assertEqual(status.next_step(found).task.number, "1.2")

    def test_next_is_a_red_task_before_one_that_was_green_before_the_edit(self):
        self.ran(First_Adds=True, Second_Halves=True)
        self.edit()
        found = status.progress(self.root)
        self.assertEqual(status.next_step(found).task.number, "1.1")
        self.ran(Second_Halves=False)
        found = status.progress(self.root)
        self.assertEqual(status.next_step(found).task.number, "1.2")

    def test_nothing_is_next_when_only_the_grader_is_left(self):
        self.ran(First_Adds=True, Second_Halves=True)
        found = status.progress(self.root)
        self.assertIsNone(status.next_step(found))


if __name__ == "__main__":
    unittest.main()
