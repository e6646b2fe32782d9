"""Solutions with all of their mutants in them."""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")
load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library")
load(
    "//autograder:course.bzl",
    "operations",
    "solution_includes",
    "solutions",
    "sources",
    "test_cases",
    "without",
)

# What a solution may include, and the selector of mutants.
_DEPS = [":mutant"] + solution_includes()

def _schemata_impl(ctx):
    context = cc_common.merge_cc_infos(
        cc_infos = [dep[CcInfo] for dep in ctx.attr.deps],
    ).compilation_context
    flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts
    flags += ["-D" + define for define in context.defines.to_list()]
    for option, folders in [
        ("-iquote", context.quote_includes),
        ("-I", context.includes),
        ("-isystem", context.system_includes),
    ]:
        for folder in folders.to_list():
            flags += [option, folder]
    ctx.actions.run(
        executable = ctx.executable._make_schemata,
        inputs = depset([ctx.file.solution], transitive = [context.headers]),
        tools = find_cpp_toolchain(ctx).all_files,
        outputs = [ctx.outputs.source, ctx.outputs.list],
        mnemonic = "Mutate",
        progress_message = "Mutating " + ctx.file.solution.short_path,
        arguments = [
            ctx.file.solution.path,
            ctx.outputs.source.path,
            ctx.outputs.list.path,
            str(ctx.attr.first_number),
            find_cpp_toolchain(ctx).compiler_executable,
        ] + flags,
        use_default_shell_env = True,
    )

_schemata = rule(
    implementation = _schemata_impl,
    attrs = {
        "solution": attr.label(allow_single_file = [".cc"], mandatory = True),
        "source": attr.output(mandatory = True),
        "list": attr.output(mandatory = True),
        "first_number": attr.int(mandatory = True),
        "deps": attr.label_list(providers = [CcInfo]),
        "_make_schemata": attr.label(
            default = ":make_schemata",
            executable = True,
            cfg = "exec",
        ),
        "_cc_toolchain": attr.label(
            default = "@bazel_tools//tools/cpp:current_cc_toolchain",
        ),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)

def mutants(name, module):
    """The programs that the mutants of a module meet.

    A file whose name ends in _tests holds tests that students write. Broken code
    judges these, not mutants of them, so it is linked as it is.

    NAME_tests has all tests of the module, NAME_worker answers the judge; both
    are linked with the module's files, mutants and all, and with the solutions
    of all other modules. NAME/FILE.json are the lists of mutants.

    Args:
      name: the folder of the module, "NN_name".
      module: its struct, see //third_party:course.bzl.
    """
    mutated = [
        "//solutions/%s:%s" % (name, file)
        for file in sources(module)
        if file.endswith("_tests")
    ]
    for number, file in enumerate([
        file
        for file in sources(module)
        if not file.endswith("_tests")
    ]):
        out = "%s/%s" % (name, file)
        _schemata(
            name = out + "_schemata",
            solution = "//solutions/%s:%s.cc" % (name, file),
            source = out + ".cc",
            list = out + ".json",
            # Numbers are unique in a program.
            first_number = 1 + 10000 * number,
            tags = ["manual"],
            deps = _DEPS,
        )
        cc_library(
            name = out,
            testonly = True,
            srcs = [out + ".cc"],
            # They are to be seen, not to be fast.
            copts = [
                "-w",
                "-Wno-narrowing",
                "-O1",
            ],
            tags = ["manual"],
            deps = _DEPS,
            alwayslink = True,
        )
        mutated.append(":" + out)
    mutated += solutions(without(module))
    cc_binary(
        name = name + "_tests",
        testonly = True,
        tags = ["manual"],
        deps = mutated + test_cases([module]) + ["@com_google_googletest//:gtest_main"],
    )
    cc_binary(
        name = name + "_worker",
        testonly = True,
        tags = ["manual"],
        deps = mutated + operations() + ["//autograder/machine/worker:worker_main"],
    )
