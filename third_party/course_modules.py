#!/usr/bin/env python3
"""Reads every module.toml and writes what it says as Starlark.

    course_modules.py WORKSPACE OUT

Bazel runs it for the repository @course (course.bzl). It reports all mistakes
at once, not only the first.
"""

import json
import pathlib
import re
import sys
import tomllib

# The package of the course's own answers. The handout does not have it, and a
# folder that a student calls so is not one.
ANSWERS = "solutions"

HEAD = '''"""The modules of the course, ordered by number.

//third_party:course.bzl wrote this from modules/*/module.toml; edit those.
"""

'''


class CourseError(Exception):
    """What is wrong with the modules: one message for each mistake."""


class Mistake(Exception):
    """One thing that is wrong: what, why it matters, and what to do."""

    def __init__(self, what, why, fix):
        super().__init__(f"{what}\n  why: {why}\n  fix: {fix}")


def table(path, name):
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Mistake(
            f"{name} is not valid TOML: {error}",
            "the build reads the modules of the course from it",
            "correct the TOML syntax there",
        ) from error


def number(entries, name, folder):
    value = entries.get("number")
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not 1 <= value <= 99:
        raise Mistake(
            f"{name}: 'number' must be an integer from 1 to 99",
            "targets, programs and tasks are named by it",
            "write a line such as: number = 1",
        )
    if not folder.startswith(f"{value:02}_"):
        raise Mistake(
            f"{name}: 'number' is {value}, but the folder is " f"'{folder}'",
            "tools find a module by the two digits that its folder "
            "begins with",
            f"name the folder {value:02}_..., or correct 'number'",
        )
    return value


def title(entries, name):
    value = entries.get("title")
    if (
        not isinstance(value, str)
        or not value.strip()
        or not value.isprintable()
    ):
        raise Mistake(
            f"{name}: 'title' must be a string of one line",
            "reports name the module by it",
            'write a line such as: title = "Attention"',
        )
    return value


def names(entries, key, name, pattern, example):
    """The list of file names `key`, each once, each matching `pattern`."""
    values = entries.get(key, [])
    if not isinstance(values, list):
        raise Mistake(
            f"{name}: '{key}' must be a list of file names",
            "the build and the grader take these files",
            f'write a line such as: {key} = ["{example}"]',
        )
    for value in values:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise Mistake(
                f"{name}: '{key}' contains {json.dumps(value)}, "
                f"which is not a name such as '{example}'",
                "it must be a file of the module's own folder, and "
                "targets are named by it",
                "write the name without a folder",
            )
        if values.count(value) > 1:
            raise Mistake(
                f"{name}: '{key}' contains '{value}' twice",
                "every file becomes one target",
                "remove one of them",
            )
    return values


def files(entries, name, folder):
    values = names(entries, "files", name, r"\w+\.cc", "attention.cc")
    if not values:
        raise Mistake(
            f"{name}: 'files' names no file",
            "a module has at least one file that students edit",
            'write a line such as: files = ["attention.cc"]',
        )
    for value in values:
        if not (folder / value).is_file():
            raise Mistake(
                f"{name}: 'files' names '{value}', which is not in "
                f"modules/{folder.name}",
                "students edit that file, and the grader asks for it",
                "create it, or correct the name",
            )
    return values


def end_to_end(entries, name):
    value = entries.get("end_to_end", False)
    if not isinstance(value, bool):
        raise Mistake(
            f"{name}: 'end_to_end' must be true or false",
            "it says whether a student's code for this module is "
            "also judged together with that for others",
            "write: end_to_end = true",
        )
    return value


def check_answers(answers, module):
    """Compares the folder of a module's answers with its description."""
    name = f"{answers.parent.name}/{answers.name}"
    present = {path.name for path in answers.glob("*.cc")}
    for missing in ["BUILD", *module["files"], *module["papers"]]:
        if not (answers / missing).is_file():
            raise Mistake(
                f"{name}/{missing} is missing",
                "the module's tests and the grader need answers "
                "to all files that students hand in",
                "add it, or correct " f"modules/{module['folder']}/module.toml",
            )
    for extra in sorted(present - set(module["files"])):
        raise Mistake(
            f"{name}/{extra} answers a file that "
            f"modules/{module['folder']}/module.toml does not name",
            "students would get its stub, and not hand it in",
            "add it to 'files' there, or remove it",
        )


def read_module(folder, answers):
    """What the build needs to know of the module in `folder`.

    answers: the folder of all answers, or None where there are none.
    """
    name = f"modules/{folder.name}/module.toml"
    entries = table(folder / "module.toml", name)
    module = {
        "number": number(entries, name, folder.name),
        "folder": folder.name,
        "title": title(entries, name),
        "files": files(entries, name, folder),
        "papers": names(entries, "papers", name, r"\w+\.\w+", "answers.json"),
        "end_to_end": end_to_end(entries, name),
        "tests": sorted(path.stem for path in folder.glob("*_test.cc")),
        "has_quiz": (folder / "quiz.toml").is_file(),
    }
    if not (folder / "BUILD").is_file():
        raise Mistake(
            f"modules/{folder.name}/BUILD is missing",
            "a folder with a module.toml is a module, and other "
            "targets depend on its targets",
            "write it; those of the other modules are examples",
        )
    # What programs link if no build setting says otherwise.
    module["default"] = f"//modules/{folder.name}:student"
    if answers:
        check_answers(answers / folder.name, module)
        module["default"] = f"//{ANSWERS}/{folder.name}:solution"
    return module


def read_course(root):
    """All modules of the workspace `root`, ordered by number."""
    modules, mistakes = [], []
    answers = root / ANSWERS
    if not (answers / "BUILD").is_file():
        answers = None
    for description in sorted(root.glob("modules/*/module.toml")):
        try:
            modules.append(read_module(description.parent, answers))
        except Mistake as mistake:
            mistakes.append(str(mistake))
    for first, second in zip(modules, modules[1:]):
        if first["number"] == second["number"]:
            mistakes.append(
                str(
                    Mistake(
                        f"modules/{second['folder']}/module.toml: 'number' is "
                        f"{second['number']}, as in modules/{first['folder']}",
                        "targets, programs and tasks are named by it",
                        "give one of the two another number, and its folder "
                        "as well",
                    )
                )
            )
    if not modules and not mistakes:
        mistakes.append(
            str(
                Mistake(
                    "modules/ contains no module",
                    "the build reads them from modules/*/module.toml",
                    "restore that folder; a copy of the course has it",
                )
            )
        )
    if mistakes:
        raise CourseError("\n".join(mistakes))
    return modules


def starlark(value):
    if isinstance(value, (bool, int)):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return "[" + ", ".join(starlark(each) for each in value) + "]"


def modules_bzl(modules):
    structs = "".join(
        "    struct(\n"
        + "".join(
            f"        {key} = {starlark(value)},\n"
            for key, value in module.items()
        )
        + "    ),\n"
        for module in modules
    )
    return f"{HEAD}MODULES = [\n{structs}]\n"


def main():
    root, out = map(pathlib.Path, sys.argv[1:])
    try:
        out.write_text(modules_bzl(read_course(root)), encoding="utf-8")
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
