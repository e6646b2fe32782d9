"""What ./kvlab status says of a task: from stubs, reports and edits."""

import os
import pathlib
import shutil
import tempfile
import unittest

from cli import status

README = """
| task | you write | target | filter | points |
|---|---|---|---|---|
| 1.1 | `First` | `x_test` | `'First*'` | 3 |
| 1.2 | `Second` | `x_test` | `'Second*'` | 2 |
| 1.3 | speed | the grader | | 4 |
"""
REPORT = """<testsuites><testsuite>
<testcase name="Adds" classname="FirstTest" status="run"/>
<testcase name="Halves" classname="SecondTest" status="run">
  <failure message="wrong"/></testcase>
<testcase name="Doubles" classname="SecondTest" status="run"/>
<testcase name="Slow" classname="FirstTest" status="notrun"/>
</testsuite></testsuites>"""
STUB = 'int F() {\n  throw NotImplemented("First", "module 1, task 1");\n}\n'


class StatusTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.logs = self.root / "logs"
        self.write("modules/01_x/README.md", README)
        self.write(
            "modules/01_x/module.toml",
            'number = 1\ntitle = "X"\nfiles = ["x.cc"]\n',
        )
        self.write("modules/01_x/x_test.cc", "")
        self.source = self.write("modules/01_x/x.cc", "int F() { return 1; }\n")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def report(self, text, seconds_after_the_edit):
        path = self.write("logs/modules/01_x/x_test/test.xml", text)
        time = self.source.stat().st_mtime + seconds_after_the_edit
        os.utime(path, (time, time))

    def states(self):
        (tasks,) = status.progress(self.root, self.logs).values()
        return [each.state for each in tasks]

    def test_before_any_test_a_task_is_not_tested(self):
        self.assertEqual(
            self.states(), [status.UNTESTED, status.UNTESTED, status.GRADED]
        )

    def test_a_stub_that_is_left_is_not_begun_whatever_was_tested(self):
        self.report(REPORT, 1)
        self.source.write_text(STUB, encoding="utf-8")
        self.assertEqual(self.states()[0], status.NOT_BEGUN)

    def test_done_is_what_passed_after_the_last_edit(self):
        self.report(REPORT, 1)
        self.assertEqual(
            self.states(), [status.DONE, status.RED, status.GRADED]
        )

    def test_a_result_from_before_the_last_edit_proves_nothing(self):
        self.report(REPORT, -1)
        self.assertEqual(self.states()[:2], [status.EDITED, status.EDITED])

    def test_a_red_task_names_its_first_failing_test(self):
        self.report(REPORT, 1)
        (tasks,) = status.progress(self.root, self.logs).values()
        self.assertEqual(tasks[1].detail, "1 of 2 tests: SecondTest.Halves")

    def test_a_report_that_was_cut_off_counts_as_none(self):
        self.report(REPORT[:90], 1)
        self.assertEqual(self.states()[0], status.UNTESTED)

    def test_next_is_the_first_task_that_is_not_done(self):
        self.report(REPORT, 1)
        found = status.progress(self.root, self.logs)
        self.assertEqual(status.next_step(found).task.number, "1.2")

    def test_nothing_is_next_when_only_the_grader_is_left(self):
        self.report(
            REPORT.replace('<failure message="wrong"/>', ""),
            1,
        )
        found = status.progress(self.root, self.logs)
        self.assertIsNone(status.next_step(found))


if __name__ == "__main__":
    unittest.main()
