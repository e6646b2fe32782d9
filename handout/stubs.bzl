"""Stubs generated from the solutions, compared with those in modules/."""

def stubs_in_sync_test(name, modules):
    """Generates a stub for each file and compares it with the committed one.

    Args:
      name: the test target.
      modules: the files that have a stub, by the folder of their module.
    """
    cut = []
    committed = []
    for module, files in modules.items():
        committed.append("//modules/%s:module.toml" % module)
        for file in files:
            native.genrule(
                name = "cut_%s_%s" % (module, file),
                srcs = ["//solutions/%s:%s" % (module, file)],
                outs = ["stubs/%s/%s" % (module, file)],
                cmd = "/usr/bin/python3 $(execpath make_stub.py) $< $@",
                tools = ["make_stub.py"],
            )
            cut.append("stubs/%s/%s" % (module, file))
            committed.append("//modules/%s:%s" % (module, file))
    native.py_test(
        name = name,
        size = "small",
        srcs = ["stubs_in_sync_test.py"],
        args = ["$(rootpath %s)" % stub for stub in cut],
        data = cut + committed,
        main = "stubs_in_sync_test.py",
    )
