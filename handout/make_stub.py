"""Generates a student's stub from an annotated solution.

In solutions/03_memoization/kv_cache.cc a task is written as

    void LayerCache::Append(const Tensor4& keys, const Tensor4& values) {
      CheckAppend(keys, values);  // given
      // TODO(3.3): copy the new rows after the rows held.
      // BEGIN SOLUTION LayerCache::Append
      ...
      // END SOLUTION
    }

and the stub keeps all of it except the region, which becomes

      throw NotImplemented("LayerCache::Append", "module 3, task 3");

Code that only the answer needs (helpers, includes) is between
`// BEGIN SOLUTION-ONLY` and `// END SOLUTION-ONLY`, and is removed.
"""

import argparse
import pathlib
import re
import sys

NOTICE = (
    "// Fill in the TODOs: the header says what is promised, "
    "README.md says why."
)

_BEGIN = re.compile(r"^(\s*)// BEGIN SOLUTION ([A-Za-z_][\w:~]*)$")
_END = re.compile(r"^\s*// END SOLUTION$")
_BEGIN_ONLY = re.compile(r"^\s*// BEGIN SOLUTION-ONLY$")
_END_ONLY = re.compile(r"^\s*// END SOLUTION-ONLY$")
_LOOKS_LIKE_MARKER = re.compile(r"\b(BEGIN|END)[\s_-]*SOLUTION", re.IGNORECASE)
_TODO = re.compile(r"^\s*// TODO\((\d+)\.(\d+)\): \S")
_ENDS_A_FUNCTION = re.compile(r"^(\}|namespace\b)")
_MODULE_FOLDER = re.compile(r"^(\d\d)_")


class StubError(Exception):
    """An invalid marker: file, line, what is wrong."""

    def __init__(self, path, line, message):
        super().__init__(f"{path}:{line}: {message}")


class _Region:
    """An open region: where it began and the text that replaces it."""

    def __init__(self, kind, line, replacement):
        self.kind = kind
        self.line = line
        self.replacement = replacement


class _StubCutter:
    """Walks over the lines of one solution and collects those of the stub."""

    def __init__(self, path):
        self.path = pathlib.PurePath(path)
        self.stub = []
        self.function = []  # lines since the last function or region ended
        self.region = None
        self.vanished_above = False  # a SOLUTION-ONLY region is just above
        self.tasks = 0

    def cut(self, text):
        for number, line in enumerate(text.splitlines(), start=1):
            self._take(number, line)
        if self.region:
            raise self._error(
                self.region.line, f"BEGIN {self.region.kind} is never ended"
            )
        if self.tasks == 0:
            raise self._error(
                1, "no BEGIN SOLUTION: nothing for a student to do"
            )
        return "\n".join([NOTICE, *self.stub]) + "\n"

    def _error(self, number, message):
        return StubError(self.path, number, message)

    def _take(self, number, line):
        if begin := _BEGIN.match(line):
            indent, name = begin.groups()
            self._open("SOLUTION", number, self._throw(number, indent, name))
        elif _BEGIN_ONLY.match(line):
            self._open("SOLUTION-ONLY", number, [])
        elif _END.match(line):
            self._close("SOLUTION", number)
        elif _END_ONLY.match(line):
            self._close("SOLUTION-ONLY", number)
        elif _LOOKS_LIKE_MARKER.search(line):
            raise self._error(
                number,
                (
                    "malformed marker; it must be alone on its line and is one "
                    "of '// BEGIN SOLUTION Class::Function', "
                    "'// END SOLUTION', "
                    "'// BEGIN SOLUTION-ONLY', '// END SOLUTION-ONLY'"
                ),
            )
        elif not self.region:
            self._keep(line)

    def _keep(self, line):
        # A removed region must not leave two blank lines.
        if self.vanished_above and line == "" and self.stub[-1:] in ([], [""]):
            return
        self.vanished_above = False
        self.stub.append(line)
        self.function.append(line)
        if _ENDS_A_FUNCTION.match(line):
            self.function = []

    def _open(self, kind, number, replacement):
        if self.region:
            raise self._error(
                number,
                (
                    f"BEGIN {kind} inside the {self.region.kind} region of "
                    f"line {self.region.line}; regions do not nest"
                ),
            )
        self.region = _Region(kind, number, replacement)

    def _close(self, kind, number):
        if not self.region or self.region.kind != kind:
            raise self._error(number, f"END {kind} without its BEGIN {kind}")
        self.stub += self.region.replacement
        if kind == "SOLUTION":
            self.tasks += 1
            self.function = []
        else:
            self.vanished_above = True
        self.region = None

    def _throw(self, number, indent, name):
        module, task = self._task_above(number)
        if not any(
            re.search(rf"(?<![\w:]){re.escape(name)}\(", line)
            for line in self.function
        ):
            raise self._error(
                number,
                (
                    f"the region is named {name}, but no '{name}(' is above it "
                    "in its function"
                ),
            )
        call = f"{indent}throw NotImplemented("
        where = f'"module {module}, task {task}");'
        line = f'{call}"{name}", {where}'
        if len(line) <= 80:
            return [line]
        return [f'{call}"{name}",', " " * len(call) + where]

    def _task_above(self, number):
        found = [todo for line in self.function if (todo := _TODO.match(line))]
        if not found:
            raise self._error(
                number,
                (
                    "no '// TODO(module.task): text' between this region and "
                    "the start of its function or the region before it"
                ),
            )
        module, task = found[-1].groups()
        folder = _MODULE_FOLDER.match(self.path.parent.name)
        if folder and int(folder.group(1)) != int(module):
            raise self._error(
                number,
                (f"TODO({module}.{task}) is in module {self.path.parent.name}"),
            )
        return module, task


def make_stub(text, path):
    """The stub for the solution `text`; `path` names it in errors."""
    if pathlib.PurePath(path).suffix != ".cc":
        raise StubError(
            path,
            1,
            "stubs are cut from .cc files; a header is "
            "the contract and holds no answer",
        )
    return _StubCutter(path).cut(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("solution", type=pathlib.Path)
    parser.add_argument("stub", type=pathlib.Path)
    arguments = parser.parse_args()
    try:
        stub = make_stub(
            arguments.solution.read_text(encoding="utf-8"), arguments.solution
        )
    except StubError as error:
        sys.exit(str(error))
    arguments.stub.write_text(stub, encoding="utf-8")


if __name__ == "__main__":
    main()
