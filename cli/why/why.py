#!/usr/bin/env python3
"""./kvlab why [MODULE | TASK] [--first]

Compares how your tests failed, each when it last ran, with some 300 known bugs,
and says a little more at each call: what is seen, where to look, which sentence
of the header is broken, what usually causes it, and what else might. It never
shows a line of an answer. --first begins again.

Runs nothing: ./kvlab test does. Without a module or a task it takes the first
red task that was tested since you edited its files.
"""

import argparse
import json
import pathlib
import re
import sys
import textwrap
import zlib
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

# pylint: disable=wrong-import-position
from cli import course_tasks, last_results, pipes, run_tests, test_names
from cli import test_sources
from cli.why import diagnosis, symptoms

STATE = pathlib.Path(".kvlab/why.json")  # below the course's folder
ALTERNATIVES = 3  # causes that are named, the first included
# Whose tensors ./kvlab trace compares, number by number.
TRACED_MODULES = (1, 2, 3)
# Ratios to name: a factor in the code causes them. Others say nothing.
FACTORS = ("-1", "0.125", "0.25", "0.5", "2", "4", "8")


@dataclass
class Scope:
    """What is asked about: a module, or one task of it."""

    folder: pathlib.Path  # modules/03_memoization
    task: course_tasks.Task | None = None

    @property
    def number(self):
        return self.task.number if self.task else str(int(self.folder.name[:2]))

    @property
    def name(self):
        return f"task {self.number}" if self.task else f"module {self.number}"

    def selects(self, test):
        return self.task is None or self.task.selects(test)


def run_of(root, scope):
    """What the last run of each of the scope's tests has shown."""
    labels = (
        [scope.task.label] if scope.task else course_tasks.labels(scope.folder)
    )
    known, found = last_results.read(root), []
    for label in labels:
        now = test_sources.digest(root, label)
        found += [
            (symptoms.without_number(test), result, result.files == now)
            for test, result in known.get(label, {}).items()
        ]
    found = [each for each in found if scope.selects(each[0])]
    # What failed before the last edit counts only if nothing did after it.
    if any(result.symptom and current for _, result, current in found):
        found = [each for each in found if each[2]]
    run = symptoms.Run(set(), [], [], all(each[2] for each in found))
    for test, result, _ in found:
        if result.unwritten:
            run.unwritten.append(test)
            continue
        run.ran.add(test)
        if result.symptom and test not in {e.test for e in run.failing}:
            run.failing.append(symptoms.from_json(result.symptom))
    # A student's own tests fail where the code is wrong; the others show it.
    run.failing = [
        each for each in run.failing if not test_names.judges_tests(each.test)
    ] or run.failing
    return run


def passed_elsewhere(root, scope):
    """Tests that passed and are not the task's: a bug that would fail them is
    not this one. Those of earlier tasks count also if they ran before the last
    edit, which was of this task as a rule; others only if after it."""
    if scope.task is None:
        return set()
    tasks = course_tasks.tasks_of(scope.folder)
    earlier = tasks[: tasks.index(scope.task)]
    passed, failed = set(), set()
    for label, tests in last_results.read(root).items():
        if label.split(":")[0] != f"//modules/{scope.folder.name}":
            continue
        now = test_sources.digest(root, label)
        for test, result in tests.items():
            if label == scope.task.label and scope.selects(test):
                continue
            if result.files == now or any(
                each.label == label and each.selects(test) for each in earlier
            ):
                name = symptoms.without_number(test)
                (passed if result.passed else failed).add(name)
    return passed - failed


def scope_named(root, word):
    """Raises UsageError for a module or task that is not there, and for a task
    that has no tests."""
    folders = course_tasks.modules(root)
    if re.fullmatch(r"\d+\.\d+", word):
        task = run_tests.task_named(word, root)
        return Scope(folders[int(word.split(".")[0])], task)
    if not re.fullmatch(r"\d+", word) or int(word) not in folders:
        raise run_tests.UsageError(
            f"'{word}' is neither a module nor a task\n"
            f"  fix: name a task, such as 3.4, or a module: "
            f"{', '.join(map(str, folders))}"
        )
    return Scope(folders[int(word)])


def first_red(root):
    """The first red task whose results are of the files as they are; else the
    first red one, or the module whose red tests are of no task; the last module
    that was tested if nothing is red, or None."""
    red, tested = [], None
    for folder in course_tasks.modules(root).values():
        tasks = [each for each in course_tasks.tasks_of(folder) if each.target]
        for scope in [*(Scope(folder, each) for each in tasks), Scope(folder)]:
            run = run_of(root, scope)
            if run.failing:
                red.append((scope, run))
            elif run.ran or run.unwritten:
                tested = Scope(folder)
    # A module is red with any of its tasks: it counts if no task is.
    current = [scope for scope, run in red if run.is_current]
    return next(
        (
            scope
            for several in (current, [scope for scope, _ in red])
            for scope in several
            if scope.task
        ),
        red[0][0] if red else tested,
    )


def stubs_left(scope):
    """The stubs of the scope's task that are still there."""
    return [
        function
        for path in course_tasks.files(scope.folder)
        for task, function in course_tasks.open_functions(
            path.read_text(encoding="utf-8", errors="replace")
        )
        if scope.task and task == scope.task.number
    ]


# ----- what is said


def seen(scope, run):
    """The first rung."""
    first = clearest(run.failing)
    count, total = len(run.failing), len(run.ran)
    tests = "test" if total == 1 else "tests"
    fail = "fails" if count == 1 else "fail"
    text = (
        f"{count} of {total} {tests} of {scope.name} {fail}. {first.test}: "
        f"{difference(first)}."
    )
    if first.means:
        text += f" {first.means}"
    if first.kind == symptoms.LATE:
        text += (
            " A loop in it never comes to its end, or threads wait for each "
            "other. Ctrl-C stops it where it is, and `thread apply all bt 4` "
            "names the lines:\n  "
            f"{debug_command(scope, first)}"
        )
    elif first.means or first.kind in (symptoms.CRASH, "dies"):
        text += f"\nIt stops there:\n  {debug_command(scope, first)}"
    return text


def debug_command(scope, symptom):
    """What stops at the first failure of a test."""
    test = symptom.test
    _, slash, suite = test.split(".")[0].rpartition("/")
    if slash and not suite.isdigit():
        test += "/*"  # a test with parameters
    return f"./kvlab debug {int(scope.folder.name[:2])} '{test}'"


def clearest(failing):
    by_name = {each.test: each for each in failing}
    times = {each.test: each.times for each in failing}
    return by_name[test_names.clearest_first(by_name, times)[0]]


def difference(symptom):
    """A clause about one failure."""
    kind = symptom.kind
    if kind == symptoms.CRASH:
        return "the program crashes in it"
    if kind == symptoms.LATE:
        return "it does not end in time"
    if kind.startswith("throws"):
        return of_an_error(symptom)
    if kind == "does not throw":
        return (
            f"{symptom.subject} throws nothing"
            if symptom.subject
            else "something that must be refused is accepted"
        )
    if kind == "touches memory":
        return "memory is read or written that must be left alone"
    if kind == "shape":
        of = f" of {symptom.subject}" if symptom.subject else ""
        return f"the shape{of} is {symptom.actual}, not {symptom.expected}"
    if kind == "dies" or kind.startswith("fails in a process"):
        what = "is ended by a signal" if kind == "dies" else "fails"
        said = symptom.said or symptom.context
        return f"a process that it starts {what}" + (
            f" ({said})" if said else ""
        )
    if not symptom.actual:
        return of_no_number(symptom)
    place = symptom.subject or "it"
    if symptom.index:
        of = f" of {symptom.subject}" if symptom.subject else ""
        place = f"element {list(symptom.index)}{of}"
    text = f"{place}, {symptom.said}"
    if not symptom.said.startswith("entry "):
        text = f"{place} {symptom.said}"
    if (
        symptom.ratio in FACTORS
        and symptom.expected not in ("1", "-1")
        and asks_for_a_number(symptom)
    ):
        text += f", {symptom.ratio} times as much"
    if symptom.context:
        text += f" ({symptom.context})"
    return text


def asks_for_a_number(symptom):
    """Whether one number is expected, not one that is less or another."""
    return not re.search(" where (less|more|at|anything) ", symptom.said)


def of_an_error(symptom):
    """A clause about an error that is thrown."""
    if symptom.kind == "throws another":
        return (
            f"{symptom.subject or 'it'} throws another error than expected"
            + (f" ({symptom.said})" if symptom.said else "")
        )
    said = f" ('{symptom.said}')" if symptom.said else ""
    return f"it throws an error{said}"


def of_no_number(symptom):
    """A clause about an assertion that compares no two numbers."""
    what = symptom.subject or symptom.check
    if symptom.said.startswith("is "):
        return f"{what} {symptom.said}"
    return symptom.said or f"{what} is not as expected"


def line_of(path, pattern):
    """The number of the first line that the pattern matches; 0 if none."""
    text = path.read_text(encoding="utf-8", errors="replace")
    found = re.search(pattern, text, re.M)
    return text.count("\n", 0, found.start()) + 1 if found else 0


def where(root, verdict):
    """The second rung."""
    name = f"modules/{verdict.file}"
    pattern = rf"^[^\s/].*\b{re.escape(verdict.function)}\("
    line = line_of(root / name, pattern)
    return (
        f"Look at {verdict.function}, in {name}"
        + (f":{line}" if line else "")
        + ", and at the helpers that it calls."
    )


def flat(text):
    """A header as one line without the marks of its comments, and for each
    character the number of its line."""
    words, lines = [], []
    for number, line in enumerate(text.splitlines(), 1):
        for word in re.sub(r"^\s*//|\s//\s", " ", line).split():
            words.append(word + " ")
            lines += [number] * (len(word) + 1)
    return "".join(words), lines


def contract(root, catalogue, verdict):
    """The third rung."""
    header, sentence = catalogue.sentence(verdict.function, verdict.cause)
    path = root / "modules" / header
    text, lines = flat(path.read_text(encoding="utf-8"))
    at = text.find(sentence)
    line = f":{lines[at]}" if at >= 0 else ""
    return f'modules/{header}{line} promises:\n  "{sentence}"'


def cause(catalogue, verdict):
    """The fourth rung."""
    if verdict.bug:
        text = f"{verdict.bug.title}. {verdict.bug.hint}"
        return "What usually causes this: " + text
    text = catalogue.causes[verdict.cause]["says"]
    return (
        "No known bug fails quite like this, so take it with care. Bugs that "
        "are similar have in common: " + text
    )


def listed(catalogue, found):
    """A line for each of several causes."""
    return [
        (
            f"- in {verdict.function}: {verdict.bug.title}"
            if verdict.bug
            else f"- {catalogue.causes[verdict.cause]['says']}"
        )
        for verdict in found
    ]


def alternatives(scope, catalogue, found):
    """The last rung."""
    lines = listed(catalogue, found[1:ALTERNATIVES])
    return "\n".join(["If it is not that, it might be this:", *lines]) + trace(
        scope
    )


def resemblances(scope, run, catalogue, found):
    """The last rung, where no cause stands out."""
    lines = listed(catalogue, found[:ALTERNATIVES])
    return "\n".join(
        [
            "I do not know this one. It resembles, from afar, bugs such as:",
            *lines,
            advice(scope, run),
        ]
    )


def named_after(root, module, run, catalogue):
    """The second and third rung where no known bug helps: the function that the
    tests are named after, and what it promises first. Empty if there is none.
    """
    its = diagnosis.first_of_its_tests(run.failing, catalogue, module)
    if its is None:
        return []
    verdict = diagnosis.Verdict("", *its, None, 0.0)
    return [where(root, verdict), contract(root, catalogue, verdict)]


def unknown(scope, run):
    """The last rung, where no known bug helps."""
    return (
        "I do not know this one: none of the known bugs fails in this way.\n"
        + advice(scope, run)
    )


def own_tests(scope):
    """Instead of the second rung, where tests are what was written."""
    hint = f"\nOr ask for a hint: ./kvlab hint {scope.number}"
    return (
        "These judge the tests that you wrote; no known bug is in a test. "
        "What each message says is all there is to know."
        + (hint if scope.task else "")
    )


def advice(scope, run):
    """What helps with bugs that are not known."""
    first = clearest(run.failing)
    hint = f"\nOr ask for a hint: ./kvlab hint {scope.number}"
    return (
        "Go to the first difference instead:\n"
        f"  {debug_command(scope, first)}\n"
        "It stops where the numbers differ; `print` shows tensors there. The "
        "test's name and its comments say which promise of the header it keeps."
        + trace(scope)
        + (hint if scope.task else "")
    )


def trace(scope):
    """A line about the trace, which knows no bug and needs none; "" if it does
    not reach the module."""
    if int(scope.folder.name[:2]) not in TRACED_MODULES:
        return ""
    return (
        "\nTo see where the numbers of a real model first go wrong (layer, "
        'position, head): ./kvlab trace "ROMEO:"'
    )


# ----- the ladder


def ladder(root, scope, run, catalogue):
    """What to say, rung by rung."""
    first = seen(scope, run)
    if all(test_names.judges_tests(each.test) for each in run.failing):
        return [first, own_tests(scope)]
    module = int(scope.folder.name[:2])
    ran = run.ran | passed_elsewhere(root, scope)
    found = diagnosis.verdicts(run.failing, module, catalogue, ran)
    if not found:
        return [
            first,
            *named_after(root, module, run, catalogue),
            unknown(scope, run),
        ]
    best = found[0]
    low = [first, where(root, best), contract(root, catalogue, best)]
    if not best.is_sure:
        return low + [resemblances(scope, run, catalogue, found)]
    high = [cause(catalogue, best)]
    if len(found) > 1:
        high.append(alternatives(scope, catalogue, found))
    else:
        high[0] += trace(scope)
    return low + high


def subject(failing, rungs):
    """What a ladder is about: the tests that fail, and what it says of it, less
    the numbers of lines, which edits move."""
    says = re.sub(r":\d+", "", "\n".join(rungs[1:]))
    return {
        "failing": sorted(each.test for each in failing),
        "says": zlib.crc32(says.encode()),
    }


def next_rung(path, scope, about, begin):
    """How many rungs of such a ladder were climbed; counts this call."""
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        state = {}
    last = state.get(scope.number, {})
    goes_on = not begin and about.items() <= last.items()
    climbed = last.get("climbed", 0) if goes_on else 0
    state[scope.number] = about | {"climbed": climbed + 1}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
    return climbed


def show(text):
    for line in text.splitlines():
        if line.startswith("  ./kvlab "):  # to be copied
            print(line)
            continue
        indent = re.match(r"[ -]*", line).group()
        print(
            textwrap.fill(
                line,
                width=80,
                subsequent_indent=" " * len(indent),
                break_long_words=False,
                break_on_hyphens=False,
            )
        )


def nothing_to_explain(scope, run):
    """Why there is none, or ""."""
    left = stubs_left(scope)
    if left:
        return (
            f"{scope.name} is not written yet: "
            f"{', '.join(dict.fromkeys(left))}\n"
            f"  Look for TODO({scope.number}) in modules/{scope.folder.name}"
        )
    if not run.ran and not run.unwritten:
        return (
            f"there is no result for {scope.name} yet\n"
            f"  ./kvlab test {scope.number}"
        )
    if not run.failing and not run.is_current:
        return (
            f"no test of {scope.name} failed when they last ran, but you have "
            "edited since, and the edit may not build\n"
            f"  ./kvlab test {scope.number}"
        )
    if not run.failing:
        waiting = len(run.unwritten)
        return f"no test of {scope.name} fails" + (
            f", except for {waiting} that met a task not written yet\n"
            "  ./kvlab status"
            if waiting
            else ""
        )
    return ""


def explain(root, options, catalogue):
    """Prints one rung; the exit status."""
    scope = scope_named(root, options.what) if options.what else first_red(root)
    if scope is None:
        print("kvlab why: no test has run yet\n  ./kvlab test")
        return 0
    run = run_of(root, scope)
    nothing = nothing_to_explain(scope, run)
    if nothing:
        print(f"kvlab why: {nothing}")
        return 0
    rungs = ladder(root, scope, run, catalogue)
    about = subject(run.failing, rungs)
    climbed = next_rung(root / STATE, scope, about, options.first)
    at = min(climbed, len(rungs) - 1)
    show(rungs[at])
    if not run.is_current:
        print(
            "\n(You have edited since these tests ran: ./kvlab test "
            f"{scope.number})"
        )
    if at + 1 < len(rungs):
        print(f"\nMore: ./kvlab why {scope.number}")
    elif climbed >= len(rungs):
        print(
            "\nThat is all that I know; ./kvlab why "
            f"{scope.number} --first begins again."
        )
    return 0


def main(arguments):
    pipes.end_when_no_longer_read()
    parser = argparse.ArgumentParser(
        prog="kvlab why",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", nargs="?", metavar="MODULE | TASK")
    parser.add_argument("--first", action="store_true", help="begin again")
    options = parser.parse_args(arguments)
    try:
        return explain(ROOT, options, diagnosis.read_catalogue())
    except run_tests.UsageError as error:
        print(f"kvlab why: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
