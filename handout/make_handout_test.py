"""Tests the files that are changed for the handout."""

import unittest

from handout import make_handout


class MakeHandoutTest(unittest.TestCase):
    def test_ships_what_students_need(self):
        for name in (
            "kvlab",
            "BUILD",
            "VERSION",
            ".gitattributes",
            "kit/tensor/tensor.h",
            "modules/01_a/a_test.cc",
            "handout/submit.py",
            "third_party/setup",
            "lab/lab.cc",
            "lab/page/page.css",
            "book/write_book.mjs",
            "book/course.json",
            "quiz/quiz.cc",
            "docs/theory.md",
        ):
            self.assertTrue(make_handout.is_shipped(name), name)

    def test_keeps_what_is_the_courses_own(self):
        for name in (
            "solutions/01_a/a.cc",
            "autograder/rubric.toml",
            "course.bazelrc",
            "handout/make_handout.py",
            "README.md",
            "cli/demo/demo.cc",
            "third_party/lint/check",
            ".ci/run",
            "lab/test/lab_test.py",
            "lab/page/check",
            "book/check",
            "book/staff.json",
            "docs/instructor.md",
            "docs/grader.md",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            ".github/ISSUE_TEMPLATE/a.md",
        ):
            self.assertFalse(make_handout.is_shipped(name), name)

    def test_docs_name_no_command_that_students_lack(self):
        self.assertEqual(
            make_handout.students_docs(
                "Words.\nMade by `bazel run //docs:figures`.\n\n```sh\n"
                "./kvlab demo\n./kvlab lab\n```\n"
            ),
            "Words.\n\n```sh\n./kvlab lab\n```\n",
        )

    def test_installs_only_what_builds(self):
        self.assertEqual(
            make_handout.students_packages(
                "# Head\n\n[build]\ng++  # compiler\n\n[grade]\nbwrap  # no\n"
                "\n[contest]\nbwrap  # yes\n\n[lab]\npen  # draws\n"
                "\n[golden]\ntorch  # computes\n"
            ),
            "# Head\n\n[build]\ng++  # compiler\n\n[contest]\nbwrap  # yes\n"
            "\n[lab]\npen  # draws\n"
            "\n[golden]\ntorch  # computes\n",
        )


if __name__ == "__main__":
    unittest.main()
