"""A task's stub comes back; all else in the file stays, and nothing is lost."""

import datetime
import pathlib
import shutil
import tempfile
import unittest
from unittest import mock

from cli import course_tasks, reset

STUBS = """#include <x.h>
namespace kvlab {
namespace {
int Given(int a) { return a; }
}  // namespace

int First(int a,
          int b) {
  Check(a);
  // TODO(1.1): add
  throw NotImplemented("First", "module 1, task 1");
}

int Second() {
  // TODO(1.2): more
  throw NotImplemented("Second", "module 1, task 2");
}

int Second(int) {
  // TODO(1.2): the same
  throw NotImplemented("Second", "module 1, task 2");
}

}  // namespace kvlab
"""

MINE = """#include <x.h>
#include <mine.h>
namespace kvlab {
namespace {
int Helper() {
  return 1;
}
}  // namespace

int First(int a, int b) {
  if (a) {
    return b;
  }
  return a;
}

int Second() {
  return Helper();
}

int Second(int) { return 2; }

}  // namespace kvlab
"""

NOW = datetime.datetime(2027, 1, 15, 9, 30, 1)


class WithStubTest(unittest.TestCase):
    def test_only_the_functions_of_the_task_change(self):
        text, heads = reset.with_stub(MINE, STUBS, "1.1")
        self.assertEqual(heads, ["int First(int a, int b)"])
        self.assertIn("TODO(1.1)", text)
        self.assertNotIn("if (a)", text)
        self.assertIn("return Helper();", text)
        self.assertIn("#include <mine.h>", text)

    def test_overloads_of_one_name_are_told_apart(self):
        text, heads = reset.with_stub(MINE, STUBS, "1.2")
        self.assertEqual(heads, ["int Second()", "int Second(int)"])
        self.assertEqual(len(course_tasks.open_functions(text)), 2)
        self.assertTrue(text.endswith("}\n\n}  // namespace kvlab\n"))

    def test_a_function_that_is_not_there_is_not_guessed(self):
        renamed = MINE.replace("int First(", "int MyFirst(")
        with self.assertRaisesRegex(
            reset.ResetError, "no functions 'int First"
        ):
            reset.with_stub(renamed, STUBS, "1.1")


class ResetTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.file = self.root / "modules/01_x/x.cc"
        self.file.parent.mkdir(parents=True)
        self.file.write_text(MINE, encoding="utf-8")
        (self.file.parent / "module.toml").write_text(
            'number = 1\ntitle = "X"\nfiles = ["x.cc"]\n', encoding="utf-8"
        )
        stubs = self.root / ".stubs/01_x/x.cc"
        stubs.parent.mkdir(parents=True)
        stubs.write_text(STUBS, encoding="utf-8")
        patched = mock.patch.object(reset, "ROOT", self.root)
        patched.start()
        self.addCleanup(patched.stop)

    def test_the_file_is_kept_as_it_was(self):
        said = reset.reset("1.1", NOW)
        copy = self.root / "saved/01_x/x-2027-01-15-09.30.01.cc"
        self.assertEqual(copy.read_text(encoding="utf-8"), MINE)
        self.assertIn("TODO(1.1)", self.file.read_text(encoding="utf-8"))
        self.assertIn("saved/01_x/x-2027-01-15-09.30.01.cc", said[1])

    def test_a_second_reset_changes_nothing(self):
        reset.reset("1.1", NOW)
        self.assertIn("still its stub", reset.reset("1.1", NOW)[0])

    def test_a_second_copy_in_a_second_has_a_name_of_its_own(self):
        reset.reset("1.1", NOW)
        once_reset = self.file.read_text(encoding="utf-8")
        reset.reset("1.2", NOW)
        copies = self.root / "saved/01_x"
        for name, text in (("", MINE), ("-2", once_reset)):
            copy = copies / f"x-2027-01-15-09.30.01{name}.cc"
            self.assertEqual(copy.read_text(encoding="utf-8"), text)

    def test_an_unknown_task_changes_nothing(self):
        for task in ("1.9", "7.1", "E.1", "x"):
            with self.assertRaises(reset.ResetError):
                reset.reset(task, NOW)
        self.assertEqual(self.file.read_text(encoding="utf-8"), MINE)


if __name__ == "__main__":
    unittest.main()
