#!/usr/bin/env python3
"""./kvlab hint TASK [LEVEL]: what helps when a task does not go on.

There are three levels: a question, the idea, the steps. Each call prints the
next one; with LEVEL that one, also again. They cost nothing, and none is the
code.

  ./kvlab hint 3.6
  ./kvlab hint 3.6 1
"""

import argparse
import json
import os
import pathlib
import sys
import textwrap
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cli import course_tasks  # pylint: disable=wrong-import-position
from cli import pipes  # pylint: disable=wrong-import-position

LEVELS = ("a question", "the idea", "the steps")
# The highest level of each task that was shown, below the course's folder.
STATE = pathlib.Path(".kvlab/hints.json")


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


def shown_before(path):
    """{"3.6": 2}: the highest level of each task that was shown."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {task: int(level) for task, level in stored.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def next_level(path, task):
    """The level after the highest that was shown; the last again after it."""
    return min(shown_before(path).get(task, 0) + 1, len(LEVELS))


def remember(path, task, level):
    """Silent if the folder cannot be written: the level can be given."""
    known = shown_before(path)
    known[task] = max(level, known.get(task, 0))
    new = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps(known) + "\n", encoding="utf-8")
        os.replace(new, path)
    except OSError:
        return


def after(task, level):
    """What to say after a level: how to go on, or to see one again."""
    if level < len(LEVELS):
        return f"More, {LEVELS[level]}: ./kvlab hint {task}"
    return (
        "That was the last. A level again: "
        f"./kvlab hint {task} LEVEL, of 1 to {len(LEVELS)}"
    )


def main():
    pipes.end_when_no_longer_read()
    parser = argparse.ArgumentParser(
        prog="kvlab hint",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task")
    parser.add_argument("level", nargs="?", type=int)
    parsed = parser.parse_args()
    path = ROOT / STATE
    if parsed.level is None:
        parsed.level = next_level(path, parsed.task)
    try:
        text = hint(parsed.task, parsed.level)
    except HintError as error:
        print(f"kvlab hint: {error}", file=sys.stderr)
        return 2
    before = shown_before(path).get(parsed.task, 0)
    remember(path, parsed.task, parsed.level)
    print(f"Task {parsed.task}, {LEVELS[parsed.level - 1]}:")
    print(textwrap.fill(text, 78, initial_indent="  ", subsequent_indent="  "))
    print(f"\n{after(parsed.task, max(before, parsed.level))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
