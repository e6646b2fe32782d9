"""What the BUILD file of a module is written with."""

load("@course//:modules.bzl", "MODULES")
load("@rules_cc//cc:defs.bzl", "cc_library", "cc_test")

def this_module():
    """What is known of the module whose package is being loaded.

    Returns:
      its struct of MODULES, see //third_party:course.bzl.
    """
    folder = native.package_name().split("/")[-1]
    for module in MODULES:
        if module.folder == folder:
            return module
    return fail("\n".join([
        "//%s belongs to no module that Bazel knows" % native.package_name(),
        "  why: Bazel read modules/*/module.toml before the folder was there,",
        "       or modules/%s has no module.toml" % folder,
        "  fix: write that file; then: bazel sync --only=course",
    ]))

def student_library(name, deps):
    """The files that students edit, as module.toml lists them.

    Only what chooses an implementation may link them, and the build of the
    program that answers the grader's questions. Other packages can name the
    files themselves, and those that describe the module; `texts` are the sources,
    headers and pages that the programs in cli/ read.

    Args:
      name: the library.
      deps: what the files may include.
    """
    module = this_module()
    native.exports_files(module.files + [
        "README.md",
        "module.toml",
    ] + (["quiz.toml"] if module.has_quiz else []))
    native.filegroup(
        name = "texts",
        srcs = native.glob([
            "*.cc",
            "*.h",
            "README.md",
            "hints.toml",
            "module.toml",
        ]),
        visibility = [
            "//autograder/proof:__subpackages__",
            "//cli:__subpackages__",
        ],
    )
    cc_library(
        name = name,
        srcs = sorted(module.files),
        visibility = [
            "//implementation:__pkg__",
            "//autograder/worker_kit:__pkg__",
        ],
        deps = deps,
        alwayslink = True,
    )

def module_test(name, deps, size = "small", data = []):
    """A GoogleTest of the module, in <name>.cc.

    It links whichever implementation is chosen, of this module and of those
    before it. Its test cases alone are `<name>_cases`: they can be linked with
    any other implementation of the contracts.

    Args:
      name: the test, and its source without .cc.
      deps: what the test includes.
      size: how long it may take.
      data: the files it reads.
    """
    cc_library(
        name = name + "_cases",
        testonly = True,
        srcs = [name + ".cc"],
        data = data,
        visibility = ["//autograder:__subpackages__"],
        deps = deps + ["@com_google_googletest//:gtest"],
        alwayslink = True,
    )
    cc_test(
        name = name,
        size = size,
        deps = [
            ":%s_cases" % name,
            "//kit/testing:main",
        ] + [
            "//implementation:module_" + module.folder[:2]
            for module in MODULES
            if module.number <= this_module().number
        ],
    )
