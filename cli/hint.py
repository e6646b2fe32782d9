#!/usr/bin/env python3
"""./kvlab hint TASK [LEVEL]: what helps when a task does not go on.

There are three levels: a question, the idea, the steps. Each call prints one,
the first unless LEVEL is given. Nothing counts them, and none is the code.

  ./kvlab hint 3.6
  ./kvlab hint 3.6 2
"""

import argparse
import pathlib
import sys
import textwrap
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cli import course_tasks  # pylint: disable=wrong-import-position

LEVELS = ("a question", "the idea", "the steps")


class HintError(Exception):
    """Why there is no hint, and what to do."""


def hints(root):
    """{"3.6": [question, idea, steps]} of all modules."""
    found = {}
    for folder in course_tasks.modules(root).values():
        path = folder / "hints.toml"
        if path.is_file():
            found |= tomllib.loads(path.read_text(encoding="utf-8"))
    return found


def hint(task, level):
    """The text of one hint."""
    known = hints(ROOT)
    if task not in known:
        raise HintError(
            f"there is no hint for task '{task}'\n"
            f"  fix: there are hints for {', '.join(known)}"
        )
    if not 1 <= level <= len(known[task]):
        raise HintError(
            f"there is no level {level}\n"
            f"  fix: levels are 1 to {len(known[task])}: {', '.join(LEVELS)}"
        )
    return known[task][level - 1]


def main():
    parser = argparse.ArgumentParser(
        prog="kvlab hint",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task")
    parser.add_argument("level", nargs="?", type=int, default=1)
    parsed = parser.parse_args()
    try:
        text = hint(parsed.task, parsed.level)
    except HintError as error:
        print(f"kvlab hint: {error}", file=sys.stderr)
        return 2
    print(f"Task {parsed.task}, {LEVELS[parsed.level - 1]}:")
    print(textwrap.fill(text, 78, initial_indent="  ", subsequent_indent="  "))
    if parsed.level < len(LEVELS):
        following = parsed.level + 1
        print(
            f"\nMore, {LEVELS[following - 1]}: "
            f"./kvlab hint {parsed.task} {following}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
