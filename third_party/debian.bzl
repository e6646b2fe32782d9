"""Debian's packages as Bazel repositories; nothing is ever downloaded.

Each repository is made from files that a Debian package has installed. When
they are missing, the error names the package and the command that installs it.
"""

def _short_name(ctx):
    """Its name in BUILD files: MODULE.bazel gives it a longer one."""
    return ctx.name.replace("~", "+").split("+")[-1]

def _require(ctx, path, package):
    if not ctx.path(path).exists:
        fail(("\n{path} is missing: the Debian package '{package}' is not " +
              "installed.\n  why: @{name} is made from the files of that " +
              "package; nothing is downloaded.\n  fix: ./kvlab setup    (or: " +
              "apt-get install {package})\n").format(
            name = _short_name(ctx),
            package = package,
            path = path,
        ))

def _forward_moved(ctx):
    """Headers under the names that a later version gave them.

    The code includes the later names, and an earlier version gets headers that
    include the earlier ones.
    """
    forwarding = []
    for folder, names in ctx.attr.moved.items():
        for name in names:
            before = folder.split("/")[0] + "/" + name
            after = folder + "/" + name
            if (not ctx.path("/usr/include/" + after).exists and
                ctx.path("/usr/include/" + before).exists):
                ctx.file(
                    "moved/" + after,
                    "#include \"%s\"  // IWYU pragma: export\n" % before,
                )
                forwarding.append("moved/" + after)
    return forwarding

def _debian_library_impl(ctx):
    for name in ctx.attr.headers:
        _require(ctx, "/usr/include/" + name, ctx.attr.package)
        ctx.symlink("/usr/include/" + name, "include/" + name)
    moved = _forward_moved(ctx)
    ctx.file("BUILD", """
load("@rules_cc//cc:defs.bzl", "cc_library")

cc_library(
    name = "{target}",
    hdrs = glob(["include/**"], allow_empty = False){moved_headers},
    defines = {defines},
    includes = ["include"{moved_folder}],
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
    deps = {deps},
)
""".format(
        target = ctx.attr.target or _short_name(ctx),
        moved_headers = " + " + repr(moved) if moved else "",
        moved_folder = ", \"moved\"" if moved else "",
        defines = repr(ctx.attr.library_defines),
        linkopts = repr(ctx.attr.linkopts),
        deps = repr(ctx.attr.library_deps),
    ))

# A library whose headers are below /usr/include, and whose binary (if any) the
# linker finds by itself.
debian_library = repository_rule(
    implementation = _debian_library_impl,
    local = True,
    attrs = {
        "package": attr.string(mandatory = True),
        "target": attr.string(),
        "headers": attr.string_list(),
        # For each folder, its headers that earlier versions had above it.
        "moved": attr.string_list_dict(),
        "linkopts": attr.string_list(),
        "library_defines": attr.string_list(),
        "library_deps": attr.string_list(),
    },
)

def _debian_sources_impl(ctx):
    _require(ctx, ctx.attr.path, ctx.attr.package)
    for entry in ctx.path(ctx.attr.path).readdir():
        if entry.basename not in ["BUILD", "BUILD.bazel", "WORKSPACE"]:
            ctx.symlink(entry, entry.basename)
    ctx.symlink(ctx.attr.build_file, "BUILD")

# A library built from the sources that a Debian package ships.
debian_sources = repository_rule(
    implementation = _debian_sources_impl,
    local = True,
    attrs = {
        "package": attr.string(mandatory = True),
        "path": attr.string(mandatory = True),
        "build_file": attr.label(mandatory = True),
    },
)

def _central_library_impl(ctx):
    ctx.file("BUILD", "".join(["""
alias(
    name = "%s",
    actual = "%s",
    visibility = ["//visibility:public"],
)
""" % target for target in ctx.attr.targets.items()]))

# A library from Bazel's central registry, under the name and with the targets
# that it has when it comes from Debian.
central_library = repository_rule(
    implementation = _central_library_impl,
    attrs = {"targets": attr.string_dict()},
)

# rules_cc 0.0.4 asks Bazel for a symbol that Debian's Bazel 4.2.3 does not
# have; these two files load it.
_NEWER_THAN_BAZEL_4 = ["compiler_flag.bzl", "cc_flags_supplier.bzl"]

def _rules_cc_impl(ctx):
    root = "/usr/share/bazel/rules/cc"
    _require(ctx, root, "bazel-rules-cc")
    copied = ctx.execute(["cp", "-rL", root + "/.", "."])
    if copied.return_code != 0:
        fail("cannot copy %s: %s" % (root, copied.stderr))
    for name in _NEWER_THAN_BAZEL_4:
        path = "cc/private/rules_impl/" + name
        text = ctx.read(path)
        text = text.replace(", \"use_cpp_toolchain\"", "")
        text = text.replace(
            "toolchains = use_cpp_toolchain()",
            "toolchains = [\"@bazel_tools//tools/cpp:toolchain_type\"]",
        )
        ctx.file(path, text)

debian_rules_cc = repository_rule(implementation = _rules_cc_impl, local = True)

def _no_coverage_impl(ctx):
    ctx.file("BUILD", """
filegroup(
    name = "coverage_report_generator",
    visibility = ["//visibility:public"],
)
""")

# Bazel downloads its coverage tools for every cc_test unless they are there.
no_coverage_tools = repository_rule(implementation = _no_coverage_impl)
