"""Generates a student's stub from an annotated solution.

In solutions/03_memoization/kv_cache.cc a task is written as

    void LayerCache::Append(const Tensor4& keys, const Tensor4& values) {
      CheckAppend(keys, values);  // given
      // TODO(3.3): copy the new rows after the rows held.
      // BEGIN SOLUTION LayerCache::Append
      ...
    }

and the stub keeps all of it except the region (see solutions/regions.py), which
becomes

      throw NotImplemented("LayerCache::Append", "module 3, task 3");

Code that only the answer needs, in SOLUTION-ONLY regions, is removed.
"""

import argparse
import pathlib
import sys

# As a program it is not on Python's path.
sys.path.insert(0, str(pathlib.Path(__file__).absolute().parent.parent))

# pylint: disable=wrong-import-position
from solutions import regions

NOTICE = (
    "// Fill in the TODOs: the header says what is promised, "
    "README.md says why."
)


def _throw(region):
    """The lines that replace an answer; the second if one is too long."""
    module, task = region.task.split(".")
    call = f"{region.indent}throw NotImplemented("
    where = f'"module {module}, task {task}");'
    line = f'{call}"{region.function}", {where}'
    if len(line) <= 80:
        return [line]
    return [f'{call}"{region.function}",', " " * len(call) + where]


def make_stub(text, path):
    """The stub for the solution `text`; `path` names it in errors."""
    if pathlib.PurePath(path).suffix != ".cc":
        raise regions.MarkerError(
            path,
            1,
            "stubs are cut from .cc files; a header is "
            "the contract and holds no answer",
        )
    lines = text.splitlines()
    stub, kept = [NOTICE], 0
    for region in regions.read(text, path):
        stub += lines[kept : region.opened]
        kept = region.after
        if region.kind == regions.ANSWER:
            stub += _throw(region)
        # A removed region must not leave two blank lines.
        elif lines[kept : kept + 1] == [""] and stub[-1] in ("", NOTICE):
            kept += 1
    return "\n".join(stub + lines[kept:]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("solution", type=pathlib.Path)
    parser.add_argument("stub", type=pathlib.Path)
    arguments = parser.parse_args()
    try:
        stub = make_stub(
            arguments.solution.read_text(encoding="utf-8"), arguments.solution
        )
    except regions.MarkerError as error:
        sys.exit(str(error))
    arguments.stub.write_text(stub, encoding="utf-8")


if __name__ == "__main__":
    main()
