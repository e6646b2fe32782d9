"""tidy.py: sources that are checked together, without losing one."""

import pathlib
import shutil
import tempfile
import unittest
from unittest import mock

from third_party.lint import tidy

COURSE = tidy.ROOT


def entry(name, *words):
    return {"file": name, "arguments": ["gcc", "-std=c++20", *words, "-c"]}


def collides(*names):
    """A compiler that finds one name in all of `names`."""

    def compiled(unit):
        found = [each for each in unit.sources if each in names]
        return (found[1:], "redefined", []) if len(found) > 1 else ([], "", [])

    return compiled


def units_of(entries, **texts):
    """Of sources with these texts, by the name without folder and ending."""
    return tidy.units_of(
        entries, lambda name: texts.get(pathlib.Path(name).stem, "")
    )


class UnitsTest(unittest.TestCase):
    def test_a_unit_has_the_headers_of_all_its_sources(self):
        (unit,) = units_of(
            [
                entry("kit/a.cc", "-isystem", "x", "-O3", "-Wall"),
                entry("kit/b.cc", "-isystem", "x", "-iquote", "y"),
            ]
        )
        self.assertEqual(unit.sources, ["kit/a.cc", "kit/b.cc"])
        self.assertEqual(
            unit.options,
            [("-std=c++20",), ("-isystem", "x"), ("-iquote", "y")],
        )

    def test_rooms_are_apart_and_so_are_values_of_a_macro(self):
        units = units_of(
            [
                entry("kit/a.cc", "-DSIZE=1"),
                entry("modules/b.cc"),
                entry("kit/c.cc", "-DSIZE=2"),
                entry("kit/d.cc", "-DCOUNTED"),
            ]
        )
        self.assertEqual(
            [unit.sources for unit in units],
            [["kit/a.cc", "kit/d.cc"], ["kit/c.cc"], ["modules/b.cc"]],
        )

    def test_sources_that_define_one_name_are_apart(self):
        units = units_of(
            [entry(f"kit/{name}.cc") for name in "abcd"],
            a="namespace {\nstd::vector<int> Sizes(int n) {\n}\n",
            b="constexpr int kSizes = 3;\nstruct Sizes {\n};\n",
            c="TEST(SizesTest, Add) {\n  const int kSizes = 4;\n}\n",
            d="TEST(SizesTest, Subtract) {\n  Sizes(2);\n}\n",
        )
        self.assertEqual(
            [unit.sources for unit in units],
            [["kit/a.cc", "kit/c.cc", "kit/d.cc"], ["kit/b.cc"]],
        )

    def test_of_two_programs_each_has_its_main(self):
        self.assertEqual(
            tidy.names_of("#include <x>\nint main(int n, char** a) {\n}\n"),
            tidy.names_of("using ::testing::Each;\nBENCHMARK_MAIN();\n"),
        )

    def test_no_unit_is_longer_than_the_longest(self):
        names = [f"kit/{n}.cc" for n in range(2 * tidy.LONGEST + 1)]
        units = units_of([entry(name) for name in names])
        self.assertEqual(
            [len(unit.sources) for unit in units],
            [tidy.LONGEST, tidy.LONGEST, 1],
        )
        self.assertEqual(
            [name for unit in units for name in unit.sources], names
        )


class DividedTest(unittest.TestCase):
    def test_sources_that_collide_are_checked_apart(self):
        unit = tidy.Unit(["a", "b", "c", "d"])
        parts = tidy.divided(unit, collides("a", "c", "d"))
        self.assertEqual(
            [part.sources for part, _ in parts], [["a", "b"], ["c"], ["d"]]
        )

    def test_an_error_that_names_no_source_divides_the_unit_in_two(self):
        def compiled(unit):
            return (
                ([], "in a header", [])
                if len(unit.sources) > 2
                else ([], "", [])
            )

        parts = tidy.divided(tidy.Unit(["a", "b", "c", "d", "e"]), compiled)
        self.assertEqual(
            [part.sources for part, _ in parts], [["a", "b"], ["c"], ["d", "e"]]
        )

    def test_a_source_that_does_not_compile_alone_is_an_error(self):
        with self.assertRaisesRegex(tidy.LintError, "b does not compile"):
            tidy.divided(
                tidy.Unit(["a", "b"]),
                lambda unit: (["b"] * ("b" in unit.sources), "b:1:1", [])
                if "b" in unit.sources
                else ([], "", []),
            )


class CheckTest(unittest.TestCase):
    """With clang-tidy itself, in a folder of two sources."""

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        for name, value in (("ROOT", self.root), ("PASSED", self.root)):
            change = mock.patch.object(tidy, name, value)
            change.start()
            self.addCleanup(change.stop)
        for name in tidy.CONFIGS:
            (self.root / name).parent.mkdir(exist_ok=True)
            shutil.copy(COURSE / ".clang-tidy", self.root / name)
        (self.root / "kit").mkdir()
        self.write("a.h", "inline int Half(int x) { return x / 2; }\n")
        self.write("a.cc", '#include "kit/a.h"\nint A() { return Half(4); }\n')
        self.write("b.cc", '#include "kit/a.h"\nint B() { return Half(6); }\n')

    def write(self, name, text):
        (self.root / "kit" / name).write_text(text, encoding="utf-8")

    def said(self):
        unit = tidy.Unit(
            ["kit/a.cc", "kit/b.cc"], [("-std=c++20",), (f"-I{self.root}",)]
        )
        return tidy.check(unit, b"")

    def test_nothing_is_said_of_sources_that_are_fine(self):
        self.assertEqual(self.said(), "")

    def test_a_fault_is_named_by_file_and_line_wherever_it_is(self):
        fault = "int bad_name() { return 1; }\n"
        for name in ("a.cc", "b.cc", "a.h"):
            with self.subTest(name):
                self.setUp()
                text = (self.root / "kit" / name).read_text(encoding="utf-8")
                self.write(name, text + fault.replace("int", "inline int"))
                line = text.count("\n") + 1
                said = self.said()
                self.assertIn(f"kit/{name}:{line}:", said)
                self.assertIn("bad_name", said)

    def test_a_unit_that_passed_is_checked_again_if_a_header_changes(self):
        self.said()
        with mock.patch.object(tidy, "OWN_INCLUDE") as again:
            self.assertEqual(self.said(), "")
            again.sub.assert_not_called()
        self.write("a.h", "int Half(int x); int bad_name();\n")
        self.assertIn("kit/a.h:1:", self.said())

    def test_names_that_collide_are_both_checked(self):
        collide = (
            "namespace { const int kSize = 3; }\n"
            "int bad_%s() { return kSize; }\n"
        )
        self.write("a.cc", collide % "a")
        self.write("b.cc", collide % "b")
        said = self.said()
        self.assertIn("bad_a", said)
        self.assertIn("bad_b", said)


if __name__ == "__main__":
    unittest.main()
