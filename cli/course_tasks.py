"""The tasks of the course, as the tables in the modules' READMEs list them, and
the stubs that are left in a student's file.

A task's tests are those of its target that its filter selects; a task that the
grader judges alone has neither.
"""

import fnmatch
import pathlib
import re
import tomllib
from dataclasses import dataclass

# A row such as
#   | 3.3 | `LayerCache::Append` | `kv_cache_test` | `'LayerCacheTest.A*'` | 5 |
# in which the target may be missing: then it is the module's only test.
_ROW = re.compile(
    r"^\| (\d+\.\d+) \| (.*?) \| (?:(.*?) \| )?(.*?) \| (\d+(?:\.\d+)?) \|$"
)
_FILTER = re.compile(r"^`'([^']+)'`$")
_TARGET = re.compile(r"^`(\w+_test)`$")

# What a function that is not written yet does.
STUB = re.compile(
    r'^\s*throw\s+NotImplemented\(\s*"([^"]+)",\s*"module (\d+), task (\d+)"\)',
    re.MULTILINE,
)


@dataclass(frozen=True)
class Task:
    number: str  # "3.3"
    writes: str  # what a student writes, as the table says it
    folder: str  # "03_memoization"
    target: str  # "kv_cache_test"; "" if only the grader judges it
    filter: str  # of GoogleTest; "" likewise
    points: float  # whole, or with a decimal

    @property
    def label(self):
        return f"//modules/{self.folder}:{self.target}"

    def selects(self, test):
        """Whether the filter selects "Suite.Name"."""
        return self.filter != "" and selects(self.filter, test)


def selects(pattern, test):
    """As --gtest_filter does: positive patterns, a '-', negative ones."""
    positive, _, negative = pattern.partition("-")

    def any_of(patterns):
        return any(
            fnmatch.fnmatchcase(test, each.replace("[", "[[]"))
            for each in patterns.split(":")
        )

    return any_of(positive or "*") and not (negative and any_of(negative))


def _targets(folder):
    return sorted(path.stem for path in folder.glob("*_test.cc"))


def labels(folder):
    """Those of a module's test programs."""
    return [f"//modules/{folder.name}:{name}" for name in _targets(folder)]


def tasks_of(folder):
    """The tasks in the README of a module's folder, in its order."""
    found = []
    text = (folder / "README.md").read_text(encoding="utf-8")
    for row in filter(None, map(_ROW.match, text.splitlines())):
        number, writes, target, chosen, points = row.groups()
        named = _TARGET.match(target or "")
        pattern = _FILTER.match(chosen)
        if pattern and not named:
            (only,) = _targets(folder)
        found.append(
            Task(
                number,
                writes.replace("`", ""),
                folder.name,
                (named[1] if named else only) if pattern else "",
                pattern[1] if pattern else "",
                float(points),
            )
        )
    return found


def modules(root):
    """{3: folder} of the modules below `root`, ordered by number."""
    found = {}
    for path in sorted(pathlib.Path(root).glob("modules/*/module.toml")):
        found[int(path.parent.name[:2])] = path.parent
    return found


def read(root):
    """All tasks of the course below `root`."""
    return [
        task for folder in modules(root).values() for task in tasks_of(folder)
    ]


def title(folder):
    return tomllib.loads((folder / "module.toml").read_text("utf-8"))["title"]


def files(folder):
    """The files of a module that are a student's."""
    listed = tomllib.loads((folder / "module.toml").read_text("utf-8"))
    return [folder / name for name in listed["files"]]


def open_functions(text):
    """The stubs left in a file, as ("3.3", "LayerCache::Append")."""
    return [
        (f"{module}.{task}", function)
        for function, module, task in STUB.findall(text)
    ]
