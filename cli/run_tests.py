#!/usr/bin/env python3
"""./kvlab test [MODULE | TASK] [--watch] [--all] [OPTION...]

Runs tests with Bazel and summarises the results: all of them, those of a module
(3), or those of one task (3.4). Of failures that have one cause in common it
shows the clearest; --all shows all. --watch runs them again whenever you save
one of your files, and shows only what changed. Other options go to Bazel, for
example --config=sanitize or --test_filter='LayerCacheTest.*'.

Exit status 0 if all tests pass, 1 if not, 2 if nothing was asked for that could
be run.
"""

import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cli import course_tasks  # pylint: disable=wrong-import-position
from cli import last_results  # pylint: disable=wrong-import-position
from cli import pipes  # pylint: disable=wrong-import-position
from cli import sanitizer_report  # pylint: disable=wrong-import-position
from cli import test_names  # pylint: disable=wrong-import-position
from cli import test_reports  # pylint: disable=wrong-import-position
from cli import test_results  # pylint: disable=wrong-import-position
from cli import test_sources  # pylint: disable=wrong-import-position

SHOWN_NAMES = 3
SHOWN_LINES = 24  # of one failure
SANITIZED = "-sanitize/"  # in the path of a log
UNWRITTEN = "is not implemented yet"  # in a stub's message


class UsageError(Exception):
    """What cannot be run: what, why it matters, and what to do."""


def run_bazel(patterns, options):
    """Runs the tests; returns Bazel's exit status and its build events."""
    before = test_sources.digests(ROOT)
    with tempfile.TemporaryDirectory(prefix="kvlab-test-") as folder:
        events = pathlib.Path(folder) / "events.json"
        command = [
            "bazel",
            "test",
            *os.environ["KVLAB_BAZEL_OPTIONS"].split(),
            "--keep_going",
            f"--build_event_json_file={events}",
            *options,
            "--",
            *patterns,
        ]
        status = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False
        ).returncode
        lines = (
            events.read_text(encoding="utf-8").splitlines()
            if events.exists()
            else []
        )
        found = test_results.read_events(lines)
    whole = not any(word.startswith("--test_filter") for word in options)
    last_results.remember(ROOT, found.values(), before, whole)
    return status, found


def verdict(target):
    if not target.builds:
        return "does not build"
    if target.passed:
        return "passes"
    if not target.ended:
        late = target.failures[-1].end == test_reports.LATE
        end = "ran out of time" if late else "crashed"
        before, failed = target.tests - 1, len(target.failures) - 1
        if before == 0:
            return f"{end}, in its first test"
        return f"{end}; {before - failed} of {before} tests passed before that"
    if target.status in ("FAILED", "FAILED_TO_BUILD") and target.failures:
        return f"{len(target.failures)} of {target.tests} tests fail"
    return {
        "TIMEOUT": "ran out of time",
        "": "did not run",
        "NO_STATUS": "did not run",
    }.get(target.status, "fails")


def task_of(target, test):
    """The number of the first task whose tests include this one; or ""."""
    folder = ROOT / target.package.lstrip("/")
    if not (folder / "module.toml").is_file():
        return ""
    for task in course_tasks.tasks_of(folder):
        if task.label == target.label and task.selects(test):
            return task.number
    return ""


def groups_of(target, everything):
    """[(task, names, message)] of the failures: one for each cause, by task; of
    the names, the clearest first.

    Failures with the same message, such as a stub's, have one cause. So, as a
    rule, have those of one task: the first is shown, unless `everything` is.
    """
    shown = [each for each in target.failures if each.message]
    messages = {
        each.test: each.whole if everything and each.whole else each.message
        for each in shown
    }
    times = {each.test: each.times for each in shown}
    by_message = {}
    for test in test_names.clearest_first(messages, times):
        by_message.setdefault(messages[test], []).append(test)
    groups = {}
    for message, names in by_message.items():
        task = task_of(target, names[0])
        alike = everything or not task or UNWRITTEN in message
        key = message if alike else task
        groups.setdefault(key, (task, [], message))[1].extend(names)
    return sorted(groups.values(), key=lambda group: task_order(group[0]))


def task_order(task):
    """Tasks in the order of the course; what belongs to none comes last."""
    return [int(part) for part in task.split(".")] if task else [math.inf]


def print_failures(target, everything):
    for task, names, message in groups_of(target, everything):
        more = len(names) - SHOWN_NAMES
        if everything or not task or UNWRITTEN in message:
            shown = ", ".join(names[:SHOWN_NAMES])
            shown += f" and {more} more" if more > 0 else ""
        else:
            shown = names[0]
        print(f"  {shown}")
        lines = message.splitlines()
        cut = None if everything else SHOWN_LINES
        for line in lines[:cut]:
            print(f"    {line}")
        if not everything and len(lines) > SHOWN_LINES:
            print(f"    ... {len(lines) - SHOWN_LINES} more lines: --all")
        if shown == names[0] and len(names) > 1:
            print(
                f"  +{len(names) - 1} more of task {task}, mostly for the same "
                f"reason: {', '.join(names[1:4])}"
                + (", ..." if len(names) > 4 else "")
            )


def print_log_end(target):
    """For a test that did not end: where, and what a sanitizer found, or else
    its last lines."""
    last = target.failures[-1] if target.failures else None
    try:
        log = pathlib.Path(target.log).read_text(
            encoding="utf-8", errors="replace"
        )
    except OSError:
        log = ""
    lines = sanitizer_report.excerpt(log)
    what = "what the sanitizer found" if lines else "its last lines"
    crashed = False
    if last and last.end:
        crashed = last.end == test_reports.CRASH
        end = "crashed" if crashed else "was stopped"
        print(f"  it {end} in {last.test}; {what}:")
        lines = lines or target.cases[-1].last_lines.splitlines()
    else:
        lines = lines or log.splitlines()[-test_reports.LAST_LINES :]
    for line in lines:
        print(f"    {line}")
    if SANITIZED in target.log:
        print(f"  all of it: {target.log}")
    elif crashed:
        print(
            "  where memory is misused, if it is: the same command with "
            "--config=sanitize"
        )


def print_targets(targets, everything=False):
    width = max(len(target.label) for target in targets)
    for target in targets:
        tests = f"   {target.tests} tests" if target.passed else ""
        print(f"{target.label:{width}}   {verdict(target)}{tests}")
    for target in targets:
        if target.builds and not target.passed:
            print(f"\n{target.label}: {verdict(target)}")
            print_failures(target, everything)
            if target.status and (not target.failures or not target.ended):
                print_log_end(target)


def print_ground(number, targets):
    """One line for each module that `number` needs."""
    for below, folder in course_tasks.modules(ROOT).items():
        if below >= number:
            break
        mine = [t for t in targets if t.package == f"//modules/{folder.name}"]
        broken = [t for t in mine if not t.passed]
        title = course_tasks.title(folder).lower()
        if not mine:
            print(f"module {below}, {title}: has no tests")
        elif not broken:
            tests = sum(t.tests for t in mine)
            print(f"module {below}, {title}: all {tests} tests pass")
        else:
            what = "; ".join(
                f"{t.label.split(':')[1]}: {verdict(t)}" for t in broken
            )
            print(
                f"module {below}, {title}: NOT DONE ({what}); module "
                f"{number} needs it: ./kvlab test {below}"
            )


def tests_named(options, folders):
    """Labels of the tests in which a --test_filter among `options` selects one.

    A test program of which a filter selects nothing passes; a mistyped filter
    must not. None if there is no such option.
    """
    filters = [
        option.split("=", 1)[1]
        for option in options
        if option.startswith("--test_filter=")
    ]
    if not filters:
        return None
    sources = {
        f"//modules/{folder.name}:{path.stem}": test_names.read(path)
        for folder in folders
        for path in sorted(folder.glob("*_test.cc"))
    }
    found = [
        label
        for label, names in sources.items()
        if any(test_names.may_select(filters[-1], each) for each in names)
    ]
    if not found:
        closest = test_names.closest(
            filters[-1], [name for names in sources.values() for name in names]
        )
        elsewhere = [
            number
            for number, folder in course_tasks.modules(ROOT).items()
            for path in folder.glob("*_test.cc")
            if any(
                test_names.may_select(filters[-1], each)
                for each in test_names.read(path)
            )
        ]
        raise UsageError(
            f"no test matches --test_filter='{filters[-1]}'\n"
            "  why: nothing would run, and nothing fail\n"
            + (
                f"  fix: module {elsewhere[0]} has it: ./kvlab test "
                f"{elsewhere[0]} --test_filter='{filters[-1]}'"
                if elsewhere
                else f"  fix: the names are Suite.Name, such as {closest}"
            )
        )
    return found


def task_named(number, root=ROOT):
    """The task, which has tests."""
    folders = course_tasks.modules(root)
    folder = folders.get(int(number.split(".")[0]))
    if folder is None:
        raise UsageError(
            f"there is no module {number.split('.')[0]}\n"
            f"  fix: the modules are {', '.join(map(str, folders))}"
        )
    tasks = {task.number: task for task in course_tasks.tasks_of(folder)}
    if number not in tasks:
        raise UsageError(
            f"there is no task {number}\n"
            f"  fix: module {int(folder.name[:2])} has {', '.join(tasks)}"
        )
    if not tasks[number].target:
        raise UsageError(
            f"task {number} has no tests of its own: {tasks[number].writes}\n"
            "  why: the grader judges it\n"
            f"  fix: modules/{folder.name}/README.md says how to try it"
        )
    return tasks[number]


@dataclass
class Request:
    """What is to be run."""

    patterns: list  # of Bazel
    options: list  # likewise
    module: int = 0  # 0: the whole course
    task: str = ""
    everything: bool = False
    is_whole: bool = False  # all tests of the module, and of those before it


def parse(arguments):
    """The request that the words of the command line make."""
    options = [word for word in arguments if word not in ("--watch", "--all")]
    request = Request(["//..."], options, everything="--all" in arguments)
    word = ""
    if options and not options[0].startswith("-"):
        word = options.pop(0)
    surplus = [each for each in options if not each.startswith("-")]
    if surplus:
        raise UsageError(
            f"'{surplus[0]}' is neither the first word, a module or a task, "
            "nor an option"
        )
    folders = course_tasks.modules(ROOT)
    if "." in word:
        task = task_named(word)
        request.module, request.task = int(word.split(".")[0]), task.number
        request.patterns = [task.label]
        options.append(f"--test_filter={task.filter}")
    elif word:
        request.module = int(word)
        needed = [f for n, f in folders.items() if n <= request.module]
        chosen = tests_named(options, [folders[request.module]])
        request.is_whole = chosen is None
        request.patterns = chosen or [
            f"//modules/{folder.name}:all" for folder in needed
        ]
    if word:
        options.append("--build_tests_only")
    return request


def show(request, targets):
    """Prints what was found; returns (tests passed, tests failed)."""
    shown = targets
    if request.is_whole:
        folder = course_tasks.modules(ROOT)[request.module]
        print_ground(request.module, targets)
        own = f"//modules/{folder.name}"
        shown = [target for target in targets if target.package == own]
    if shown:
        print_targets(shown, request.everything)
    passed = sum(target.tests for target in targets if target.passed)
    failing = [target for target in targets if not target.passed]
    failed = sum(max(1, len(target.failures)) for target in failing)
    passed += sum(t.tests - len(t.failures) for t in failing if t.failures)
    return passed, failed


def ground_in_doubt(number, root=ROOT):
    """One line for each module that `number` needs and whose last results are
    red, or older than its files: where the cause may be as well. Nothing of a
    module that was not tested yet."""
    known, lines = last_results.read(root), []
    for below, folder in course_tasks.modules(root).items():
        if below >= number:
            break
        results = {
            label: known[label].values()
            for label in course_tasks.labels(folder)
            if label in known
        }
        edited = any(
            each.files != test_sources.digest(root, label)
            for label, tests in results.items()
            for each in tests
        )
        red = any(
            not each.passed for tests in results.values() for each in tests
        )
        if edited or red:
            what = "was edited since its last test" if edited else "is red"
            title = course_tasks.title(folder).lower()
            lines.append(
                f"module {below}, {title}, which module {number} needs, "
                f"{what}: ./kvlab test {below}"
            )
    return lines


def first_red_task(targets):
    """The number of the first task in which a test fails that met no stub, or
    ""; of tests that judge a student's own, ./kvlab why knows nothing."""
    red = {
        task_of(target, failure.test)
        for target in targets
        for failure in target.failures
        if UNWRITTEN not in failure.message
        and not test_names.judges_tests(failure.test)
    } - {""}
    return min(red, key=task_order, default="")


def run(request):
    """Runs once, and prints; the exit status."""
    status, found = run_bazel(request.patterns, request.options)
    targets = list(found.values())
    if not targets:
        print(
            f"kvlab test: Bazel found no tests (exit status {status})",
            file=sys.stderr,
        )
        return 1
    passed, failed = show(request, targets)
    print(f"\nkvlab test: {passed} passed, {failed} failed")
    red = first_red_task(targets)
    if request.task and failed:
        for line in ground_in_doubt(request.module):
            print(line)
    if request.module and red:
        print(f"what usually causes this, a step at a time: ./kvlab why {red}")
    if passed + failed == 0:
        print("kvlab test: no test ran, so nothing was found out")
        return 1
    return 0 if status == 0 and failed == 0 else 1


def saved_at():
    """When each file of the student was saved."""
    return {
        path: path.stat().st_mtime_ns
        for folder in course_tasks.modules(ROOT).values()
        for path in course_tasks.files(folder)
        if path.is_file()
    }


def results_of(targets):
    """{"//modules/..:kv_cache_test LayerCacheTest.X": "failing" ...}."""
    found = {}
    for target in targets:
        if not target.builds or not target.failures and not target.passed:
            found[target.label] = verdict(target)
        for failure in target.failures:
            found[f"{target.label} {failure.test}"] = "fails"
    return found


def changes(before, after):
    """Lines about what is different: what broke, then what was repaired."""
    broke = [name for name in after if name not in before]
    repaired = [name for name in before if name not in after]
    return [f"  NEW   {name} {after[name]}" for name in broke] + [
        f"  fixed {name}" for name in repaired
    ]


def watch(request):
    """Runs again after each edit, until it is interrupted."""
    known, before = saved_at(), None
    while True:
        began = time.monotonic()
        _, found = run_bazel(request.patterns, request.options)
        targets = list(found.values())
        after = results_of(targets)
        if before is None:
            show(request, targets)
        else:
            print("\n".join(changes(before, after) or ["  nothing changed"]))
            for target in targets:
                new = [
                    each
                    for each in target.failures
                    if f"{target.label} {each.test}" not in before
                ]
                target.failures = new[:1]
                print_failures(target, False)
        before = after
        count = f"{len(after)} failing" if after else "all pass"
        print(
            f"kvlab test: {count} ({time.monotonic() - began:.1f} s); "
            "waiting for you to save a file, Ctrl-C ends",
            flush=True,
        )
        try:
            while saved_at() == known:
                time.sleep(0.2)
        except KeyboardInterrupt:
            print()
            return 1 if after else 0
        edited = [
            str(p.relative_to(ROOT))
            for p in saved_at()
            if saved_at()[p] != known.get(p)
        ]
        known = saved_at()
        print(f"\n{', '.join(edited)}:")


def main(arguments):
    pipes.end_when_no_longer_read()
    try:
        request = parse(arguments)
    except UsageError as error:
        print(f"kvlab test: {error}", file=sys.stderr)
        return 2
    if "--watch" in arguments:
        return watch(request)
    return run(request)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
