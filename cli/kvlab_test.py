"""Tests the script ./kvlab in a small stand-in for the project."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BAZEL = """#!/bin/bash
[ "$1" = info ] && echo "$FOLDER/built" || echo "bazel $*" >>"$FOLDER/calls"
"""
# Like the real one, it keeps what it builds below HOME.
BAZEL_AT_HOME = """#!/bin/bash
built=$HOME/bazel/built
case $1 in
  info) echo "$built" ;;
  build)
    mkdir -p "$built/cli"
    printf '#!/bin/bash\\necho "%s" >>"$FOLDER/calls"\\n' "$built" \
      >"$built/cli/generate"
    chmod +x "$built/cli/generate" ;;
esac
"""
PROGRAM = """#!/bin/bash
{ pwd; printf '<%s>' "$@"; } >>"$FOLDER/calls"
"""
SETUP = """#!/bin/bash
echo "setup $*" >>"$FOLDER/calls"
"""


class KvlabTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp()).resolve()
        self.addCleanup(shutil.rmtree, self.folder)
        self.script = self.folder / "project" / "kvlab"
        self.write("project/third_party/setup", SETUP)
        self.write("project/modules/03_memoization/module.toml", "")
        self.write("project/cli/bench.py", "")
        self.write("project/handout/submit.py", "")
        self.write("project/lab/run", PROGRAM)
        self.write("project/lab/page/package.json", "")
        self.write("project/book/write_book.mjs", "")
        self.write("bin/bazel", BAZEL)
        self.write("built/cli/generate", PROGRAM)
        for name in "kvlab", "VERSION":
            self.write(
                f"project/{name}",
                pathlib.Path(name).read_text(encoding="utf-8"),
            )

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def kvlab(self, *words, cwd="/", **environment):
        return subprocess.run(
            [self.script, *words],
            cwd=cwd,
            capture_output=True,
            encoding="utf-8",
            check=False,
            env={
                "PATH": f"{self.folder}/bin:/usr/bin:/bin",
                "HOME": str(self.folder),
                "FOLDER": str(self.folder),
            }
            | environment,
        )

    def calls(self):
        path = self.folder / "calls"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def verbs(self):
        run = self.kvlab()
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        return [line.split()[0] for line in run.stdout.splitlines()[1:]]

    def assertRefused(self, words, *arguments):
        run = self.kvlab(*arguments)
        self.assertEqual((run.returncode, run.stdout), (2, ""))
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        self.assertIn(words, run.stderr)
        self.assertEqual(self.calls(), "")

    def test_the_handout_has_the_students_verbs(self):
        self.assertEqual(
            self.verbs(),
            [
                "setup",
                "generate",
                "test",
                "book",
                "bench",
                "lab",
                "quiz",
                "submit",
            ],
        )

    def test_the_course_has_all_verbs(self):
        for name in [
            "cli/contest/BUILD",
            "cli/demo/BUILD",
            "autograder/proof/mutate/BUILD",
            "compare/BUILD",
            "handout/make_handout.py",
        ]:
            self.write(f"project/{name}", "")
        self.assertEqual(
            self.verbs(),
            [
                "setup",
                "demo",
                "generate",
                "test",
                "book",
                "bench",
                "lab",
                "contest",
                "compare",
                "grade",
                "class",
                "calibrate",
                "graderlab",
                "fuzz",
                "mutate",
                "handout",
                "quiz",
                "submit",
            ],
        )

    def test_what_would_stop_a_build_is_told_before_anything_begins(self):
        self.write(
            "project/cli/doctor.py",
            "import sys\n"
            "print('PROBLEM', *sys.argv[2:], file=sys.stderr)\n"
            "sys.exit(1)\n",
        )
        run = self.kvlab("generate", "x")
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertEqual(run.stderr, "PROBLEM --quick\n")
        self.assertEqual(self.calls(), "")

    def test_the_machine_is_checked_again_if_setup_brought_a_bazel(self):
        self.write(
            "project/third_party/setup",
            '#!/bin/bash\ncp "$FOLDER/bin/bazel" "$FOLDER/debian/bazel"\n',
        )
        self.write(
            "project/cli/doctor.py",
            "import os, sys\n"
            "sys.exit(os.path.exists(os.environ['FOLDER'] + '/debian/bazel'))",
        )
        (self.folder / "debian").mkdir()
        path = f"{self.folder}/bin:{self.folder}/debian:/usr/bin:/bin"
        run = self.kvlab("generate", "x", PATH=path)
        self.assertEqual((run.returncode, self.calls()), (1, ""))

    def test_a_home_may_move_between_runs(self):
        self.write("bin/bazel", BAZEL_AT_HOME)
        for name in ["first", "second"]:
            home = self.folder / name
            home.mkdir()
            run = self.kvlab("generate", "x", HOME=str(home))
            self.assertEqual(run.returncode, 0, run.stderr)
            shutil.rmtree(home)
        self.assertEqual(
            self.calls().replace("setup build\n", ""),
            f"{self.folder}/first/bazel/built\n"
            f"{self.folder}/second/bazel/built\n",
        )

    def test_a_home_that_cannot_be_written_is_replaced(self):
        self.write("bin/bazel", BAZEL_AT_HOME)
        temporary = self.folder / "temporary"
        temporary.mkdir()
        for home in ["", "/nonexistent"]:
            with self.subTest(home):
                run = self.kvlab(
                    "generate", "x", HOME=home, TMPDIR=str(temporary)
                )
                self.assertEqual(run.returncode, 0, run.stderr)
                self.assertIn(
                    f"{temporary}/kvlab-home-{os.getuid()}/bazel/built\n",
                    self.calls(),
                )
                (self.folder / "calls").unlink()

    def test_prints_the_version_of_the_course(self):
        run = self.kvlab("--version")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertRegex(run.stdout, r"\Akvlab \d{4}\.[12](\.\d+)?\n\Z")
        self.assertEqual(self.calls(), "")

    def test_other_verbs_are_refused(self):
        self.assertRefused("there is no verb 'frobnicate'", "frobnicate")
        self.assertRefused("there is no verb 'grade'", "grade", "x")
        self.assertRefused("there is no verb 'test.*'", "test.*")

    def test_a_module_that_is_not_there_is_refused_at_once(self):
        for word in ["9", "2", "x", "33", "03_memoization"]:
            with self.subTest(word):
                for verb in "test", "bench":
                    self.assertRefused(
                        f"there is no module '{word}'", verb, word
                    )

    def test_a_program_gets_the_users_words_in_the_users_folder(self):
        where = self.folder / "else where"
        where.mkdir()
        run = self.kvlab("generate", "a  b", "", "--tokens", "3", cwd=where)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("setup build\n", self.calls())
        self.assertIn("bazel build --config=quiet", self.calls())
        self.assertTrue(
            self.calls().endswith(
                f"{where}\n<--model>"
                f"<{self.folder}/project/models/shakespeare-gpt2>"
                "<a  b><><--tokens><3>"
            ),
            self.calls(),
        )

    def test_the_laboratory_gets_its_program_and_the_users_words(self):
        where = self.folder / "else where"
        where.mkdir()
        run = self.kvlab("lab", "--out", "a b", cwd=where)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertTrue(
            self.calls().endswith(
                f"{where}\n<{self.folder}/built/lab/lab>"
                f"<--model><{self.folder}/project/models/shakespeare-gpt2>"
                f"<--text><{self.folder}/project/kit/testdata/tinyshakespeare/"
                "input.txt><--out><a b>"
            ),
            self.calls(),
        )

    def test_works_through_a_link(self):
        link = self.folder / "link"
        link.symlink_to(self.script)
        self.script = link
        self.assertEqual(self.kvlab("generate", "x").returncode, 0)

    def test_setup_takes_more_groups(self):
        self.write("project/autograder/BUILD", "")
        self.kvlab("setup", "lint")
        self.assertEqual(self.calls(), "setup build grade lab lint --tell\n")

    def test_setup_brings_what_the_contest_needs(self):
        self.write("project/cli/contest/BUILD", "")
        self.kvlab("setup")
        self.assertIn("setup build lab contest --tell\n", self.calls())

    def test_setup_fetches_what_the_lab_and_the_book_are_made_with(self):
        self.write(
            "project/third_party/npm_packages",
            '#!/bin/bash\necho "npm ${1##*/}" >>"$FOLDER/calls"; exit 1\n',
        )
        run = self.kvlab("setup")
        self.assertEqual(run.returncode, 0)
        self.assertIn("./kvlab lab will try again", run.stderr)
        self.assertIn("./kvlab book will try again", run.stderr)
        self.assertEqual(
            self.calls(), "setup build lab --tell\nnpm page\nnpm book\n"
        )

    def test_a_task_is_tested_where_a_module_may_be(self):
        self.write(
            "project/cli/run_tests.py",
            "import os, sys\n"
            "open(os.environ['FOLDER'] + '/calls', 'a').write(sys.argv[1])\n",
        )
        self.assertEqual(self.kvlab("test", "3.4").returncode, 0)
        self.assertEqual(self.calls(), "setup build\n3.4")

    def test_all_tests_bring_the_debugger_that_some_of_them_start(self):
        self.write("project/cli/run_tests.py", "")
        self.kvlab("test")
        self.assertEqual(self.calls(), "setup build desk\n")


if __name__ == "__main__":
    unittest.main()
