"""The correct cache and broken ones, in one program."""

load("@rules_cc//cc:defs.bzl", "cc_library")

# Names that every specimen has for itself.
_OWN = [
    "CacheBytes",
    "CacheUnderTest",
    "KvCache",
    "LayerCache",
    "MakerOf",
]

# That of the specimen which is not broken.
_RIGHT = "right"

def specimens(name, solution, bugs, includes):
    """A library of implementations of kv_cache.h, as the operation specimen.call.

    Args:
      name: the library.
      solution: the correct source.
      bugs: the names of planted bugs in it, whose sources planted_bugs() makes.
      includes: what a source may include.
    """
    sources = {_RIGHT: solution}
    for bug in bugs:
        sources[bug] = ":planted_bugs/kv_cache/%s.cc" % bug
    for specimen, source in sources.items():
        native.genrule(
            name = "%s_%s_source" % (name, specimen),
            srcs = [
                source,
                "specimens/one_specimen.cc",
            ],
            outs = ["%s/%s.cc" % (name, specimen)],
            cmd = "cat $(SRCS) > $@",
        )
        cc_library(
            name = "%s_%s" % (name, specimen),
            srcs = ["%s/%s.cc" % (name, specimen)],
            # What is wrong may well earn a warning, or read past an end.
            copts = [
                "-w",
                "-fno-sanitize=all",
            ],
            local_defines = ["%s=%s_%s" % (own, own, specimen) for own in _OWN] +
                            ['KVLAB_SPECIMEN=\\"%s\\"' % specimen],
            deps = includes + [":specimen_registry"],
            alwayslink = True,
        )
    cc_library(
        name = name,
        srcs = ["specimens/specimen_operations.cc"],
        deps = [
            ":specimen_registry",
            "//autograder/exam:arguments",
            "//autograder/machine/protocol:operation",
            "//autograder/machine/protocol:value",
            "//kit/tensor",
            "//modules/03_memoization:contract",
        ] + [":%s_%s" % (name, specimen) for specimen in sources],
        alwayslink = True,
    )
