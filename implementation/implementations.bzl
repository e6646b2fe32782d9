"""The build settings that choose what tests and programs link."""

load("@course//:modules.bzl", "MODULES")

def _bool_setting_impl(_ctx):
    return []

# Only config_settings read it.
bool_setting = rule(
    implementation = _bool_setting_impl,
    build_setting = config.bool(flag = True),
)

def implementations(name, students):
    """A label_flag NAME_NN for each module NN.

    It is the module's default (//third_party:course.bzl), or the student's
    files where the condition `students` holds.

    Args:
      name: what the flags' names begin with.
      students: a config_setting.
    """
    for module in MODULES:
        flag = "%s_%s" % (name, module.folder[:2])
        native.alias(
            name = "chosen_" + flag,
            actual = select({
                students: "//modules/%s:student" % module.folder,
                "//conditions:default": module.default,
            }),
        )
        native.label_flag(
            name = flag,
            build_setting_default = ":chosen_" + flag,
        )
