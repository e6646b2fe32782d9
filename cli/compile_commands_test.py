"""compile_commands.json: what editors get from Bazel's actions."""

import pathlib
import shutil
import tempfile
import unittest

from cli import compile_commands

PLACES = {"external/": "/base/external/", "bazel-out/": "/exec/bazel-out/"}
ARGUMENTS = [
    "/usr/bin/gcc",
    "-Wall",
    "-MD",
    "-MF",
    "bazel-out/k8-opt/x.d",
    "-frandom-seed=bazel-out/k8-opt/x.o",
    "-iquote",
    ".",
    "-isystem",
    "external/xtensor/include",
    "-isystem",
    "bazel-out/k8-opt/bin/external/xtensor",
    "-fno-canonical-system-headers",
    "-c",
    "modules/01_x/x.cc",
    "-o",
    "bazel-out/k8-opt/x.o",
]


class CompileCommandsTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.write("modules/01_x/x.cc", "int x;")
        self.write("modules/01_x/BUILD", "cc_library()")
        self.write(".bazelrc", "build -O2")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def test_an_entry_has_the_options_that_matter_to_a_reader(self):
        made = compile_commands.entry(ARGUMENTS, self.root, PLACES)
        self.assertEqual(made["directory"], str(self.root))
        self.assertEqual(made["file"], "modules/01_x/x.cc")
        self.assertEqual(
            made["arguments"],
            [
                "/usr/bin/gcc",
                "-Wall",
                "-iquote",
                ".",
                "-isystem",
                "/base/external/xtensor/include",
                "-isystem",
                "/exec/bazel-out/k8-opt/bin/external/xtensor",
                "-c",
                "modules/01_x/x.cc",
            ],
        )

    def test_a_source_that_is_not_in_the_tree_has_none(self):
        for source in ("external/gtest/gtest.cc", "bazel-out/a.cc", "no.cc"):
            arguments = ["gcc", "-c", source]
            self.assertIsNone(
                compile_commands.entry(arguments, self.root, PLACES)
            )

    def test_a_source_that_is_compiled_twice_has_one(self):
        graph = {"actions": [{"arguments": ARGUMENTS}] * 2}
        found = compile_commands.entries(graph, self.root, PLACES)
        self.assertEqual(len(found), 1)

    def test_it_is_stale_when_a_build_file_or_an_option_changes(self):
        def is_stale():
            return compile_commands.is_stale(self.root)

        self.assertTrue(is_stale())
        self.write(compile_commands.DATABASE, "[]")
        self.write(compile_commands.STAMP, compile_commands.stamp_of(self.root))
        self.assertFalse(is_stale())
        self.write("modules/01_x/x.cc", "int y;")
        self.assertFalse(is_stale())
        for name, text in (
            (".bazelrc", "build -O3"),
            ("modules/01_x/BUILD", "cc_binary()"),
            ("modules/02_y/module.toml", "number = 2"),
        ):
            with self.subTest(name=name):
                self.write(name, text)
                self.assertTrue(is_stale())
                self.write(
                    compile_commands.STAMP,
                    compile_commands.stamp_of(self.root),
                )

    def test_it_is_stale_when_it_was_removed(self):
        self.write(compile_commands.STAMP, compile_commands.stamp_of(self.root))
        self.assertTrue(compile_commands.is_stale(self.root))
        self.write(compile_commands.DATABASE, "[]")
        self.assertFalse(compile_commands.is_stale(self.root))

    def test_what_bazel_made_does_not_make_it_stale(self):
        before = compile_commands.stamp_of(self.root)
        self.write("bazel-bin/a/BUILD", "x")
        self.write(".kvlab/BUILD", "x")
        self.assertEqual(compile_commands.stamp_of(self.root), before)


if __name__ == "__main__":
    unittest.main()
