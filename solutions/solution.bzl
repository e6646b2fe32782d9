"""The answers of a module."""

load("@rules_cc//cc:defs.bzl", "cc_library")
load("//implementation:module.bzl", "this_module")

def solution(name, deps):
    """A library of all files that the module's students edit.

    There is one library of each file as well, by its name without .cc: with
    these //autograder/judges exchanges one file for a wrong one. The library
    `includes` is what such a wrong file may include.

    The library `plain` is the same module once more, as the lecture writes it:
    plain/*.cc, each named as the file that it stands for. It is slower, and the
    answers are tested against it (//autograder/proof/plain). Without a folder
    plain/ it is the answers themselves.

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
    plain = native.glob(["plain/*.cc"])
    native.filegroup(
        name = "plain_sources",
        srcs = plain,
    )
    if plain:
        if plain != ["plain/" + file for file in files]:
            fail("//%s: plain/ holds %s, the module's files are %s" %
                 (native.package_name(), plain, files))
        cc_library(
            name = "plain",
            srcs = plain,
            deps = deps,
            alwayslink = True,
        )
    else:
        native.alias(
            name = "plain",
            actual = ":" + name,
        )
