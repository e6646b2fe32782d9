"""The ladder of ./kvlab why: what each call says, and where it goes on."""

import argparse
import contextlib
import io
import pathlib
import shutil
import tempfile
import unittest

from cli import last_results, run_tests, test_reports, test_results
from cli import test_sources
from cli.why import diagnosis, symptoms, why

README = """
| task | you write | target | filter | points |
|---|---|---|---|---|
| 1.1 | `First` | `x_test` | `'First*'` | 3 |
| 1.2 | `Second` | `x_test` | `'Second*'` | 2 |
| 1.3 | `Third` | `y_test` | `'*'` | 2 |
| 1.4 | `Fourth` | `z_test` | `'*'` | 2 |
"""
HEADER = """#include <span>

// Task 1.1. Doubles every number of the
// row, also of an empty one.
int First(int x);

// Task 1.2. Halves it.
int Second(int x);
"""
SOURCE = """int First(int x) {
  return x + x;
}
int Second(int x) { return x / 2; }
"""
STUB = '  throw NotImplemented("First", "module 1, task 1");\n'


def bug(name, function, cause, *failing):
    return diagnosis.KnownBug(
        f"01_x/x/{name}",
        1,
        function,
        "01_x/x.cc",
        cause,
        f"The title of {name}",
        f"A hint on {name}.",
        tuple(symptoms.of_failures(test, [text]) for test, text in failing),
    )


EMPTY_ROW = ("FirstTest.EmptyRow", "x.cc:1\nValue of: f()\n  Actual: false")
LONG_ROW = ("FirstTest.LongRow", "x.cc:2\nValue of: g()\n  Actual: false")
ODD = ("SecondTest.Odd", "x.cc:3\nValue of: h()\n  Actual: false")
CATALOGUE = diagnosis.Catalogue(
    (
        bug("empty", "First", "boundary", EMPTY_ROW),
        bug("long", "First", "size", LONG_ROW),
        bug("odd", "Second", "rounding", ODD),
    ),
    {
        name: {"says": f"The general word on {name}.", "tests": word}
        for name, word in (
            ("boundary", "Empty"),
            ("size", "Long"),
            ("rounding", "Odd"),
        )
    },
    {
        "01_x/x.h": {
            "First": {
                "any": "Doubles every number of the row",
                "boundary": "of the row, also of an empty one.",
            },
            "Second": {"any": "Halves it."},
        }
    },
)


class WhyTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.write("modules/01_x/README.md", README)
        self.write(
            "modules/01_x/module.toml",
            'number = 1\ntitle = "X"\nfiles = ["x.cc", "z.cc"]\n',
        )
        self.write("modules/01_x/x.h", HEADER)
        self.write("modules/01_x/x.cc", SOURCE)
        self.write("modules/01_x/z.h", "")
        self.write("modules/01_x/z.cc", "")
        for program, header in (("x", "x"), ("y", "x"), ("z", "z")):
            self.write(
                f"modules/01_x/{program}_test.cc",
                f'#include "modules/01_x/{header}.h"\n',
            )

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def ran(self, cases, program, whole):
        target = test_results.Target(f"//modules/01_x:{program}", cases=cases)
        before = test_sources.digests(self.root)
        last_results.remember(self.root, [target], before, whole)

    def last_run(
        self,
        *failing,
        passing=("FirstTest.One", "SecondTest.One"),
        program="x_test",
    ):
        """A run of all tests: what passed, and (test, message)."""
        cases = [test_reports.Case(test) for test in passing]
        cases += [test_reports.Case(test, [text]) for test, text in failing]
        self.ran(cases, program, True)

    def remembered(self, *passing, failing=(), program="x_test"):
        """A run of some tests, which leaves the others as they were."""
        cases = [test_reports.Case(test) for test in passing]
        cases += [test_reports.Case(test, ["wrong"]) for test in failing]
        self.ran(cases, program, False)

    def stopped_in(self, test, last_lines, end=test_reports.CRASH):
        self.ran([test_reports.Case(test, [], end, last_lines)], "x_test", True)

    def why(self, what="1", first=False, known=CATALOGUE, calls=1):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            for call in range(calls):
                status = why.explain(
                    self.root,
                    argparse.Namespace(
                        what=what, first=call == 0 and (first or calls > 1)
                    ),
                    known,
                )
                self.assertEqual(status, 0)
        return said.getvalue()

    def test_each_call_says_a_little_more(self):
        self.last_run(EMPTY_ROW)
        self.assertIn(
            "1 of 3 tests of module 1 fails. FirstTest.EmptyRow:", self.why()
        )
        self.assertIn("Look at First, in modules/01_x/x.cc:1", self.why())
        self.assertIn(
            "modules/01_x/x.h:3 promises:\n"
            '  "of the row, also of an empty one."',
            self.why(),
        )
        self.assertIn(
            "The title of empty. A hint on empty.", " ".join(self.why().split())
        )

    def test_numbers_are_those_of_the_test_and_factors_are_named(self):
        message = (
            "x.cc:1\nThe difference between f(1) and g(1) is 10, which exceeds "
            "t, where\nf(1) evaluates to {},\ng(1) evaluates to {}, and\n"
            "t evaluates to 0.01."
        )
        for actual, expected, said in (
            ("1113", "1123", "f(1) is 1113 where 1123 is expected.\n"),
            ("1113", "2226", "where 2226 is expected, 0.5 times as much."),
            ("2", "1", "f(1) is 2 where 1 is expected.\n"),
        ):
            with self.subTest(actual=actual, expected=expected):
                self.last_run(
                    ("FirstTest.EmptyRow", message.format(actual, expected))
                )
                said_now = self.why(first=True)
                self.assertIn(said.strip(), " ".join(said_now.split()))
                self.assertEqual("times" in said_now, "times" in said)

    def test_of_an_equality_it_gives_the_expression(self):
        for left in ("table.Misses()", "f(1, 2)[0]", "law.factor / factor"):
            with self.subTest(left):
                text = (
                    f"x.cc:1\nExpected equality of these values:\n  {left}\n"
                    "    Which is: 120\n  5U * 31 - 1\n    Which is: 154"
                )
                self.last_run(("FirstTest.EmptyRow", text))
                self.assertIn(
                    f"FirstTest.EmptyRow: {left} is 120 where 154 is expected.",
                    " ".join(self.why(first=True).split()),
                )

    def test_of_an_element_it_names_the_tensor(self):
        text = (
            "x.cc:1\nValue of: Same(cache.Values(), right)\n  Actual: false "
            "(element [0, 1] of [2, 3] is nan, expected 0.5)"
        )
        self.last_run(("FirstTest.EmptyRow", text))
        self.assertIn(
            "element [0, 1] of cache.Values() is nan where 0.5 is expected.",
            " ".join(self.why().split()),
        )

    def test_of_another_relation_it_gives_that(self):
        text = (
            "x.cc:1\nExpected: (Hash(a)) != (Hash(b)), actual: "
            "17159606423141592653 vs 17159606423141592653"
        )
        self.last_run(("FirstTest.EmptyRow", text))
        self.assertIn(
            "Hash(a) is 17159606423141592653 where anything but "
            "17159606423141592653 (Hash(b)) is expected.",
            " ".join(self.why().split()),
        )

    def test_an_error_of_the_library_is_explained_and_debug_is_named(self):
        text = (
            'unknown file\nC++ exception with description "bad_function_call" '
            "thrown in the test body."
        )
        self.last_run(("FirstTest.EmptyRow", text))
        said = " ".join(self.why().split())
        self.assertIn("throws an error ('bad_function_call'). A std::f", said)
        self.assertIn("./kvlab debug 1 'FirstTest.EmptyRow'", said)

    def test_a_command_is_on_a_line_of_its_own(self):
        test = "FirstTest." + "Very" * 20 + "Long"
        self.stopped_in(test, "")
        self.assertIn(f"\n  ./kvlab debug 1 '{test}'\n", self.why())

    def test_a_crash_is_explained_and_debug_is_named(self):
        self.stopped_in(
            "X/FirstTest.EmptyRow/3", "line 9: 7 Segmentation fault"
        )
        said = " ".join(self.why().split())
        self.assertIn("the program crashes in it. Memory is touched", said)
        self.assertIn("./kvlab debug 1 'X/FirstTest.EmptyRow/*'", said)

    def test_of_what_does_not_end_it_says_how_to_find_the_loop(self):
        self.stopped_in("FirstTest.EmptyRow", "", test_reports.LATE)
        said = " ".join(self.why().split())
        self.assertIn("it does not end in time. A loop in it never", said)
        self.assertIn("./kvlab debug 1 'FirstTest.EmptyRow'", said)
        self.assertNotIn("It stops there", said)

    def test_where_no_numbers_differ_it_gives_the_reason_of_the_assertion(self):
        for text, said in (
            (
                "Value of: f(1)\n  Actual: false (head: 12 is not 24)",
                "FirstTest.EmptyRow: head: 12 is not 24.",
            ),
            (
                "Value of: f(1)\nExpected: two\n  Actual: { 3, 0 }, which "
                "differs",
                "FirstTest.EmptyRow: f(1) is { 3, 0 }, which differs; "
                "expected: two.",
            ),
            (
                "Value of: f(1).has_value()\n  Actual: true\nExpected: false\n"
                "your test Rejects fails",
                "f(1).has_value() is true where false is expected: your test "
                "Rejects fails",
            ),
        ):
            with self.subTest(text):
                self.last_run(("FirstTest.EmptyRow", "x.cc:1\n" + text))
                self.assertIn(said, " ".join(self.why(first=True).split()))

    def test_of_a_process_of_its_own_it_gives_the_last_words(self):
        text = (
            "x.cc:1\nDeath test: f()\n    Result: died but not with expected "
            "exit code:\n            Exited with exit status 1\nActual msg:\n"
            "[  DEATH   ] f() threw nothing\n[  DEATH   ] \n"
        )
        self.last_run(("FirstTest.EmptyRow", text))
        self.assertIn(
            "a process that it starts fails (f() threw nothing).",
            " ".join(self.why().split()),
        )

    def test_no_rung_gives_away_the_next(self):
        self.last_run(EMPTY_ROW)
        first = self.why()
        self.assertNotIn("x.cc", first)
        self.assertNotIn("promises", first + self.why())

    def test_the_top_of_the_ladder_says_so(self):
        self.last_run(EMPTY_ROW)
        for _ in range(6):
            last = self.why()
        self.assertIn("That is all that I know", last)
        self.assertIn("fails. FirstTest.EmptyRow", self.why(first=True))

    def test_other_failures_begin_at_the_first_rung(self):
        self.last_run(EMPTY_ROW)
        self.why()
        self.last_run(LONG_ROW)
        self.assertIn("fails. FirstTest.LongRow", self.why())

    def test_the_same_failures_go_on_after_another_run(self):
        self.last_run(EMPTY_ROW)
        self.why()
        self.last_run(EMPTY_ROW)
        self.assertIn("Look at First", self.why())

    def test_another_bug_in_the_same_tests_begins_at_the_first_rung(self):
        other = (EMPTY_ROW[0], "x.cc:1\nValue of: f()\n  Actual: true")
        known = diagnosis.Catalogue(
            CATALOGUE.bugs + (bug("filled", "First", "size", other),),
            CATALOGUE.causes,
            CATALOGUE.contracts,
        )
        self.last_run(EMPTY_ROW)
        self.why(known=known, calls=4)
        self.last_run(other)
        self.assertIn("fails. FirstTest.EmptyRow", self.why(known=known))

    def test_lines_that_moved_do_not_begin_the_ladder_again(self):
        self.last_run(EMPTY_ROW)
        self.why()
        self.write("modules/01_x/x.cc", "\n\n" + SOURCE)
        self.assertIn("x.cc:3", self.why())
        self.write("modules/01_x/x.cc", SOURCE)
        self.assertIn("promises", self.why())

    def test_a_task_has_a_ladder_of_its_own(self):
        self.last_run(EMPTY_ROW, ODD)
        self.why("1.1")
        self.assertIn("1 of 2 tests of task 1.2 fails.", self.why("1.2"))
        self.assertIn("Look at Second", self.why("1.2"))

    def test_a_bug_that_would_fail_tests_that_passed_before_is_not_named(self):
        known = diagnosis.Catalogue(
            (
                bug("empty", "First", "boundary", EMPTY_ROW),
                bug("long", "First", "size", LONG_ROW),
                bug("both", "First", "boundary", EMPTY_ROW, LONG_ROW, ODD),
            ),
            CATALOGUE.causes,
            CATALOGUE.contracts,
        )

        for task, program in (("1.2", "x_test"), ("1.3", "y_test")):
            with self.subTest(task):
                self.last_run(ODD, passing=[], program=program)
                self.remembered(
                    failing=["FirstTest.EmptyRow", "FirstTest.LongRow"]
                )
                said = self.why(task, known=known, calls=4)
                self.assertIn("The title of both.", said)
                self.remembered("FirstTest.EmptyRow", "FirstTest.LongRow")
                said = self.why(task, known=known, calls=4)
                self.assertNotIn("The title of both.", said)

    def test_a_later_task_that_passed_before_the_edit_proves_nothing(self):
        self.remembered("SecondTest.Odd", "SecondTest.One")
        self.write("modules/01_x/x.cc", SOURCE + "// edited\n")
        scope = why.scope_named(self.root, "1.1")
        self.assertEqual(why.passed_elsewhere(self.root, scope), set())
        scope = why.scope_named(self.root, "1.3")
        self.assertEqual(
            why.passed_elsewhere(self.root, scope),
            {"SecondTest.Odd", "SecondTest.One"},
        )

    def test_without_a_word_it_takes_the_first_red_task(self):
        self.last_run(ODD)
        self.assertIn("1 of 2 tests of task 1.2 fails", self.why(what=None))

    def test_without_a_word_a_task_that_was_edited_since_comes_later(self):
        self.last_run(ODD)
        self.last_run(("FourthTest.Reads", "z.cc:1\nwrong"), program="z_test")
        self.write("modules/01_x/x.cc", SOURCE + "// edited\n")
        self.assertIn("of task 1.4 fails", self.why(what=None))
        self.write("modules/01_x/z.cc", "// edited\n")
        self.assertIn("of task 1.2 fails", self.why(what=None))

    def test_a_task_keeps_its_result_when_another_one_is_tested(self):
        self.last_run(EMPTY_ROW, passing=["SecondTest.Odd"])
        self.remembered("SecondTest.One", "SecondTest.Odd")
        self.assertIn("FirstTest.EmptyRow", self.why("1.1"))
        self.assertIn("of task 1.1", self.why(what=None, first=True))
        self.remembered("FirstTest.EmptyRow", failing=["SecondTest.Odd"])
        self.assertIn("task 1.2", self.why(what=None))

    def test_what_failed_before_an_edit_gives_way_to_what_fails_after_it(self):
        self.last_run(EMPTY_ROW, LONG_ROW)
        self.write("modules/01_x/x.cc", SOURCE + "// edited\n")
        self.remembered(failing=["FirstTest.LongRow"])
        said = self.why()
        self.assertIn("1 of 1 test of module 1 fails. FirstTest.LongRow", said)
        self.assertNotIn("You have edited", said)

    def test_where_it_does_not_know_and_at_its_end_it_names_the_trace(self):
        self.last_run(
            ("FirstTest.Strange", "x.cc:1\nValue of: s()\n  Actual: true")
        )
        self.assertIn('./kvlab trace "ROMEO:"', self.why(calls=4))
        self.last_run(EMPTY_ROW)
        said = [self.why() for _ in range(4)]
        self.assertNotIn("trace", "".join(said[:3]))
        self.assertIn("./kvlab trace", said[3])

    def test_the_trace_does_not_reach_later_modules(self):
        for folder, traced in (("03_x", True), ("04_x", False)):
            scope = why.Scope(pathlib.Path(folder))
            self.assertEqual(why.trace(scope) != "", traced)

    def test_what_fails_like_no_known_bug_is_not_explained(self):
        self.last_run(
            ("FirstTest.Strange", "x.cc:1\nValue of: s()\n  Actual: true")
        )
        said = self.why(calls=4)
        self.assertIn("I do not know this one", said)
        self.assertIn("./kvlab debug 1 'FirstTest.Strange'", said)
        self.assertIn("./kvlab hint 1.1", self.why("1.1", calls=4))

    def test_of_what_it_does_not_know_it_names_the_function_and_its_promise(
        self,
    ):
        self.last_run(
            ("SecondTest.Strange", "x.cc:1\nValue of: s()\n  Actual: true")
        )
        self.why()
        self.assertIn("Look at Second, in modules/01_x/x.cc:4", self.why())
        self.assertIn('x.h:7 promises:\n  "Halves it."', self.why())
        self.assertIn("I do not know this one", self.why())

    def test_where_no_known_bug_fits_it_says_so_and_names_the_cause(self):
        text = "x.cc:1\nValue of: s()\n  Actual: true"
        self.last_run(
            ("FirstTest.RowThatIsEmpty", text), passing=["FirstTest.EmptyRow"]
        )
        said = " ".join(" ".join(self.why() for _ in range(4)).split())
        self.assertIn("No known bug fails quite like this", said)
        self.assertIn("The general word on boundary.", said)
        self.assertNotIn("The title of", said)

    def test_a_students_own_tests_are_not_put_down_to_a_known_bug(self):
        own = ("RowTestsTest.AcceptYourRow", "y.cc:1\nyour test fails")
        self.last_run(own)
        self.assertIn("RowTestsTest.AcceptYourRow", self.why())
        self.assertIn("These judge the tests that you wrote", self.why())
        self.last_run(own, EMPTY_ROW)
        self.assertIn("1 of 4 tests of module 1 fails", self.why())
        self.assertIn("Look at First", self.why())

    def test_a_stub_is_nothing_to_explain(self):
        self.write("modules/01_x/x.cc", f"int First(int x) {{\n{STUB}}}\n")
        self.last_run(
            ("FirstTest.EmptyRow", "First is not implemented yet"),
        )
        self.assertIn("task 1.1 is not written yet: First", self.why("1.1"))
        self.assertIn("no test of module 1 fails, except for 1", self.why("1"))

    # A file that does not build has run no test, and so has no new result.
    def test_what_was_green_before_an_edit_is_tested_again(self):
        self.last_run()
        self.write("modules/01_x/x.cc", SOURCE + "does not build\n")
        said = self.why()
        self.assertIn("no test of module 1 failed when they last ran", said)
        self.assertIn("\n  ./kvlab test 1\n", said)

    def test_green_and_untested_are_nothing_to_explain(self):
        self.assertIn("no test has run yet", self.why(what=None))
        self.assertIn("there is no result for task 1.1 yet", self.why("1.1"))
        self.last_run()
        self.assertIn("no test of module 1 fails", self.why())

    def test_an_edit_since_the_run_is_mentioned(self):
        self.last_run(EMPTY_ROW)
        self.assertNotIn("You have edited", self.why())
        self.write("modules/01_x/x.cc", SOURCE + "// edited\n")
        self.assertIn("You have edited since", self.why())
        self.write("modules/01_x/x.cc", SOURCE)  # as it was
        self.assertNotIn("You have edited since", self.why())

    def test_a_task_that_is_not_there_is_refused(self):
        for word in ("7", "1.9", "First"):
            with self.subTest(word):
                with self.assertRaises(run_tests.UsageError):
                    self.why(word)


if __name__ == "__main__":
    unittest.main()
