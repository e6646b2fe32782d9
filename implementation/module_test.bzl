"""Tests of the modules, which link the chosen implementation."""

load("@rules_cc//cc:defs.bzl", "cc_library", "cc_test")

def module_test(name, module, deps, size = "small", data = []):
    """A GoogleTest of module number `module`, in <name>.cc.

    Its test cases alone are `<name>_cases`: they can be linked with any other
    implementation of the contracts.

    Args:
      name: the test, and its source without .cc.
      module: the number of the module; those before it are linked too.
      deps: what the test includes.
      size: how long it may take.
      data: the files it reads.
    """
    cc_library(
        name = name + "_cases",
        testonly = True,
        srcs = [name + ".cc"],
        data = data,
        deps = deps + ["@com_google_googletest//:gtest"],
        alwayslink = True,
    )
    cc_test(
        name = name,
        size = size,
        deps = [
            ":%s_cases" % name,
            "@com_google_googletest//:gtest_main",
        ] + [
            "//implementation:module_0%d" % number
            for number in range(1, module + 1)
        ],
    )
