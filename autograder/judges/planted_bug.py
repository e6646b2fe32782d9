"""A planted bug: an error that the tests and the checks must catch.

A planted bug is a file judges/NN_module/planted_bugs/FILE/NAME.toml; the path
says which file of solutions/ it edits. It holds

    title      what is wrong, in a sentence
    errors     which of the errors in errors.toml it is an instance of
    cause      which of the causes in causes.toml it has
    function   whose contract it breaks, if it is in a helper
    find       the lines to replace, found once, inside a region of the answer
    replace    the lines that carry the bug
    caught_by  the test of the module that must fail (* for any ending)
    hint       what to say to the author of this error
"""

import pathlib
import tomllib
from dataclasses import dataclass


class PlantedBugError(Exception):
    """A planted bug that cannot be read."""


@dataclass(frozen=True)
class PlantedBug:
    name: str  # as "03_memoization/kv_cache/name"
    title: str
    errors: list
    find: str
    replace: str
    caught_by: str
    hint: str
    cause: str
    function: str = ""
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


def is_one(path):
    """Whether the path is that of a planted bug, and not of another case."""
    return pathlib.PurePath(path).parts[-3:-2] == ("planted_bugs",)


def read(path):
    """The planted bug in the file at `path`. Raises PlantedBugError."""
    path = pathlib.Path(path)
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
        return PlantedBug(name=_name(path), **fields)
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise PlantedBugError(f"{path}: {error}") from error
