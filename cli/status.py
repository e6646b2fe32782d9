#!/usr/bin/env python3
"""./kvlab status: how far you are, task by task, and what to do next.

Runs nothing: it reads your files and what ./kvlab test found out, so it takes
less than a second. A task is done when its stubs are gone and all of its tests
passed with its file, and the files that this one needs, as they are now.
"""

import argparse
import pathlib
import sys
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cli import course_tasks  # pylint: disable=wrong-import-position
from cli import last_results  # pylint: disable=wrong-import-position
from cli import pipes  # pylint: disable=wrong-import-position
from cli import test_names  # pylint: disable=wrong-import-position
from cli import test_sources  # pylint: disable=wrong-import-position

NOT_BEGUN, UNTESTED, EDITED, RED, DONE, GRADED = (
    "not begun",
    "not tested yet",
    "edited since its last test",
    "red",
    "done",
    "judged by the grader",
)


@dataclass
class Progress:
    task: course_tasks.Task
    state: str
    detail: str = ""


def judge(task, open_tasks, results, now):
    """The progress of one task; now: the digest of its test's files."""
    left = [
        function for number, function in open_tasks if number == task.number
    ]
    if left:
        return Progress(task, NOT_BEGUN, ", ".join(dict.fromkeys(left)))
    if not task.target:
        return Progress(task, GRADED)
    own = {
        test: result
        for test, result in results.get(task.label, {}).items()
        if task.selects(test)
    }
    if not own:
        return Progress(task, UNTESTED)
    failed = [test for test, result in own.items() if not result.passed]
    red = ""
    if failed:
        clearest = test_names.clearest_first(failed, last_results.times(own))[0]
        red = f"{len(failed)} of {len(own)} tests: {clearest}"
    if any(result.files != now for result in own.values()):
        return Progress(task, EDITED, red)
    return Progress(task, RED if failed else DONE, red)


def progress(root):
    """{folder: [Progress]} of every module."""
    found, results = {}, last_results.read(root)
    now = test_sources.digests(root)
    for folder in course_tasks.modules(root).values():
        left = [
            each
            for path in course_tasks.files(folder)
            for each in course_tasks.open_functions(
                path.read_text(encoding="utf-8", errors="replace")
            )
        ]
        found[folder] = [
            judge(task, left, results, now.get(task.label, ""))
            for task in course_tasks.tasks_of(folder)
        ]
    return found


def next_step(found):
    """The first task that is neither done nor the grader's; None if all are.

    One that was green before an edit of its file waits for a red one of its
    module, which is what the edit was for.
    """
    for tasks in found.values():
        open_tasks = [
            each for each in tasks if each.state not in (DONE, GRADED)
        ]
        first = open_tasks[0] if open_tasks else None
        if first and first.state == EDITED and not first.detail:
            red = [each for each in open_tasks if each.state == RED]
            return red[0] if red else first
        if first:
            return first
    return None


def _points(number):
    return f"{number:g} point" + ("" if number == 1 else "s")


def print_module(folder, tasks):
    earned = sum(each.task.points for each in tasks if each.state == DONE)
    total = sum(each.task.points for each in tasks)
    print(
        f"Module {int(folder.name[:2])}, {course_tasks.title(folder)}: "
        f"{earned:g} of {_points(total)}"
    )
    for each in tasks:
        detail = f" ({each.detail})" if each.detail else ""
        print(
            f"  {each.task.number:>4}  {each.state}{detail}"
            + ("" if each.state != GRADED else f": {each.task.writes}")
        )


def print_summary(found):
    everything = [each for tasks in found.values() for each in tasks]
    earned = sum(e.task.points for e in everything if e.state == DONE)
    total = sum(e.task.points for e in everything)
    print(
        f"\n{earned:g} of {_points(total)} of the modules by your own tests. "
        "The grader has more\nchecks than these, and judges speed and all "
        "modules together."
    )
    following = next_step(found)
    if following is None:
        print("Next: ./kvlab submit")
        return
    print(f"Next: {following.task.number}, {following.task.writes}.")
    if following.state == NOT_BEGUN:
        print(
            f"  Look for TODO({following.task.number}) in "
            f"modules/{following.task.folder}"
        )
    print(f"  ./kvlab test {following.task.number}")
    if following.state == RED:
        print(f"  ./kvlab why {following.task.number}")


def main():
    parser = argparse.ArgumentParser(
        prog="kvlab status", description=__doc__.split("\n", 1)[0]
    )
    parser.parse_args()
    pipes.end_when_no_longer_read()
    found = progress(ROOT)
    for folder, tasks in found.items():
        print_module(folder, tasks)
    print_summary(found)


if __name__ == "__main__":
    main()
