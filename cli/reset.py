#!/usr/bin/env python3
"""./kvlab reset TASK: puts the stub of a task back, to begin it again.

The functions of the task get the body that the handout gave them. Your file is
kept, as it was, below saved/; everything else in it stays.

  ./kvlab reset 3.3
"""

import argparse
import datetime
import itertools
import os
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cli import course_tasks  # pylint: disable=wrong-import-position
from cli import pipes  # pylint: disable=wrong-import-position

# The stubs as they were handed out; the repository has them in git.
HANDED_OUT = ".stubs"


class ResetError(Exception):
    """Why nothing was changed: what, why it matters, and what to do."""


@dataclass(frozen=True)
class Function:
    """A function definition that begins and ends at the start of a line."""

    head: str  # up to the brace, in single spaces
    text: str  # from its first line to its brace at the end
    begin: int  # where it is in the source
    end: int


_DEFINITION = re.compile(
    r"^(?!namespace\b)(?=\w)[^;{}#]*?\{(?:[^\n]*\}[ \t]*$|.*?^\})",
    re.MULTILINE | re.DOTALL,
)


def functions(source):
    """The functions of a source, in order.

    A body ends with a brace at the start of a line, as clang-format writes it.
    """
    found = []
    for match in _DEFINITION.finditer(source):
        text = match[0]
        head = " ".join(text.split("{", 1)[0].split())
        if "(" in head:
            found.append(Function(head, text, match.start(), match.end()))
    return found


def with_stub(mine, stubs, task):
    """`mine` with the functions of a task as they are in `stubs`."""
    wanted = [
        function
        for function in functions(stubs)
        if any(number == task for number, _ in _open(function.text))
    ]
    for stub in wanted:
        same = [each for each in functions(mine) if each.head == stub.head]
        if len(same) != 1:
            raise ResetError(
                f"your file has {len(same) or 'no'} functions "
                f"'{stub.head}'\n"
                "  why: the stub replaces the one of that name\n"
                "  fix: give it the head that its header declares, at the "
                "start of a line"
            )
        mine = mine[: same[0].begin] + stub.text + mine[same[0].end :]
    return mine, [stub.head for stub in wanted]


def _open(text):
    return course_tasks.open_functions(text)


def handed_out(path):
    """The text of a student's file as it was handed out."""
    name = path.relative_to(ROOT)
    kept = ROOT / HANDED_OUT / path.relative_to(ROOT / "modules")
    if kept.is_file():
        return kept.read_text(encoding="utf-8")
    run = subprocess.run(
        ["git", "show", f"HEAD:./{name}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        raise ResetError(
            f"{HANDED_OUT}/ is missing, and git does not know {name}\n"
            "  why: the stubs are copied from there\n"
            f"  fix: unpack the handout again, and copy {HANDED_OUT}/ from it"
        )
    return run.stdout


def keep(path, now):
    """Copies a file to saved/, under the time; returns the copy."""
    folder = ROOT / "saved" / path.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    for again in itertools.count(1):  # never over another copy
        number = f"-{again}" if again > 1 else ""
        name = f"{path.stem}-{now:%Y-%m-%d-%H.%M.%S}{number}{path.suffix}"
        try:
            with (folder / name).open("xb") as out:
                out.write(path.read_bytes())
            return folder / name
        except FileExistsError:
            continue
    raise AssertionError("there is always another number")


def replace(path, text):
    """The file has all of `text`, or what it had."""
    new = path.with_name(path.name + ".new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)


def reset(task, now):
    """Resets a task; returns lines that say what was done."""
    folders = course_tasks.modules(ROOT)
    number = task.split(".")[0]
    folder = folders.get(int(number)) if number.isdigit() else None
    if folder is None:
        raise ResetError(
            f"there is no task '{task}'\n"
            "  fix: ./kvlab status lists them, such as 1.1"
        )
    done = []
    for path in course_tasks.files(folder):
        mine = path.read_text(encoding="utf-8")
        text, heads = with_stub(mine, handed_out(path), task)
        if not heads:
            continue
        name = path.relative_to(ROOT)
        if text == mine:
            done.append(f"{name}: task {task} is still its stub")
            continue
        copy = keep(path, now)
        replace(path, text)
        back = "1 stub is" if len(heads) == 1 else f"{len(heads)} stubs are"
        done.append(f"{name}: {back} back")
        done.append(f"your file was kept: {copy.relative_to(ROOT)}")
    if not done:
        raise ResetError(
            f"no file of module {number} has a stub for task {task}\n"
            "  why: either there is no such task, or it asks for no function\n"
            "  fix: ./kvlab status lists the tasks"
        )
    return done


def main():
    pipes.end_when_no_longer_read()
    parser = argparse.ArgumentParser(
        prog="kvlab reset",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task")
    task = parser.parse_args().task
    try:
        for line in reset(task, datetime.datetime.now()):
            print(f"kvlab reset: {line}")
    except (ResetError, OSError) as error:
        print(f"kvlab reset: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
