"""What ./kvlab test runs, and what it shows of failures."""

import contextlib
import io
import pathlib
import tempfile
import unittest

from cli import course_tasks, last_results, run_tests, test_reports
from cli import test_results, test_sources


def failing(*failures):
    """The report of kv_cache_test with these failures: (test, message)."""
    return test_results.Target(
        "//modules/03_memoization:kv_cache_test",
        status="FAILED",
        tests=30,
        failures=[test_results.Failure(*each) for each in failures],
    )


def printed(target, everything=False):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        run_tests.print_failures(target, everything)
    return out.getvalue()


def of_cases(*cases):
    """The report of kv_cache_test with these cases."""
    target = test_results.Target(
        "//modules/03_memoization:kv_cache_test", status="FAILED"
    )
    test_results.add_cases(target, cases)
    return target


def stopped(end, crash=None):
    """The report of a program that did not end."""
    return of_cases(
        test_reports.Case("KvCacheTest.Resets", ["kv.cc:7\nit is full"]),
        test_reports.Case("KvCacheTest.Keeps"),
        test_reports.Case("LayerCacheTest.AppendOne"),
        crash
        or test_reports.Case(
            "LayerCacheTest.AppendX", [], end, "the last line"
        ),
    )


def all_printed(target):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        run_tests.print_targets([target])
    return out.getvalue()


class RequestTest(unittest.TestCase):
    def test_a_task_runs_its_own_tests_alone(self):
        request = run_tests.parse(["3.3", "--config=sanitize"])
        self.assertEqual(
            request.patterns, ["//modules/03_memoization:kv_cache_test"]
        )
        self.assertIn("--test_filter=LayerCacheTest.Append*", request.options)
        self.assertIn("--config=sanitize", request.options)

    def test_a_module_runs_those_before_it_as_well(self):
        self.assertEqual(
            run_tests.parse(["2"]).patterns,
            ["//modules/01_attention:all", "//modules/02_transformer:all"],
        )

    def test_a_filter_runs_the_programs_that_have_such_tests(self):
        request = run_tests.parse(["3", "--test_filter=LayerCacheTest.*"])
        self.assertEqual(
            request.patterns, ["//modules/03_memoization:kv_cache_test"]
        )

    def test_a_filter_is_for_the_module_that_is_named(self):
        request = run_tests.parse(["3", "--test_filter=*"])
        self.assertTrue(
            all("03_memoization:" in each for each in request.patterns)
        )
        passed = test_results.Target(
            "//modules/03_memoization:kv_cache_test", passed=True, tests=3
        )
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            run_tests.show(request, [passed])
        self.assertNotIn("module 1", out.getvalue())
        self.assertIn("kv_cache_test   passes   3 tests", out.getvalue())

    def test_a_filter_of_another_modules_tests_names_that_module(self):
        with self.assertRaisesRegex(
            run_tests.UsageError, r"module 1 has it: \./kvlab test 1 --test_f"
        ):
            run_tests.parse(["3", "--test_filter=SoftmaxRows*"])

    def test_a_mistyped_filter_is_an_error_that_names_what_was_meant(self):
        with self.assertRaisesRegex(
            run_tests.UsageError, r"such as SoftmaxRowsTest\."
        ):
            run_tests.parse(["1", "--test_filter=SoftmxRows*"])

    def test_what_does_not_exist_is_told_with_what_does(self):
        for word, told in (
            ("1.9", "module 1 has 1.1, 1.2, 1.3, 1.4"),
            ("7.1", "the modules are 1, 2, 3, 4"),
            ("3.10", "the grader judges it"),
        ):
            with self.subTest(word=word):
                with self.assertRaisesRegex(run_tests.UsageError, told):
                    run_tests.parse([word])

    def test_a_second_word_is_refused(self):
        with self.assertRaisesRegex(run_tests.UsageError, "'4' is neither"):
            run_tests.parse(["3", "4"])

    def test_words_of_kvlab_do_not_reach_bazel(self):
        request = run_tests.parse(["1", "--all", "--watch"])
        self.assertEqual(request.options, ["--build_tests_only"])
        self.assertTrue(request.everything)


class FailuresTest(unittest.TestCase):
    APPEND = [
        (f"LayerCacheTest.Append{i}", f"row {i} is wrong") for i in range(12)
    ]

    def test_the_clearest_failure_stands_for_its_task(self):
        text = printed(
            failing(
                ("LayerCacheDeathTest.AppendInTwoThreads", "it dies"),
                ("LayerCacheTest.AppendCombinesEveryFeature", "[0, 1, 2]"),
                ("LayerCacheTest.AppendAddsOneRow", "row 0 is wrong"),
            )
        )
        self.assertIn("LayerCacheTest.AppendAddsOneRow\n    row 0", text)
        self.assertNotIn("[0, 1, 2]", text)

    def test_one_failure_stands_for_its_task(self):
        text = printed(failing(*self.APPEND))
        self.assertIn("row 0 is wrong", text)
        self.assertNotIn("row 1 is wrong", text)
        self.assertIn("+11 more of task 3.3", text)

    def test_failures_of_another_task_are_shown_as_well(self):
        text = printed(
            failing(*self.APPEND, ("KvCacheTest.Resets", "it is not empty"))
        )
        self.assertIn("row 0 is wrong", text)
        self.assertIn("it is not empty", text)

    def test_the_first_task_comes_first(self):
        text = printed(
            failing(("KvCacheTest.Resets", "later"), *self.APPEND[:1])
        )
        self.assertLess(text.index("row 0 is wrong"), text.index("later"))

    def test_all_shows_each(self):
        text = printed(failing(*self.APPEND), everything=True)
        for i in range(12):
            self.assertIn(f"row {i} is wrong", text)

    def test_a_stub_is_told_once_for_all_that_reach_it(self):
        stub = "LayerCache::Append is not implemented yet"
        text = printed(failing(*[(name, stub) for name, _ in self.APPEND]))
        self.assertEqual(text.count(stub), 1)
        self.assertIn("and 9 more", text)

    def test_the_first_red_task_is_the_one_to_ask_about(self):
        stub = "LayerCache::Append is not implemented yet"
        red = failing(("KvCacheTest.Resets", "wrong"), *self.APPEND[:1])
        self.assertEqual(run_tests.first_red_task([red]), "3.3")
        red = failing(
            ("KvCacheTest.Resets", "wrong"), (self.APPEND[0][0], stub)
        )
        self.assertEqual(run_tests.first_red_task([red]), "3.5")
        self.assertEqual(run_tests.first_red_task([failing()]), "")

    def test_what_ran_out_of_time_has_not_crashed(self):
        for end, said in (
            (test_reports.LATE, "it was stopped in LayerCacheTest.AppendX"),
            (test_reports.CRASH, "it crashed in LayerCacheTest.AppendX"),
        ):
            with self.subTest(end):
                text = all_printed(stopped(end))
                self.assertIn(said, text)

    def test_a_crash_names_the_sanitizer_and_its_report_the_place(self):
        target = stopped(test_reports.CRASH)
        self.assertIn("--config=sanitize", all_printed(target))
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder) / "k8-opt-sanitize" / "test.log"
            log.parent.mkdir()
            log.write_text(
                "==1==ERROR: AddressSanitizer: heap-buffer-overflow on x\n"
                "READ of size 4 at 0x60 thread T0\n"
                "    #0 0x55 in kvlab::F(int) modules/a/a.cc:125\n"
                "Shadow byte legend\n",
                encoding="utf-8",
            )
            target.log = str(log)
            text = all_printed(target)
        self.assertIn("modules/a/a.cc:125, kvlab::F(int)\n", text)
        self.assertIn(f"all of it: {log}", text)
        self.assertNotIn("Shadow", text)
        self.assertNotIn("the same command", text)

    def test_of_the_first_test_none_is_counted_before_it(self):
        first = of_cases(
            test_reports.Case("KvCacheTest.Resets", [], test_reports.LATE, "")
        )
        text = all_printed(first)
        self.assertIn("ran out of time, in its first test\n", text)
        self.assertNotIn("0 of 0", text)

    def test_what_failed_before_a_crash_is_shown_and_counted(self):
        target = stopped(test_reports.CRASH)
        text = all_printed(target)
        self.assertIn("crashed; 2 of 3 tests passed before that", text)
        self.assertIn("KvCacheTest.Resets\n    kv.cc:7\n    it is full", text)
        self.assertLess(text.index("it is full"), text.index("the last line"))
        with contextlib.redirect_stdout(io.StringIO()):
            request = run_tests.Request([], [])
            self.assertEqual(run_tests.show(request, [target]), (2, 2))
        self.assertEqual(run_tests.first_red_task([target]), "3.3")

    def test_what_failed_in_a_test_before_it_crashed_is_shown(self):
        crash = test_reports.Case(
            "LayerCacheTest.AppendX",
            ["kv.cc:9\nrow 3 is wrong"],
            test_reports.CRASH,
            "the last line",
        )
        text = all_printed(stopped(test_reports.CRASH, crash))
        self.assertIn("row 3 is wrong", text)

    def test_the_failure_with_the_fewest_assertions_stands_for_its_task(self):
        random = [f"x.cc:3\nsize {n} is wrong" for n in range(80)]
        target = of_cases(
            test_reports.Case("LayerCacheTest.AppendFills", random),
            test_reports.Case("LayerCacheTest.AppendAddsOne", ["x.cc:9\n1 0"]),
        )
        text = printed(target)
        self.assertIn("AppendAddsOne\n    x.cc:9\n    1 0", text)
        self.assertNotIn("size 0 is wrong", text)

    def test_a_test_of_many_inputs_comes_after_one_of_one_input(self):
        target = of_cases(
            test_reports.Case("LayerCacheTest.AppendOfAnySize", ["x.cc:3\nno"]),
            test_reports.Case("LayerCacheTest.AppendAddsOne", ["x.cc:9\n1 0"]),
        )
        self.assertIn("AppendAddsOne\n    x.cc:9", printed(target))

    def test_a_loop_over_a_few_rows_leaves_the_order_of_the_source(self):
        few = [f"x.cc:3\nrow {n} is wrong" for n in range(8)]
        target = of_cases(
            test_reports.Case("LayerCacheTest.AppendFills", few),
            test_reports.Case("LayerCacheTest.AppendAddsOne", ["x.cc:9\n1 0"]),
        )
        self.assertIn("AppendFills\n    x.cc:3", printed(target))

    def test_an_assertion_that_fails_in_a_loop_is_shown_once(self):
        random = [f"x.cc:3\nsize {n} is wrong" for n in range(1500)]
        target = of_cases(test_reports.Case("LayerCacheTest.AppendX", random))
        text = printed(target)
        self.assertIn("size 0 is wrong", text)
        self.assertNotIn("size 1 is wrong", text)
        self.assertIn("fails 1,499 more times", text)
        self.assertIn("size 7 is wrong", printed(target, everything=True))

    def test_tests_of_tests_are_not_put_to_the_known_bugs(self):
        own = failing(("CacheTestsTest.AcceptYourCache", "your test fails"))
        own.label = "//modules/03_memoization:cache_tests_test"
        self.assertEqual(run_tests.first_red_task([own]), "")

    def test_a_long_message_is_cut_and_says_so(self):
        lines = "\n".join(f"line {i}" for i in range(100))
        text = printed(failing(("LayerCacheTest.AppendX", lines)))
        self.assertIn("line 23", text)
        self.assertNotIn("line 24", text)
        self.assertIn("76 more lines: --all", text)


class GroundTest(unittest.TestCase):
    """What a red task says of the modules below."""

    def setUp(self):
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )
        module = self.root / "modules/01_x"
        module.mkdir(parents=True)
        (module / "module.toml").write_text(
            'number = 1\ntitle = "X"\nfiles = ["x.cc"]\n', encoding="utf-8"
        )
        (module / "README.md").write_text(
            "| task | you write | target | filter | points |\n"
            "|---|---|---|---|---|\n"
            "| 1.1 | `First` | `x_test` | `'First*'` | 3 |\n",
            encoding="utf-8",
        )
        (module / "x_test.cc").write_text('#include "modules/01_x/x.h"\n')
        (module / "x.h").write_text("")
        self.source = module / "x.cc"
        self.source.write_text("int F() { return 1; }\n")

    def ran(self, *messages):
        target = test_results.Target(
            "//modules/01_x:x_test",
            cases=[test_reports.Case("FirstTest.Ones", list(messages))],
        )
        last_results.remember(
            self.root, [target], test_sources.digests(self.root), True
        )

    def test_nothing_of_what_is_green_or_was_not_tested_yet(self):
        self.assertEqual(run_tests.ground_in_doubt(3, self.root), [])
        self.ran()
        self.assertEqual(run_tests.ground_in_doubt(3, self.root), [])

    def test_a_module_below_that_was_edited_or_is_red_is_named(self):
        self.ran("x.cc:1\nwrong")
        self.assertEqual(
            run_tests.ground_in_doubt(3, self.root),
            ["module 1, x, which module 3 needs, is red: ./kvlab test 1"],
        )
        self.assertEqual(run_tests.ground_in_doubt(1, self.root), [])
        self.ran()
        self.source.write_text("int F() { return 2; }\n")
        [line] = run_tests.ground_in_doubt(2, self.root)
        self.assertIn("was edited since its last test: ./kvlab test 1", line)


class WatchTest(unittest.TestCase):
    def test_only_what_changed_is_told(self):
        label = "//modules/03_memoization:kv_cache_test"
        before = run_tests.results_of([failing(("A.B", "x"), ("A.C", "x"))])
        after = run_tests.results_of([failing(("A.C", "x"), ("A.D", "x"))])
        self.assertEqual(
            run_tests.changes(before, after),
            [f"  NEW   {label} A.D fails", f"  fixed {label} A.B"],
        )
        self.assertEqual(run_tests.changes(after, after), [])

    def test_what_does_not_build_is_one_result(self):
        target = test_results.Target("//a:b", builds=False)
        self.assertEqual(
            run_tests.results_of([target]), {"//a:b": "does not build"}
        )

    def test_every_file_of_a_student_is_watched(self):
        watched = {path.name for path in run_tests.saved_at()}
        for folder in course_tasks.modules(run_tests.ROOT).values():
            for path in course_tasks.files(folder):
                self.assertIn(path.name, watched)


if __name__ == "__main__":
    unittest.main()
