"""Stubs generated from the solutions, compared with those in modules/."""

load("@course//:modules.bzl", "MODULES")

def stubs_in_sync_test(name):
    """Generates a stub for each file and compares it with the committed one.

    Args:
      name: the test target.
    """
    cut = []
    committed = []
    for module in MODULES:
        folder = module.folder
        for file in sorted(module.files):
            native.genrule(
                name = "cut_%s_%s" % (folder, file),
                srcs = ["//solutions/%s:%s" % (folder, file)],
                outs = ["stubs/%s/%s" % (folder, file)],
                cmd = "/usr/bin/python3 -B $(execpath make_stub.py) $< $@",
                tools = [
                    "make_stub.py",
                    "//solutions:regions.py",
                ],
            )
            cut.append("stubs/%s/%s" % (folder, file))
            committed.append("//modules/%s:%s" % (folder, file))
    native.py_test(
        name = name,
        size = "small",
        srcs = ["stubs_in_sync_test.py"],
        args = ["$(rootpath %s)" % stub for stub in cut],
        data = cut + committed,
        deps = [
            "//cli:course_tasks",
            "//cli:reset",
        ],
        main = "stubs_in_sync_test.py",
    )
