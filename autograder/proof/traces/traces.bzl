"""./kvlab trace, linked with planted bugs."""

load("@course//:modules.bzl", "MODULES")
load("@rules_cc//cc:defs.bzl", "cc_binary")
load("//autograder:course.bzl", "planted_bugs", "solution_files", "up_to")

# The modules that a trace runs.
_TRACED = 3

def traces(name, seen, recorded):
    """A test of what ./kvlab trace says of planted bugs, and of the solutions.

    Args:
      name: the test, whose source is <name>.py.
      seen: for each folder of modules/, FILE/BUG of its planted bugs.
      recorded: the file of recorded numbers.
    """
    all_files = solution_files(up_to(_TRACED))
    programs = [":right_trace"]
    cc_binary(
        name = "right_trace",
        deps = ["//cli/trace:main"] + all_files,
    )
    for folder in sorted(seen):
        for bug in seen[folder]:
            file, _ = bug.split("/")
            program = bug.replace("/", ".") + "_trace"
            programs.append(":" + program)
            cc_binary(
                name = program,
                testonly = True,
                deps = [
                    "//autograder/judges/%s:planted_bugs/%s_wrong" %
                    (folder, bug),
                    "//cli/trace:main",
                ] + [
                    other
                    for other in all_files
                    if other != "//solutions/%s:%s" % (folder, file)
                ],
            )
    native.py_test(
        name = name,
        size = "small",
        srcs = [name + ".py"],
        data = [
            "expectations.toml",
            recorded,
            "//models:shakespeare-gpt2",
        ] + programs + planted_bugs(
            [module for module in MODULES if module.number == _TRACED],
        ),
        tags = ["no-sanitize"],
    )
