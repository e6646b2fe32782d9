"""What is honest for the grader passes the tests of the modules as well."""

load("@rules_cc//cc:defs.bzl", "cc_library", "cc_test")

# What a solution may include.
_SOLUTION_DEPS = [
    "//kit:copy",
    "//kit:error",
    "//kit:linear_algebra",
    "//kit:reductions",
    "//kit:student_t",
    "//kit:threads",
    "//kit:vector_math",
    "//kit:work",
    "//modules/01_attention:contract",
    "//modules/02_transformer:contract",
    "//modules/03_memoization:contract",
    "//modules/04_profiling:contract",
]

def honest_tests(name, cases, solutions, tests):
    """For each case a test: all tests of all modules pass with it.

    A file of tests may not pass for reasons of its own, such as a way to count
    allocations that two cannot use at once; such cases are not listed.

    Args:
      name: what the tests' names begin with, NAME_CASE.
      cases: by the name of a file in cases/honest without .toml, the one source
        that it edits, "01_attention/attention".
      solutions: all sources of the solutions, named likewise.
      tests: the libraries of test cases.
    """
    for case, edited in cases.items():
        if edited not in solutions:
            fail("%s edits %s, which is no solution" % (case, edited))
        target = name + "_" + case
        module, file = edited.split("/")
        native.genrule(
            name = target + "_source",
            srcs = [
                "cases/honest/%s.toml" % case,
                "//solutions/%s:%s.cc" % (module, file),
            ],
            outs = [target + ".cc"],
            cmd = ("/usr/bin/python3 -B $(execpath apply_case.py) " +
                   "$(execpath cases/honest/%s.toml) %s.cc " % (case, edited) +
                   "$(execpath //solutions/%s:%s.cc) $@" % (module, file)),
            tools = ["apply_case.py"],
        )
        cc_library(
            name = target + "_solution",
            testonly = True,
            srcs = [target + ".cc"],
            copts = ["-w"],  # an oddity may well earn a warning
            deps = _SOLUTION_DEPS,
            alwayslink = True,
        )
        cc_test(
            name = target,
            size = "medium",
            tags = ["no-sanitize"],
            deps = tests + [
                ":%s_solution" % target,
                "@com_google_googletest//:gtest_main",
            ] + [
                "//solutions/%s:%s" % tuple(other.split("/"))
                for other in solutions
                if other != edited
            ],
        )
