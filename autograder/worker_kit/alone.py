#!/usr/bin/env python3
"""Archives of a module's answers in which one task can be replaced.

    alone.py OUT MODULE_ARCHIVES... -- SOURCES... -- RUBRICS...

Writes OUT/TASK.a for every task of SOURCES, the answers: the objects of the
archives, in which the functions of that task are weak. Linked before a
student's objects with --allow-multiple-definition, every function is the
reference's but those of the task, which are the student's (build_workers.h).

The markers of the answers say which functions a task has: solutions/regions.py.
The rubrics say which tasks have none, and measure the functions of others.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

from solutions import regions


def functions_of_tasks(text, path):
    """{"3.3": {"LayerCache::Append"}} of one source."""
    functions = {}
    for region in regions.read(text, path):
        if region.kind == regions.ANSWER:
            functions.setdefault(region.task, set()).add(region.function)
    return functions


def measures(rubric):
    """{"3.10": ["3.7", "3.8"]}: what tasks without functions measure."""
    return {
        task["id"]: task["measures"]
        for task in tomllib.loads(rubric).get("tasks", [])
        if "measures" in task
    }


def with_measured(functions, measured):
    """The same with the tasks that have no function of their own."""
    all_functions = dict(functions)
    for task, parts in measured.items():
        if all(part in functions for part in parts):
            all_functions[task] = set().union(*(functions[p] for p in parts))
    return all_functions


def symbols_of(names, defined):
    """Mangled names of functions in `defined`, {mangled: demangled}."""
    found = {}
    for mangled, demangled in defined.items():
        for name in names:
            if re.search(rf"(^|\s|::){re.escape(name)}(\[|\()", demangled):
                found.setdefault(name, []).append(mangled)
    if missing := set(names) - set(found):
        sys.exit(f"alone: no symbol of {', '.join(sorted(missing))}")
    return sorted(symbol for symbols in found.values() for symbol in symbols)


def _output(*command):
    return subprocess.run(
        command, check=True, text=True, capture_output=True
    ).stdout


def _defined(objects):
    symbols = [
        line.split()[0]
        for line in _output(
            "nm", "-P", "-g", "--defined-only", *objects
        ).splitlines()
        if len(line.split()) > 2 and line.split()[1] == "T"
    ]
    names = subprocess.run(
        ["c++filt"],
        input="\n".join(symbols),
        check=True,
        text=True,
        capture_output=True,
    ).stdout.splitlines()
    return dict(zip(symbols, names))


def main(out, archives, sources, rubrics):
    functions, measured = {}, {}
    for rubric in rubrics:
        measured |= measures(pathlib.Path(rubric).read_text(encoding="utf-8"))
    for source in sources:
        for task, names in functions_of_tasks(
            pathlib.Path(source).read_text(encoding="utf-8"), source
        ).items():
            functions.setdefault(task, set()).update(names)
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        objects = []
        for archive in archives:
            folder = pathlib.Path(scratch) / str(len(objects))
            folder.mkdir()
            subprocess.run(
                ["ar", "x", pathlib.Path(archive).resolve()],
                cwd=folder,
                check=True,
            )
            objects += sorted(folder.iterdir())
        defined = _defined(objects)
        for task, names in with_measured(functions, measured).items():
            weakened = []
            for number, one in enumerate(objects):
                copy = pathlib.Path(scratch) / f"{task}-{number}.o"
                flags = [
                    f"--weaken-symbol={symbol}"
                    for symbol in symbols_of(names, defined)
                ]
                subprocess.run(["objcopy", *flags, one, copy], check=True)
                weakened.append(copy)
            subprocess.run(
                ["ar", "rcD", out / f"{task}.a", *weakened], check=True
            )


if __name__ == "__main__":
    split = sys.argv.index("--")
    second = sys.argv.index("--", split + 1)
    main(
        sys.argv[1],
        sys.argv[2:split],
        sys.argv[split + 1 : second],
        sys.argv[second + 1 :],
    )
