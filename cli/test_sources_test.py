"""Which files a result depends on, in the course as it is."""

import pathlib
import tempfile
import unittest

from cli import course_tasks, test_sources

ROOT = pathlib.Path.cwd()


def names_of(label):
    return {
        f"{path.parent.name[:2]}/{path.name}"
        for path in test_sources.files_of(ROOT, label)
    }


class FilesTest(unittest.TestCase):
    """Of the course: whatever a student's file includes comes on top."""

    def test_what_a_file_needs_counts(self):
        self.assertLessEqual(
            {"03/kv_cache.cc", "02/gpt2.cc", "02/layers.cc", "01/attention.cc"},
            names_of("//modules/03_memoization:cached_attention_test"),
        )

    def test_every_task_depends_on_a_file_of_its_module(self):
        for task in course_tasks.read(ROOT):
            if task.target:
                with self.subTest(task.number):
                    module = f"{task.folder[:2]}/"
                    self.assertTrue(
                        any(each[:3] == module for each in names_of(task.label))
                    )

    def test_every_file_of_a_student_is_tested(self):
        tested = {
            path
            for folder in course_tasks.modules(ROOT).values()
            for label in course_tasks.labels(folder)
            for path in test_sources.files_of(ROOT, label)
        }
        for folder in course_tasks.modules(ROOT).values():
            self.assertLessEqual(set(course_tasks.files(folder)), tested)


class OwnFilesTest(unittest.TestCase):
    """Of a course in which each file is known."""

    def setUp(self):
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )
        for name, text in {
            "module.toml": 'files = ["a.cc", "b.cc", "c.cc"]\n',
            "a_test.cc": '#include "modules/01_x/a.h"\n',
            "a.h": "#include <span>\n",
            "a.cc": '#include "modules/01_x/a.h"\n#include "modules/01_x/b.h"',
            "b.h": '#include "modules/01_x/given.h"\n',
            "b.cc": '#include "modules/01_x/b.h"\n',
            "given.h": "",
            "given.cc": "",
            "c.h": "",
            "c.cc": '// #include "modules/01_x/a.h"\n',
        }.items():
            self.write(name, text)

    def write(self, name, text):
        path = self.root / "modules/01_x" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def digest(self):
        return test_sources.digest(self.root, "//modules/01_x:a_test")

    def test_they_are_the_students_that_its_headers_lead_to(self):
        found = test_sources.files_of(self.root, "//modules/01_x:a_test")
        self.assertEqual([path.name for path in found], ["a.cc", "b.cc"])

    def test_the_digest_is_of_them_and_of_the_test(self):
        before = self.digest()
        self.write("c.cc", "int c;\n")
        self.assertEqual(self.digest(), before)
        for name in ("a.cc", "b.cc", "a_test.cc"):
            with self.subTest(name):
                before = self.digest()
                path = self.root / "modules/01_x" / name
                self.write(name, path.read_text("utf-8") + "int more;\n")
                self.assertNotEqual(self.digest(), before)

    def test_a_file_that_is_gone_is_another(self):
        before = self.digest()
        (self.root / "modules/01_x/b.cc").unlink()
        self.assertNotEqual(self.digest(), before)


if __name__ == "__main__":
    unittest.main()
