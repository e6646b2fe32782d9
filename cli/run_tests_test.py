"""What ./kvlab test runs, and what it shows of failures."""

import contextlib
import io
import tempfile
import unittest

from cli import course_tasks, run_tests, test_results


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
        with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
            log.write("[ RUN      ] LayerCacheTest.AppendX\n")
            log.flush()
            for status, said in (
                ("TIMEOUT", "it was stopped in LayerCacheTest.AppendX"),
                ("FAILED", "it crashed in LayerCacheTest.AppendX"),
            ):
                with self.subTest(status):
                    target = failing()
                    target.status, target.log = status, log.name
                    out = io.StringIO()
                    with contextlib.redirect_stdout(out):
                        run_tests.print_targets([target])
                    self.assertIn(said, out.getvalue())

    def test_a_long_message_is_cut_and_says_so(self):
        lines = "\n".join(f"line {i}" for i in range(100))
        text = printed(failing(("LayerCacheTest.AppendX", lines)))
        self.assertIn("line 23", text)
        self.assertNotIn("line 24", text)
        self.assertIn("76 more lines: --all", text)


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
