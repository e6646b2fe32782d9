"""What is honest for the grader passes the tests of the modules as well."""

load("@rules_cc//cc:defs.bzl", "cc_library", "cc_test")
load(
    "//autograder:course.bzl",
    "solution_files",
    "solution_includes",
    "test_cases",
)

def honest_tests(name, cases):
    """For each case a test: all tests of all modules pass with it.

    A file of tests may not pass for reasons of its own, such as a way to count
    allocations that two cannot use at once; such cases are not listed.

    Args:
      name: what the tests' names begin with, NAME_CASE.
      cases: by the name of a file in cases/honest without .toml, the one source
        that it edits, "01_attention/attention".
    """
    for case, edited in cases.items():
        target = name + "_" + case
        library = "//solutions/" + edited.replace("/", ":")
        source = library + ".cc"
        if library not in solution_files():
            fail("%s edits %s.cc, which is not a solution" % (case, edited))
        native.genrule(
            name = target + "_source",
            srcs = [
                "cases/honest/%s.toml" % case,
                source,
            ],
            outs = [target + ".cc"],
            cmd = ("/usr/bin/python3 -B autograder/judges/plant.py file " +
                   "$(execpath cases/honest/%s.toml) %s.cc " % (case, edited) +
                   "$(execpath %s) $@" % source),
            tools = ["//autograder/judges:plant_files"],
        )
        cc_library(
            name = target + "_solution",
            testonly = True,
            srcs = [target + ".cc"],
            copts = ["-w"],  # an oddity may well earn a warning
            deps = solution_includes() + ["//kit/math:work"],
            alwayslink = True,
        )
        cc_test(
            name = target,
            size = "large",  # each module's whole test, with code that is slow
            # Busy machines are several times as slow.
            shard_count = 4,
            tags = ["no-sanitize"],
            deps = test_cases() + [
                ":%s_solution" % target,
                "@com_google_googletest//:gtest_main",
            ] + [
                other
                for other in solution_files()
                if other != library
            ],
        )
