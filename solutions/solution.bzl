"""The answers of a module."""

load("@rules_cc//cc:defs.bzl", "cc_library")
load("//implementation:module.bzl", "this_module")

def solution(name, deps):
    """A library of all files that the module's students edit.

    There is one library of each file as well, by its name without .cc: with
    these //autograder/judges exchanges one file for a wrong one. The library
    `includes` is what such a wrong file may include.

    Args:
      name: the library of all.
      deps: what the files include.
    """
    module = this_module()
    files = sorted(module.files)
    native.exports_files(files, visibility = [
        "//autograder:__subpackages__",
        "//handout:__pkg__",
    ])
    native.exports_files(
        module.papers,
        visibility = ["//autograder:__subpackages__"],
    )
    cc_library(
        name = "includes",
        deps = deps,
    )
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
