"""A solution with one planted bug.

A knockout is a file NN_module/planted_bugs/source/name.toml; the path says
which file of solutions/ it edits. It holds

    title      what is wrong, in a sentence
    errors     which of the errors in errors.toml it is an instance of
    find       the lines to replace, found once, inside a SOLUTION region
    replace    the lines that carry the bug
    caught_by  the test of the module that must fail (* for any ending)
    hint       what to say to the author of this error

As a program, for the build: knockout.py KNOCKOUT SOLUTION OUTPUT
"""

import pathlib
import re
import sys
import tomllib
from dataclasses import dataclass

_BEGIN = re.compile(r"^\s*// BEGIN SOLUTION")
_END = re.compile(r"^\s*// END SOLUTION")


class KnockoutError(Exception):
    """A knockout that cannot be read, or no longer fits its solution."""


@dataclass(frozen=True)
class Knockout:
    name: str  # as "03_memoization/kv_cache/name"
    title: str
    errors: list
    find: str
    replace: str
    caught_by: str
    hint: str
    # For graderlab: checks of the grader that lose points, the first of them
    # because of this bug, the others because of the first; others that do with
    # some inputs; and words from the report on the first.
    loses: tuple = ()
    may_lose: tuple = ()
    says: str = ""

    @property
    def source(self):
        """The file it edits, as "03_memoization/kv_cache.cc"."""
        return str(pathlib.PurePath(self.name).parent) + ".cc"


def _name(path):
    """judges/MODULE/planted_bugs/FILE/BUG.toml is MODULE/FILE/BUG."""
    module, _, file, bug = path.with_suffix("").parts[-4:]
    return f"{module}/{file}/{bug}"


def read(path):
    """The knockout in the file at `path`."""
    path = pathlib.Path(path)
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
        return Knockout(name=_name(path), **fields)
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise KnockoutError(f"{path}: {error}") from error


def _answers(text):
    """The solution with everything but its regions blanked out."""
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        if _END.match(line):
            inside = False
        kept.append(line if inside else " " * (len(line) - 1) + "\n")
        if _BEGIN.match(line):
            inside = True
    return "".join(kept)


def plant(knockout, solution):
    """The text of the solution with the bug in it, without the markers."""
    times = solution.count(knockout.find)
    if times != 1:
        raise KnockoutError(
            f"{knockout.name}: 'find' occurs {times} times in "
            f"solutions/{knockout.source}; it must occur exactly once"
        )
    if knockout.find not in _answers(solution):
        raise KnockoutError(
            f"{knockout.name}: 'find' is not inside a SOLUTION region of "
            f"solutions/{knockout.source}; a student cannot make this error"
        )
    return without_markers(solution.replace(knockout.find, knockout.replace))


def without_markers(solution):
    """The solution as a student would hand it in."""
    return "".join(
        line
        for line in solution.splitlines(keepends=True)
        if not _BEGIN.match(line) and not _END.match(line)
    )


def main():
    knockout, solution, output = map(pathlib.Path, sys.argv[1:])
    try:
        wrong = plant(read(knockout), solution.read_text(encoding="utf-8"))
    except KnockoutError as error:
        sys.exit(str(error))
    output.write_text(wrong, encoding="utf-8")


if __name__ == "__main__":
    main()
