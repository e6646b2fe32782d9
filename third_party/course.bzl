"""The modules of the course, for BUILD files.

`load("@course//:modules.bzl", "MODULES")` gives a list, ordered by number, of
structs that say what modules/*/module.toml says and what the folder contains:

    number, folder   3, "03_memoization"
    title            "Memoization"
    files            sources that students edit, in the order of their tasks
    papers           what students hand in beside them, such as "answers.json"
    end_to_end       whether its code is also judged together with that of other
                     modules, all of it a student's
    tests            "kv_cache_test" for kv_cache_test.cc, in alphabetical order
    has_quiz         whether there is a quiz.toml
    default          the library that programs link: the module's solution, or
                     the student's files where the tree has no solutions
"""

# The files whose change may change what there is to know of a module: a new
# test, for example, is a new target in BUILD.
_WATCHED = ["BUILD", "module.toml"]

def _course_modules_impl(ctx):
    script = ctx.path(Label("//third_party:course_modules.py"))
    root = ctx.path(Label("//:WORKSPACE")).dirname
    modules = root.get_child("modules")
    for folder in modules.readdir() if modules.exists else []:
        if all([folder.get_child(name).exists for name in _WATCHED]):
            for name in _WATCHED:
                # Asking for the path of a label makes Bazel watch the file.
                ctx.path(Label("//modules/%s:%s" % (folder.basename, name)))
    ctx.file("BUILD")
    done = ctx.execute(
        ["/usr/bin/python3", "-B", script, root, "modules.bzl"],
    )
    if done.return_code != 0:
        fail("\n" + done.stderr)

# Reads the modules of this workspace. It runs again after a change of a
# module.toml and when Bazel starts; for a new folder while Bazel is running,
# call `bazel sync --only=course`.
course_modules = repository_rule(
    implementation = _course_modules_impl,
    local = True,
)
