"""Planted bugs, each caught by a test of the module it stands in."""

load("@course//:modules.bzl", "MODULES")
load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library")
load(
    "//autograder:course.bzl",
    "before",
    "solution_files",
    "solution_includes",
    "solutions",
    "test_cases",
)

def knockouts(name):
    """A test for each knockout, NN_name/file/bug.toml in this package.

    Args:
      name: a suite of them all.
    """
    modules = {module.folder: module for module in MODULES}
    tests = []
    for path in native.glob(["*/*/*.toml"]):
        folder, file, bug = path[:-len(".toml")].split("/")
        if folder not in modules:
            fail("%s: there is no module in modules/%s" % (path, folder))
        module = modules[folder]
        if file + ".cc" not in module.files:
            fail("%s: modules/%s/module.toml does not name %s.cc" %
                 (path, folder, file))
        library = "//solutions/%s:%s" % (folder, file)
        test = "%s/%s/%s" % (folder, file, bug)
        tests.append(test)
        _knockout(
            name = test,
            knockout = path,
            solution = library + ".cc",
            deps = solutions(before(module)) + [
                other
                for other in solution_files([module])
                if other != library
            ] + test_cases([module]),
        )
    native.test_suite(
        name = name,
        tests = tests,
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
        deps = solution_includes(),
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
