"""Labels that the modules' descriptions stand for.

Each function takes a list of modules (//third_party:course.bzl), all of them
unless one is given.
"""

load("@course//:modules.bzl", "MODULES")

def up_to(number):
    """The modules whose number is at most `number`."""
    return [module for module in MODULES if module.number <= number]

def before(module):
    """The modules that `module` builds on."""
    return up_to(module.number - 1)

def end_to_end():
    """The modules whose code is also judged together, all of it a student's."""
    return [module for module in MODULES if module.end_to_end]

def without(module):
    """All other modules."""
    return [other for other in MODULES if other != module]

def solutions(modules = MODULES):
    """The libraries of their answers."""
    return ["//solutions/%s:solution" % module.folder for module in modules]

def plain(modules = MODULES):
    """The libraries of the same modules in plain loops."""
    return ["//solutions/%s:plain" % module.folder for module in modules]

def solution_files(modules = MODULES):
    """The libraries of one file each that the answers are made of."""
    return [
        "//solutions/%s:%s" % (module.folder, file)
        for module in modules
        for file in sources(module)
    ]

def solution_sources(modules = MODULES):
    """The answers themselves, ordered by task."""
    return [
        "//solutions/%s:%s" % (module.folder, file)
        for module in modules
        for file in module.files
    ]

def plain_sources(modules = MODULES):
    """The same answers in plain loops, of the modules that have them."""
    return [
        "//solutions/%s:plain_sources" % module.folder
        for module in modules
    ]

def solution_papers(modules = MODULES):
    """The answers to what students hand in beside their sources."""
    return [
        "//solutions/%s:%s" % (module.folder, paper)
        for module in modules
        for paper in module.papers
    ]

def solution_includes(modules = MODULES):
    """What the answers may include."""
    return ["//solutions/%s:includes" % module.folder for module in modules]

def sources(module):
    """The names of a module's sources without .cc, in alphabetical order."""
    return sorted([file[:-len(".cc")] for file in module.files])

def operations(modules = MODULES):
    """What can be asked of the modules."""
    return [
        "//autograder/judges/%s:operations" % module.folder
        for module in modules
    ]

def checks(modules = MODULES):
    """What the rubric may name: of each module, and of all together."""
    return [
        "//autograder/judges/%s:checks" % module.folder
        for module in modules
    ] + ["//autograder/judges/end_to_end:checks"]

def answering(modules = MODULES):
    """What answers as the reference: the operations, on the solutions."""
    return operations(modules) + solutions(modules)

def rubrics_of(modules):
    """The parts of the rubric that judge the modules."""
    return [
        "//autograder/judges/%s:rubric" % module.folder
        for module in modules
    ]

def rubrics(modules = MODULES):
    """The course's rubric, and those of its parts."""
    return (["//autograder:rubric.toml"] + rubrics_of(modules) +
            ["//autograder/judges/end_to_end:rubric"])

def planted_bugs(modules = MODULES):
    """The files that describe them."""
    return [
        "//autograder/judges/%s:planted_bugs" % module.folder
        for module in modules
    ]

def contracts(modules = MODULES):
    """The sentences of the headers that planted bugs break."""
    return [
        "//autograder/judges/%s:contracts" % module.folder
        for module in modules
    ]

def students(modules = MODULES):
    """The libraries of the files that students edit."""
    return ["//modules/%s:student" % module.folder for module in modules]

def student_sources(modules = MODULES):
    """The files that students edit, ordered by task."""
    return [
        "//modules/%s:%s" % (module.folder, file)
        for module in modules
        for file in module.files
    ]

def test_cases(modules = MODULES):
    """The modules' tests, to be linked with any implementation."""
    return [
        "//modules/%s:%s_cases" % (module.folder, test)
        for module in modules
        for test in module.tests
    ]

def descriptions(modules = MODULES):
    """Every module.toml."""
    return ["//modules/%s:module.toml" % module.folder for module in modules]

def readmes(modules = MODULES):
    """Every README.md."""
    return ["//modules/%s:README.md" % module.folder for module in modules]

def quizzes(modules = MODULES):
    """Every quiz.toml."""
    return [
        "//modules/%s:quiz.toml" % module.folder
        for module in modules
        if module.has_quiz
    ]
