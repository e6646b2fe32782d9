"""Fuzz targets: one source, for libFuzzer and for a test."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_test")

def fuzz_target(name, src, deps):
    """An entry LLVMFuzzerTestOneInput and its corpus, in corpus/NAME.

    NAME_fuzzer is built by autograder/proof/fuzz/run.py with --config=fuzz; NAME_test
    replays the corpus, and damages it, with any compiler.

    Args:
      name: what it reads
      src: the source of the entry
      deps: what the entry needs
    """
    cc_binary(
        name = name + "_fuzzer",
        testonly = True,
        srcs = [src],
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = deps + [":entry"],
    )
    cc_test(
        name = name + "_test",
        size = "small",
        srcs = [
            "replay_test.cc",
            src,
        ],
        data = native.glob(["corpus/%s/*" % name]),
        local_defines = ["KVLAB_CORPUS=\\\"autograder/proof/fuzz/corpus/%s\\\"" % name],
        deps = deps + [
            ":entry",
            ":mutation",
            "@com_google_googletest//:gtest_main",
        ],
    )
