"""Reads the markers of a solution: which lines are the answer to which task.

    void LayerCache::Append(const Tensor4& keys, const Tensor4& values) {
      CheckAppend(keys, values);  // given
      // TODO(3.3): copy the new rows after the rows held.
      // BEGIN SOLUTION LayerCache::Append
      ...
    }

The answer goes on to the brace that closes the function: to the first line that
is indented less than its marker. One that ends before is closed by
`// END SOLUTION`. Code that only the answer needs (helpers, includes) is
between `// BEGIN SOLUTION-ONLY` and `// END SOLUTION-ONLY`. Markers stand alone
on their lines, and regions do not nest.

All that cuts stubs, plants bugs or makes mutants reads markers here.
"""

import pathlib
import re
from dataclasses import dataclass

ANSWER = "SOLUTION"
HELPER = "SOLUTION-ONLY"

_BEGIN = re.compile(r"^(\s*)// BEGIN SOLUTION ([A-Za-z_][\w:~]*)$")
_END = re.compile(r"^\s*// END SOLUTION$")
_BEGIN_HELPER = re.compile(r"^\s*// BEGIN SOLUTION-ONLY$")
_END_HELPER = re.compile(r"^\s*// END SOLUTION-ONLY$")
_LOOKS_LIKE_MARKER = re.compile(r"\b(BEGIN|END)[\s_-]*SOLUTION", re.IGNORECASE)
_TODO = re.compile(r"^\s*// TODO\((\d+\.\d+)\): \S")
_ENDS_A_FUNCTION = re.compile(r"^(\}|namespace\b)")
_MODULE_FOLDER = re.compile(r"^(\d\d)_")


class MarkerError(Exception):
    """An invalid marker: file, line, what is wrong."""

    def __init__(self, path, line, message):
        super().__init__(f"{path}:{line}: {message}")


@dataclass(frozen=True)
class Region:
    """Lines of one region, counted from 0."""

    kind: str  # ANSWER or HELPER
    opened: int  # the BEGIN marker
    begin: int  # the first line of the answer
    end: int  # the line after the last of it
    after: int  # the line after the END marker; `end` if there is none
    # Of an answer; "" of a helper.
    function: str = ""  # "LayerCache::Append"
    task: str = ""  # "3.3"
    indent: str = ""  # the marker's


class _Reader:
    """Walks over the lines of one solution and collects its regions."""

    def __init__(self, path, lines):
        self.path = pathlib.PurePath(path)
        self.lines = lines
        self.regions = []
        self.function = []  # lines since the last function or region ended
        self.open = None  # kind, number of the marker's line, name, indent

    def read(self):
        for number, line in enumerate(self.lines):
            self._take(number, line)
        if self.open:
            raise self._error(
                self.open[1], f"BEGIN {self.open[0]} is never ended"
            )
        return self.regions

    def _error(self, number, message):
        return MarkerError(self.path, number + 1, message)

    def _take(self, number, line):
        if self._leaves_its_function(line):
            if not line.lstrip().startswith("}"):
                raise self._error(
                    number,
                    f"the region of line {self.open[1] + 1} ends where "
                    "its function does, at a line that begins with '}'; this "
                    "line is indented less than its marker: close the region "
                    "before with '// END SOLUTION'",
                )
            self._close(ANSWER, number, number)
        if begin := _BEGIN.match(line):
            self._open(ANSWER, number, begin.group(2), begin.group(1))
        elif _BEGIN_HELPER.match(line):
            self._open(HELPER, number, "", "")
        elif _END.match(line):
            self._expect_needed(number)
            self._close(ANSWER, number, number + 1)
        elif _END_HELPER.match(line):
            self._close(HELPER, number, number + 1)
        elif _LOOKS_LIKE_MARKER.search(line):
            raise self._error(
                number,
                "malformed marker; it must be alone on its line and is one "
                "of '// BEGIN SOLUTION Class::Function', '// END SOLUTION', "
                "'// BEGIN SOLUTION-ONLY', '// END SOLUTION-ONLY'",
            )
        elif not self.open:
            self.function.append(line)
            if _ENDS_A_FUNCTION.match(line):
                self.function = []

    def _leaves_its_function(self, line):
        """Whether an answer is open and `line` is outside of its block."""
        if not self.open or self.open[0] != ANSWER or not line.strip():
            return False
        indent = self.open[3]
        return len(line) - len(line.lstrip()) < len(indent)

    def _expect_needed(self, number):
        """An END marker just before the closing brace says nothing."""
        following = self.lines[number + 1 : number + 2]
        if self.open and following and self._leaves_its_function(following[0]):
            raise self._error(
                number,
                "END SOLUTION is for a region that ends before its function "
                "does: leave it out, the closing brace says the same",
            )

    def _open(self, kind, number, name, indent):
        if self.open:
            raise self._error(
                number,
                f"BEGIN {kind} inside the {self.open[0]} region of line "
                f"{self.open[1] + 1}; regions do not nest",
            )
        self.open = (kind, number, name, indent)

    def _close(self, kind, end, after):
        if not self.open or self.open[0] != kind:
            raise self._error(end, f"END {kind} without its BEGIN {kind}")
        _, opened, function, indent = self.open
        task = self._task(opened, function) if kind == ANSWER else ""
        self.regions.append(
            Region(
                kind=kind,
                opened=opened,
                begin=opened + 1,
                end=end,
                after=after,
                function=function,
                task=task,
                indent=indent,
            )
        )
        if kind == ANSWER:
            self.function = []
        self.open = None

    def _task(self, number, name):
        if not any(
            re.search(rf"(?<![\w:]){re.escape(name)}\(", line)
            for line in self.function
        ):
            raise self._error(
                number,
                f"the region is named {name}, but no '{name}(' is above it "
                "in its function",
            )
        found = [todo for line in self.function if (todo := _TODO.match(line))]
        if not found:
            raise self._error(
                number,
                "no '// TODO(module.task): text' between this region and "
                "the start of its function or the region before it",
            )
        task = found[-1].group(1)
        folder = _MODULE_FOLDER.match(self.path.parent.name)
        if folder and int(folder.group(1)) != int(task.split(".")[0]):
            raise self._error(
                number,
                f"TODO({task}) is in module {self.path.parent.name}",
            )
        return task


def read(text, path):
    """The regions of the solution `text`, in order; `path` names it in errors.

    Raises MarkerError, also if no task is in it.
    """
    regions = _Reader(path, text.splitlines()).read()
    if not any(region.kind == ANSWER for region in regions):
        raise MarkerError(
            path, 1, "no BEGIN SOLUTION: nothing for a student to do"
        )
    return regions


def without_markers(text, path):
    """The solution `text` as a student would hand it in."""
    lines = text.splitlines(keepends=True)
    marked = set()
    for region in read(text, path):
        marked.update({region.opened, *range(region.end, region.after)})
    return "".join(
        line for number, line in enumerate(lines) if number not in marked
    )


def answers(text, path):
    """The text of each region, of both kinds."""
    lines = text.splitlines(keepends=True)
    return [
        "".join(lines[region.begin : region.end]) for region in read(text, path)
    ]
