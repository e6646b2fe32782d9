"""The answers of a module."""

load("@rules_cc//cc:defs.bzl", "cc_library")

def solution(name, files, deps):
    """A library of all `files`, and one of each by its name without .cc.

    With the latter, //autograder/knockouts exchanges one file for a wrong one.

    Args:
      name: the library of all.
      files: the sources; stubs are cut from them.
      deps: what they include.
    """
    native.exports_files(files, visibility = [
        "//autograder:__subpackages__",
        "//handout:__pkg__",
    ])
    for file in files:
        cc_library(
            name = file[:-len(".cc")],
            srcs = [file],
            deps = deps,
            alwayslink = True,
        )
    cc_library(
        name = name,
        deps = [":" + file[:-len(".cc")] for file in files],
    )
