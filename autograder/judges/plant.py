#!/usr/bin/env python3
"""Edits solutions as a case says: a planted bug, an exploit, an oddity.

    plant.py file CASE SOURCE SOLUTION OUTPUT
        writes one edited file: SOURCE is its name, SOLUTION the present text;
        a name is "03_memoization/kv_cache.cc"
    plant.py changes FOLDER OUTPUT CASE...
        writes what each case changes of FOLDER/solutions (or another `base`) as
        JSON: {CASE: {"task": "3.3", "files": {SOURCE: TEXT, ...}}, ...}. The
        task is that of the function that a planted bug is in, "" outside of all
        answers and for other cases
    plant.py submission FOLDER OUTPUT CASE
        writes all files that the author of the case hands in

A planted bug (planted_bug.py) replaces lines of an answer. Other cases have
edits, applied in their order; each names its `file` and changes it in one way:

    find, replace   a text that occurs there exactly once
    prepend
    append
    text            the whole file, which may be a new one
    take_from       "modules": the stub instead; "plain": the answer in plain
                    loops

Files come without the markers of the solutions, as a student hands them in.
"""

import argparse
import json
import pathlib
import sys
import tomllib

# As a program it is not on Python's path.
sys.path.insert(0, str(pathlib.Path(__file__).absolute().parent.parent.parent))

# pylint: disable=wrong-import-position
from autograder.judges import planted_bug
from solutions import regions

_WAYS = {"find", "prepend", "append", "text", "take_from"}


class PlantError(Exception):
    """A case that cannot be read, or no longer fits its solution."""


def _edits_of(path):
    """`base` and the edits of a case, checked."""
    case = tomllib.loads(path.read_text(encoding="utf-8"))
    for edit in case.get("edit", []):
        keys = set(edit) - {"file"} - ({"replace"} if "find" in edit else set())
        if "file" not in edit or len(keys) != 1 or not keys <= _WAYS:
            raise PlantError(
                f"{path}: an edit names its file and changes it in one way: "
                f"find and replace, {', '.join(sorted(_WAYS - {'find'}))}; "
                f"this one has {', '.join(sorted(edit))}"
            )
        if "find" in edit and "replace" not in edit:
            raise PlantError(f"{path}: find without replace")
    return case.get("base", "solutions"), case.get("edit", [])


def _unmarked(source, text):
    """A file as it is handed in; papers and stubs have no markers."""
    if source.endswith(".cc") and "// BEGIN SOLUTION" in text:
        return regions.without_markers(text, source)
    return text


def _exchanged(source, text, find, replace):
    times = text.count(find)
    if times != 1:
        raise PlantError(
            f"{source}: what is to be replaced occurs {times} times; it must "
            f"occur exactly once; adapt the edit to the present text:\n{find}"
        )
    return text.replace(find, replace)


def _region_of(bug, solution):
    """The answer or helper that a planted bug is in; None outside of all."""
    line = solution.count("\n", 0, solution.find(bug.find))
    for region in regions.read(solution, bug.source):
        if region.begin <= line < region.end:
            return region
    return None


def task_of(bug, solution):
    """The task of the answer that a planted bug is in; "" outside of all."""
    region = _region_of(bug, solution)
    return region.task if region else ""


def function_of(bug, solution):
    """The function whose contract a planted bug breaks; "" if it names none."""
    region = _region_of(bug, solution)
    return bug.function or (region.function if region else "")


def plant(bug, solution):
    """The text of the solution with the bug in it, without the markers."""
    wrong = _exchanged(
        f"{bug.name}: solutions/{bug.source}", solution, bug.find, bug.replace
    )
    if not any(
        bug.find in answer for answer in regions.answers(solution, bug.source)
    ):
        raise PlantError(
            f"{bug.name}: 'find' is not inside an answer of "
            f"solutions/{bug.source}; a student cannot make this error"
        )
    return regions.without_markers(wrong, bug.source)


def apply(edit, text):
    """The text of a file after one edit that needs no other file."""
    if "text" in edit:
        return edit["text"]
    if "prepend" in edit:
        return edit["prepend"] + text
    if "append" in edit:
        return text + edit["append"]
    return _exchanged(edit["file"], text, edit["find"], edit["replace"])


class Tree:
    """A folder that has solutions/ and modules/."""

    def __init__(self, root):
        self.root = pathlib.Path(root)

    def text(self, base, source):
        """As it is, with markers. The base "plain" has the plain answers."""
        path = self.root / base / source
        if base == "plain":
            module, name = source.split("/")
            path = self.root / "solutions" / module / "plain" / name
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise PlantError(
                f"{source}: there is no such file to change in {base}/"
            ) from error

    def changed(self, path):
        """{source: text} of what the case at `path` changes, and the task."""
        if planted_bug.is_one(path):
            bug = planted_bug.read(path)
            solution = self.text("solutions", bug.source)
            return {bug.source: plant(bug, solution)}, task_of(bug, solution)
        base, edits = _edits_of(path)
        files = {}
        for edit in edits:
            source = edit["file"]
            if "take_from" in edit:
                files[source] = self.text(edit["take_from"], source)
                continue
            if source not in files and "text" not in edit:
                files[source] = _unmarked(source, self.text(base, source))
            files[source] = apply(edit, files.get(source, ""))
        return files, ""

    def submission(self, path):
        """{source: text} of all that the author of the case hands in."""
        base = "solutions"
        if not planted_bug.is_one(path):
            base, _ = _edits_of(path)
        handed_in = {}
        for module in sorted((self.root / "modules").glob("*/module.toml")):
            fields = tomllib.loads(module.read_text(encoding="utf-8"))
            for name in fields["files"] + fields.get("papers", []):
                source = f"{module.parent.name}/{name}"
                handed_in[source] = _unmarked(source, self.text(base, source))
        return handed_in | self.changed(path)[0]


def _edited(path, source, text):
    """One file of a case, from the present text of the solution."""
    if planted_bug.is_one(path):
        bug = planted_bug.read(path)
        if bug.source != source:
            raise PlantError(f"{path} edits {bug.source}, not {source}")
        return plant(bug, text)
    edits = [edit for edit in _edits_of(path)[1] if edit["file"] == source]
    if not edits:
        raise PlantError(f"{path} does not edit {source}")
    text = _unmarked(source, text)
    for edit in edits:
        if "take_from" in edit:
            raise PlantError(f"{path}: {source} is another file's text")
        text = apply(edit, text)
    return text


def _write_file(arguments):
    text = arguments.solution.read_text(encoding="utf-8")
    arguments.output.write_text(
        _edited(arguments.case, arguments.source, text), encoding="utf-8"
    )


def _write_changes(arguments):
    changes = {}
    for path in arguments.cases:
        files, task = Tree(arguments.folder).changed(path)
        changes[str(path)] = {"task": task, "files": files}
    arguments.output.write_text(json.dumps(changes), encoding="utf-8")


def _write_submission(arguments):
    files = Tree(arguments.folder).submission(arguments.case)
    for source, text in files.items():
        target = arguments.output / source
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _parser():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(required=True)

    def command(name, run, **words):
        one = commands.add_parser(name)
        one.set_defaults(run=run)
        for word, options in words.items():
            one.add_argument(word, **options)

    path = {"type": pathlib.Path}
    command(
        "file", _write_file, case=path, source={}, solution=path, output=path
    )
    command(
        "changes",
        _write_changes,
        folder=path,
        output=path,
        cases=path | {"nargs": "+", "metavar": "case"},
    )
    command(
        "submission", _write_submission, folder=path, output=path, case=path
    )
    return parser


def main():
    arguments = _parser().parse_args()
    try:
        arguments.run(arguments)
    except (
        PlantError,
        planted_bug.PlantedBugError,
        regions.MarkerError,
        tomllib.TOMLDecodeError,
    ) as error:
        sys.exit(f"plant: {error}")


if __name__ == "__main__":
    main()
