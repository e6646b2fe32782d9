"""Planted bugs, each caught by a test of its module."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library")
load(
    "//autograder:course.bzl",
    "before",
    "solution_files",
    "solution_includes",
    "solutions",
    "test_cases",
    "up_to",
)

_HEADERS = "solutions_headers"
_PLANT = "//autograder/judges:plant_files"

def planted_bugs(name, module, files):
    """A test for each planted bug: the module's own tests catch it.

    Args:
      name: what the tests' names begin with, as the paths of `files` do.
      module: its struct, see //third_party:course.bzl.
      files: planted_bugs/FILE/BUG.toml, for modules/NN_name/FILE.cc.

    Returns:
      The names of the tests.
    """
    tests = []
    for path in files:
        folder, file, _ = path.split("/")
        if folder != name:
            fail("%s is not below %s" % (path, name))
        if file + ".cc" not in module.files:
            fail("%s: modules/%s/module.toml does not name %s.cc" %
                 (path, module.folder, file))
        library = "//solutions/%s:%s" % (module.folder, file)
        test = path[:-len(".toml")]
        tests.append(test)
        _planted_bug(
            name = test,
            bug = path,
            source = "%s/%s.cc" % (module.folder, file),
            solution = library + ".cc",
            includes = solution_includes(up_to(module.number)),
            deps = solutions(before(module)) + [
                other
                for other in solution_files([module])
                if other != library
            ] + test_cases([module]),
        )
    return tests

def _planted_bug(name, bug, source, solution, includes, deps):
    native.genrule(
        name = name + "_source",
        srcs = [
            bug,
            solution,
        ],
        outs = [name + ".cc"],
        cmd = ("/usr/bin/python3 -B autograder/judges/plant.py file " +
               "$(execpath %s) %s $(execpath %s) $@" % (bug, source, solution)),
        tools = [_PLANT],
    )
    cc_library(
        name = name + "_wrong",
        testonly = True,
        srcs = [name + ".cc"],
        copts = [
            "-w",  # what is wrong may well earn a warning
            "-include",
            _HEADERS + ".h",
        ],
        deps = includes + ["//autograder/judges:" + _HEADERS],
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
        srcs = ["//autograder/judges:caught_test.py"],
        args = [
            "$(rootpath %s)" % bug,
            "$(rootpath :%s_tests)" % name,
        ],
        data = [
            bug,
            ":%s_tests" % name,
        ],
        main = "//autograder/judges:caught_test.py",
        tags = ["no-sanitize"],
        deps = ["//autograder/judges:planted_bug"],
    )
