"""What the folder of a judge declares: judges/NN_name for modules/NN_name."""

load("@course//:modules.bzl", "MODULES")
load("@rules_cc//cc:defs.bzl", "cc_library")
load(":planted_bugs.bzl", "planted_bugs")

def judge(name):
    """The rubric of this folder's module, and a test for each planted bug.

    Declares :rubric, every .toml of the folder; :planted_bugs, the files
    planted_bugs/FILE/BUG.toml, for modules/NN_name/FILE.cc; and :contracts, the
    sentences of the headers that they break.

    Args:
      name: a suite of the tests.
    """
    folder = native.package_name().split("/")[-1]
    modules = [module for module in MODULES if module.folder == folder]
    if not modules:
        fail("autograder/judges/%s judges no module: there is no modules/%s" %
             (folder, folder))
    native.filegroup(
        name = "rubric",
        srcs = native.glob(["*.toml"]),
    )
    files = native.glob(["planted_bugs/*/*.toml"])
    native.filegroup(
        name = "planted_bugs",
        srcs = files,
    )
    native.filegroup(
        name = "contracts",
        srcs = native.glob(["planted_bugs/contracts.toml"]),
    )
    native.test_suite(
        name = name,
        tests = planted_bugs(
            name = "planted_bugs",
            module = modules[0],
            files = files,
        ),
    )

def operations(srcs, deps):
    """The library :operations: the requests that the module answers.

    It includes contracts only: whether a student's code or the solutions
    answer is decided by what a program links.

    Args:
      srcs: its sources; each registers its own.
      deps: what they include, beside what those of every module do.
    """
    cc_library(
        name = "operations",
        srcs = srcs,
        deps = deps + [
            "//autograder/exam:arguments",
            "//autograder/exam:kit_operations",
            "//autograder/machine/protocol:operation",
            "//autograder/machine/protocol:value",
        ],
        alwayslink = True,
    )

def checks(srcs, deps):
    """The library :checks: the checks that the rubric may name.

    Args:
      srcs: its sources; each registers its own.
      deps: what they include, beside what those of every module do.
    """
    cc_library(
        name = "checks",
        srcs = srcs,
        deps = deps + [
            "//autograder/exam:check",
            "//autograder/exam:difference",
            "//autograder/exam:exam",
            "//autograder/exam:tiers",
            "//autograder/machine/checker:endpoint",
            "//autograder/machine/protocol:value",
            "//kit/testing:all_pairs",
            "@fmt",
        ],
        alwayslink = True,
    )
