"""What MODULE.bazel needs besides modules: repositories made here.

Bazel 4 has no module extensions, so WORKSPACE does not load this file.
"""

load("//third_party:course.bzl", "course_modules")
load("//third_party:debian.bzl", "central_library")
load("//third_party:libraries.bzl", "common_libraries", "grader_libraries")

# Repositories that BUILD files name, their targets, and what they are in the
# central registry.
_CENTRAL = {
    "cli11": {"cli11": "@central_cli11//:cli11"},
    "com_google_benchmark": {
        "benchmark": "@central_benchmark//:benchmark",
    },
    "com_google_googletest": {
        "gtest": "@central_googletest//:gtest",
        "gtest_main": "@central_googletest//:gtest_main",
    },
    "fmt": {"fmt": "@central_fmt//:fmt"},
    "nlohmann_json": {"nlohmann_json": "@central_nlohmann_json//:json"},
    "tomlplusplus": {"tomlplusplus": "@central_tomlplusplus//:toml++-src"},
    "utf8proc": {"utf8proc": "@central_utf8proc//:utf8proc"},
    "xsimd": {"xsimd": "@central_xsimd//:xsimd"},
    "xtensor": {"xtensor": "@central_xtensor//:xtensor"},
    "xtl": {"xtl": "@central_xtl//:xtl"},
}

def _course_impl(_):
    course_modules(name = "course")

course = module_extension(implementation = _course_impl)

def _libraries_impl(ctx):
    grader_libraries()
    if not ctx.modules[0].tags.central:
        common_libraries()
        return
    for name, targets in _CENTRAL.items():
        central_library(
            name = name,
            targets = {
                target: str(Label(label))
                for target, label in targets.items()
            },
        )

# The libraries under the names that BUILD files use: all from Debian, or from
# the central registry what it has.
libraries = module_extension(
    implementation = _libraries_impl,
    tag_classes = {"central": tag_class()},
)
