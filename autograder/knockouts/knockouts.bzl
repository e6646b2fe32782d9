"""Planted bugs, each caught by a test of the module it stands in."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library")

# What a solution may include.
_SOLUTION_DEPS = [
    "//kit:copy",
    "//kit:error",
    "//kit:linear_algebra",
    "//kit:reductions",
    "//kit:student_t",
    "//kit:threads",
    "//kit:vector_math",
    "//modules/01_attention:contract",
    "//modules/02_transformer:contract",
    "//modules/03_memoization:contract",
    "//modules/04_profiling:contract",
]

def knockouts(name, files, tests, before):
    """A test for each knockout in the folder of a module.

    Args:
      name: the folder, "NN_name".
      files: the module's sources without .cc.
      tests: the module's tests.
      before: the solutions of the modules that it stands on.
    """
    for path in native.glob([name + "/*/*.toml"]):
        _, file, bug = path[:-len(".toml")].split("/")
        if file not in files:
            fail("%s: there is no %s.cc in %s" % (path, file, name))
        _knockout(
            name = "%s/%s/%s" % (name, file, bug),
            knockout = path,
            solution = "//solutions/%s:%s.cc" % (name, file),
            deps = before + [
                "//solutions/%s:%s" % (name, other)
                for other in files
                if other != file
            ] + [
                "//modules/%s:%s_cases" % (name, test)
                for test in tests
            ],
        )

def _knockout(name, knockout, solution, deps):
    native.genrule(
        name = name + "_source",
        srcs = [
            knockout,
            solution,
        ],
        outs = [name + ".cc"],
        cmd = "/usr/bin/python3 -B $(execpath knockout.py) $(SRCS) $@",
        tools = ["knockout.py"],
    )
    cc_library(
        name = name + "_wrong",
        testonly = True,
        srcs = [name + ".cc"],
        copts = ["-w"],  # what is wrong may well earn a warning
        deps = _SOLUTION_DEPS,
        alwayslink = True,
    )
    cc_binary(
        name = name + "_tests",
        testonly = True,
        deps = deps + [
            ":%s_wrong" % name,
            "@com_google_googletest//:gtest_main",
        ],
    )
    native.py_test(
        name = name,
        size = "small",
        srcs = ["caught_test.py"],
        args = [
            "$(rootpath %s)" % knockout,
            "$(rootpath :%s_tests)" % name,
        ],
        data = [
            knockout,
            ":%s_tests" % name,
        ],
        main = "caught_test.py",
        tags = ["no-sanitize"],
        deps = [":knockout"],
    )
