"""clang-tidy on every source of every C++ target, as Bazel actions.

    bazel build --config=lint //...

One action per source file: unchanged files are not checked again.
"""

def _flags(ctx, context):
    """The compiler's flags for a source of this target."""
    flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts
    defines = context.defines.to_list() + context.local_defines.to_list()
    flags += ["-D" + define for define in defines]
    for option, folders in [
        ("-iquote", context.quote_includes),
        ("-I", context.includes),
        ("-isystem", context.system_includes),
    ]:
        for folder in folders.to_list():
            flags += [option, folder]
    return flags

def _clang_tidy_impl(target, ctx):
    if CcInfo not in target or target.label.workspace_name:
        return []

    # Stubs are generated from the solutions, which are checked.
    if target.label.name == "student" or "no-lint" in ctx.rule.attr.tags:
        return []
    context = target[CcInfo].compilation_context
    reports = []
    for label in getattr(ctx.rule.attr, "srcs", []):
        for source in label.files.to_list():
            if source.extension != "cc" or not source.is_source:
                continue  # planted bugs are not checked
            report = ctx.actions.declare_file(
                "%s.clang_tidy/%s" % (target.label.name, source.basename),
            )
            ctx.actions.run(
                executable = ctx.executable._clang_tidy,
                inputs = depset(
                    [source] + ctx.files._configs,
                    transitive = [context.headers],
                ),
                outputs = [report],
                mnemonic = "ClangTidy",
                progress_message = "clang-tidy " + source.short_path,
                arguments = [
                    report.path,
                    "--quiet",
                    source.path,
                    "--",
                ] + _flags(ctx, context),
                use_default_shell_env = True,
            )
            reports.append(report)
    return [OutputGroupInfo(clang_tidy = depset(reports))]

clang_tidy = aspect(
    implementation = _clang_tidy_impl,
    attrs = {
        "_clang_tidy": attr.label(
            allow_single_file = True,
            cfg = "exec",
            default = ":clang_tidy.sh",
            executable = True,
        ),
        # A source is checked by the configuration of its folder, which adds to
        # that of the folders around it.
        "_configs": attr.label_list(
            allow_files = True,
            default = [
                "//:.clang-tidy",
                "//:modules/.clang-tidy",
                "//solutions:.clang-tidy",
            ],
        ),
    },
    fragments = ["cpp"],
)
