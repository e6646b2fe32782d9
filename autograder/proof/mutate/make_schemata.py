"""Writes a solution with all of its mutants in it, for the build.

    make_schemata.py SOLUTION SOURCE LIST FIRST_NUMBER COMPILER FLAG...

SOURCE is the C++ that results and LIST the mutants in it, as JSON. A mutant
that the compiler refuses is dropped; LIST says how many were.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

from autograder.proof.mutate import operators, schemata
from solutions.regions import MarkerError

HEADER = b'#include "autograder/proof/mutate/mutant.h"\n'
_ROUNDS = 40


class CompileError(Exception):
    """The source does not compile, and no mutant is at fault."""


def _position(line, path):
    """(line, column) if a line of the compiler's begins with a place in
    `path`."""
    if not line.startswith(path + ":"):
        return None
    numbers = line[len(path) + 1 :].split(":")
    if len(numbers) < 3 or not (numbers[0].isdigit() and numbers[1].isdigit()):
        return None
    return int(numbers[0]), int(numbers[1])


def places_of_errors(words, path):
    """For each error in what GCC wrote: its message and its places in `path`,
    the nearest first.

    An error inside a header comes after the lines that say from where it was
    required.
    """
    found, required = [], []
    for line in words.splitlines():
        place = _position(line, path)
        if ": error: " in line or ": fatal error: " in line:
            places = ([place] if place else []) + required[::-1]
            found.append((line, places))
            required = []
        elif place and ": note: " not in line:
            required.append(place)
    return found


def compile_errors(path, compiler, flags):
    """What keeps a file from compiling, as places_of_errors has it."""
    run = subprocess.run(
        [
            compiler,
            *flags,
            "-w",
            "-Wno-narrowing",
            "-fsyntax-only",
            "-fmax-errors=0",
            "-fdiagnostics-plain-output",
            "-fdiagnostics-column-unit=byte",
            path,
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"LC_ALL": "C"},
    )
    if run.returncode == 0:
        return []
    errors = places_of_errors(run.stderr, path)
    if not errors:
        raise CompileError(run.stderr)
    return errors


def _at_fault(errors, text, owners):
    """The mutations that own the places of the errors, by number."""
    lines, offset = [], 0
    for line in text.splitlines(keepends=True):
        lines.append(range(offset, offset + len(line)))
        offset += len(line)
    found = {}
    for _, places in errors:
        owner = None
        for line, column in places:
            owner = owner or schemata.owner_of(
                owners, lines[line - 1].start + column - 1, lines[line - 1]
            )
        if owner is not None:
            found[owner.number] = owner
    if not found:  # else the others may follow from these
        raise CompileError(errors[0][0])
    return found


def write(solution, output, first_number, compiler, flags):
    """Writes the source; returns the mutations in it and those dropped."""
    text = pathlib.Path(solution).read_text(encoding="utf-8")
    mutations, wraps = operators.find(solution, text, flags)
    for number, mutation in enumerate(mutations, start=first_number):
        mutation.number = number
    dropped = []
    for _ in range(_ROUNDS):
        body, owners = schemata.compose(text.encode(), mutations, wraps)
        owners = [
            schemata.Owned(
                own.begin + len(HEADER),
                own.end + len(HEADER),
                own.mutation,
                own.chosen,
            )
            for own in owners
        ]
        whole = HEADER + body
        pathlib.Path(output).write_bytes(whole)
        errors = compile_errors(output, compiler, flags)
        if not errors:
            return mutations, dropped
        found = _at_fault(errors, whole, owners)
        dropped += found.values()
        mutations = [m for m in mutations if m.number not in found]
    raise CompileError(f"still errors after {_ROUNDS} rounds")


def as_json(mutation, file):
    sizes = list(dict.fromkeys(mutation.sizes.values()))
    return {
        "number": mutation.number,
        "file": file,
        "function": mutation.function,
        "operator": mutation.operator,
        "before": mutation.before,
        "after": mutation.after,
        "line": mutation.line,
        "line_number": mutation.line_number,
        "ordinal": mutation.ordinal,
        "sizes": sizes,
        "gates": {
            str(gate): sizes.index(size)
            for gate, size in mutation.sizes.items()
        },
    }


def main():
    parser = argparse.ArgumentParser(prog="make_schemata")
    for name in ("solution", "source", "list", "first_number", "compiler"):
        parser.add_argument(name)
    parser.add_argument("flags", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    file = "/".join(pathlib.PurePath(options.solution).parts[-2:])
    try:
        mutations, dropped = write(
            options.solution,
            options.source,
            int(options.first_number),
            options.compiler,
            options.flags,
        )
    except (MarkerError, operators.ParseError, CompileError) as error:
        sys.exit(f"make_schemata: {options.solution}: {error}")
    pathlib.Path(options.list).write_text(
        json.dumps(
            {
                "file": file,
                "dropped": [as_json(m, file) for m in dropped],
                "mutants": [as_json(m, file) for m in mutations],
            },
            indent=1,
        ),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
