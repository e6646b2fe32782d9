"""What a grading machine needs to turn submissions into workers, in one folder.

    include/   headers of the kit and of the modules, and each module.toml
    precompiled/   a header with what most sources include, and what the
                   compiler made of it, with and without the flags of a task
                   alone
    lib/       our side of the workers, as static archives
    alone/     for each task the module's answers, in which the functions of
               that task are the student's (worker_kit/alone.py)
    reference_worker
    specimen_worker   what tests that a student writes are put to
    manifest.json  how to compile, and what each worker is linked from

The flags are those of the course's own build (.bazelrc), so that a student's
code is compiled for the grader as it is for the student.
"""

load(
    "@bazel_tools//tools/build_defs/cc:action_names.bzl",
    "CPP_COMPILE_ACTION_NAME",
)
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

# In the sandbox too.
_COMPILER = "/usr/bin/g++"

# So that no call from one function to another is settled before the link, where
# a task is judged alone: then all others are the answers'.
_ALONE_FLAGS = ["-fPIC"]

# The compiler looks for its parts in PATH, and the sandbox gives it this one.
_ENVIRONMENT = {"PATH": "/usr/bin", "LC_ALL": "C"}

WorkerInfo = provider(
    doc = "A worker that lacks only the student's objects.",
    fields = {
        "name": "what it is called",
        "student_modules": "folders of the modules whose code is the student's",
        "archives": "static archives, all objects of which are linked",
        "link_flags": "what the archives need from the system",
    },
)

def _static_archive(library):
    archive = library.static_library or library.pic_static_library
    if not archive:
        fail("a worker needs a static archive of " + str(library))
    return archive

def _worker_impl(ctx):
    merged = cc_common.merge_cc_infos(
        cc_infos = [dep[CcInfo] for dep in ctx.attr.students + ctx.attr.deps],
    )
    theirs = [student.label for student in ctx.attr.students]
    archives = []
    link_flags = []
    for linked in merged.linking_context.linker_inputs.to_list():
        if linked.owner not in theirs:
            archives += [_static_archive(one) for one in linked.libraries]
            link_flags += linked.user_link_flags
    return [WorkerInfo(
        name = ctx.label.name,
        student_modules = [label.package.split("/")[-1] for label in theirs],
        archives = archives,
        link_flags = link_flags,
    )]

# A program made of `deps`, what the libraries in `students` depend on, and the
# student's own objects in place of these libraries.
worker = rule(
    implementation = _worker_impl,
    attrs = {
        "students": attr.label_list(mandatory = True, providers = [CcInfo]),
        "deps": attr.label_list(mandatory = True, providers = [CcInfo]),
    },
)

def _compile_flags(ctx):
    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    variables = cc_common.create_compile_variables(
        feature_configuration = features,
        cc_toolchain = toolchain,
        user_compile_flags = ctx.fragments.cpp.copts +
                             ctx.fragments.cpp.cxxopts,
    )
    return cc_common.get_memory_inefficient_command_line(
        feature_configuration = features,
        action_name = CPP_COMPILE_ACTION_NAME,
        variables = variables,
    )

# In a library of Debian, headers that have moved since; see
# //third_party:debian.bzl.
_MOVED = "/moved/"

def _course_headers(ctx):
    """Headers that a student's code may include and /usr/include lacks."""
    headers = depset(transitive = [
        library[CcInfo].compilation_context.headers
        for library in ctx.attr.libraries
    ])
    return [
        header
        for header in headers.to_list()
        if not header.short_path.startswith("../") or
           _MOVED in header.short_path
    ]

def _included_as(header):
    """What an #include says."""
    return header.short_path.split(_MOVED)[-1]

def _include_flags(headers):
    """Where an #include of _course_headers is looked for in the build."""
    folders = {".": None}
    for header in headers:
        if _MOVED in header.path:
            folders[header.path.split(_MOVED)[0] + _MOVED[:-1]] = None
    return [flag for folder in folders for flag in ["-iquote", folder]]

def _precompile(ctx, headers, flags, name):
    """The compiler's image of ctx.file.precompiled.

    GCC takes one only for the flags that it was made with, and tries each in a
    folder of the header's name and .gch.
    """
    image = ctx.actions.declare_file(
        ctx.file.precompiled.basename + ".gch/" + name,
    )
    ctx.actions.run(
        executable = _COMPILER,
        inputs = headers + [ctx.file.precompiled],
        outputs = [image],
        arguments = flags + _include_flags(headers) +
                    ["-x", "c++-header"] +
                    [ctx.file.precompiled.path, "-o", image.path],
        mnemonic = "WorkerKitPrecompile",
    )
    return image

def _answers_alone(ctx, solution, sources, rubrics):
    """A folder with an archive for each task of a module, see worker_kit/alone.py."""
    package = solution.label.package
    archives = [
        _static_archive(library)
        for linked in solution[CcInfo].linking_context.linker_inputs.to_list()
        if linked.owner.package == package
        for library in linked.libraries
    ]
    own = [source for source in sources if source.owner.package == package]
    folder = ctx.actions.declare_directory(
        ctx.label.name + ".alone/" + package.split("/")[-1],
    )
    arguments = ctx.actions.args()
    arguments.add(folder.path)
    arguments.add_all(archives)
    arguments.add("--")
    arguments.add_all(own)
    arguments.add("--")
    arguments.add_all(rubrics)
    ctx.actions.run(
        executable = ctx.executable._alone,
        inputs = archives + own + rubrics,
        outputs = [folder],
        arguments = [arguments],
        mnemonic = "WorkerKitAlone",
    )
    return folder

def _link_reference(ctx, headers, flags):
    """The solutions in the student's place, built as a submission is.

    What two programs differ in by their build is not a difference in speed.
    """
    objects = []
    for source in ctx.files.reference_sources:
        object = ctx.actions.declare_file("reference/" + source.basename + ".o")
        ctx.actions.run(
            executable = _COMPILER,
            inputs = headers + [ctx.file.precompiled, source],
            outputs = [object],
            arguments = flags +
                        ["-include", ctx.file.precompiled.path] +
                        ["-w"] + _include_flags(headers) +
                        ["-c", source.path] +
                        ["-o", object.path],
            env = _ENVIRONMENT,
            mnemonic = "WorkerKitCompile",
        )
        objects.append(object)
    recipe = ctx.attr.reference[WorkerInfo]
    program = ctx.actions.declare_file("reference_worker")
    ctx.actions.run(
        executable = _COMPILER,
        inputs = objects + recipe.archives,
        outputs = [program],
        arguments = ["-o", program.path] +
                    ["-fno-lto", "-fno-use-linker-plugin"] +
                    [object.path for object in objects] +
                    ["-Wl,--whole-archive"] +
                    [archive.path for archive in recipe.archives] +
                    ["-Wl,--no-whole-archive", "-pthread"] +
                    recipe.link_flags,
        env = _ENVIRONMENT,
        mnemonic = "WorkerKitLink",
    )
    return program

def _worker_kit_impl(ctx):
    workers = [worker[WorkerInfo] for worker in ctx.attr.workers]
    compile_flags = _compile_flags(ctx)
    headers = _course_headers(ctx)
    copies = {}
    for header in headers + ctx.files.descriptions:
        copies["include/" + _included_as(header)] = header
    header = ctx.file.precompiled
    copies["precompiled/" + header.basename] = header
    for name, flags in {"together": [], "alone": _ALONE_FLAGS}.items():
        copies["precompiled/{}.gch/{}".format(header.basename, name)] = _precompile(
            ctx,
            headers,
            compile_flags + flags,
            name,
        )
    for info in workers:
        for archive in info.archives:
            copies["lib/" + archive.short_path] = archive
    copies["reference_worker"] = _link_reference(ctx, headers, compile_flags)
    copies["specimen_worker"] = ctx.executable.specimen_worker
    for solution in ctx.attr.solutions:
        folder = _answers_alone(
            ctx,
            solution,
            ctx.files.answers,
            ctx.files.rubrics,
        )
        copies["alone/" + folder.basename] = folder

    manifest = ctx.actions.declare_file(ctx.label.name + ".manifest.json")
    ctx.actions.write(manifest, json.encode_indent(struct(
        compiler = _COMPILER,
        compile_flags = compile_flags,
        alone_flags = _ALONE_FLAGS,
        precompiled = ctx.file.precompiled.basename,
        workers = [
            struct(
                name = info.name,
                student_modules = info.student_modules,
                archives = [archive.short_path for archive in info.archives],
                link_flags = info.link_flags,
            )
            for info in workers
        ],
    )))
    copies["manifest.json"] = manifest

    folder = ctx.actions.declare_directory(ctx.label.name)
    arguments = ctx.actions.args()
    arguments.add(folder.path)
    for place, file in copies.items():
        arguments.add_all([file], expand_directories = False)
        arguments.add(place)
    ctx.actions.run_shell(
        inputs = copies.values(),
        outputs = [folder],
        arguments = [arguments],
        command = """
            set -e
            folder=$1
            shift
            while [ $# -gt 0 ]; do
                mkdir -p "$(dirname "$folder/$2")"
                cp -rL "$1" "$folder/$2"
                shift 2
            done
        """,
        mnemonic = "WorkerKit",
    )
    return [DefaultInfo(
        files = depset([folder]),
        runfiles = ctx.runfiles(files = [folder]),
    )]

worker_kit = rule(
    implementation = _worker_kit_impl,
    attrs = {
        # What students' code includes.
        "libraries": attr.label_list(providers = [CcInfo]),
        # A header that every source is compiled behind.
        "precompiled": attr.label(allow_single_file = [".h"]),
        # The modules' module.toml.
        "descriptions": attr.label_list(allow_files = [".toml"]),
        "workers": attr.label_list(providers = [WorkerInfo]),
        # The worker that the reference is, and its sources in the place of the
        # student's.
        "reference": attr.label(providers = [WorkerInfo]),
        "reference_sources": attr.label_list(allow_files = [".cc"]),
        # A worker of correct and broken code.
        "specimen_worker": attr.label(executable = True, cfg = "target"),
        # The modules' answers: libraries, and the sources with their markers.
        "solutions": attr.label_list(providers = [CcInfo]),
        "answers": attr.label_list(allow_files = [".cc"]),
        # They name the tasks that have no function of their own.
        "rubrics": attr.label_list(allow_files = [".toml"]),
        "_alone": attr.label(
            default = "//autograder/worker_kit:alone",
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
