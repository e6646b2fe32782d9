#!/usr/bin/env python3
"""./kvlab mutate: does a test, and does the grader, catch each mutant?

Makes mutants of the SOLUTION regions (operators.py), puts each to the tests of
its module and to the checks of the rubric that need no clock, and prints which
survive. Exit status 0 if each survivor is in allowed.toml and none of that
list was caught, 1 if not, 2 for a wrong command line.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import queue
import resource
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
sys.path.insert(0, str(ROOT))

# pylint: disable=wrong-import-position
from autograder.proof.mutate import allowed as allow_list
from autograder.proof.mutate import mutants as mutant_lists

PACKAGE = "autograder/proof/mutate"
KEPT = ROOT / ".kvlab" / "mutate"
RECENT = 3  # tests that caught the last mutants of a function go first
SLOW_TEST_MS = 30  # such tests go last
MEMORY_BYTES = 4 << 30
WALL_SECONDS = 300  # for what waits instead of working


@dataclass
class Outcome:
    mutant: mutant_lists.Mutant
    caught_by_test: str = ""  # its name; "": it survived
    caught_by_check: str = ""
    why: str = ""  # what the check's author would have read
    # Nothing was run: the mutation survives at every size, so at this one.
    follows: bool = False


class CampaignError(Exception):
    """The campaign itself is at fault."""


def parse_command_line():
    parser = argparse.ArgumentParser(
        prog="kvlab mutate",
        description="Makes mutants of the solutions and shows which survive.",
    )
    parser.add_argument(
        "--module",
        type=int,
        action="append",
        choices=mutant_lists.NUMBERS,
        help="only those of this module",
    )
    parser.add_argument(
        "--sample", type=int, metavar="N", help="only N of them"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        help="of the sample and of the checks' inputs (1)",
    )
    parser.add_argument(
        "--solutions",
        type=int,
        metavar="N",
        help="no mutants: the solutions, put to the checks "
        "with N seeds, of which none may fail them",
    )
    parser.add_argument(
        "--only",
        action="append",
        metavar="ID",
        help="only this one; --list shows all",
    )
    parser.add_argument(
        "--gate",
        type=int,
        action="append",
        metavar="SIZE",
        help="only those active from this size on; 0: always",
    )
    parser.add_argument(
        "--list", action="store_true", help="print the mutants and run none"
    )
    parser.add_argument(
        "--propose",
        action="store_true",
        help="print survivors as entries of allowed.toml, for "
        "which a kind and a reason are still to be found",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count(),
        help="how many at a time (all cores)",
    )
    parser.add_argument(
        "--programs", type=pathlib.Path, help=argparse.SUPPRESS
    )  # built already
    parser.add_argument(
        "--allowed",
        type=pathlib.Path,
        default=HERE / "allowed.toml",
        help=argparse.SUPPRESS,
    )
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=KEPT / "results.json",
        help="what became of each, as JSON",
    )
    options = parser.parse_args()
    if options.jobs < 1 or (options.sample or 1) < 1:
        parser.error("--jobs and --sample have to be 1 or more")
    return options


def build(folders, kinds):
    """Folder of the programs. Raises CampaignError."""
    bazel = os.environ.get("KVLAB_BAZEL_OPTIONS", "").split()
    targets = [
        f"//{PACKAGE}:{folder}_{kind}" for folder in folders for kind in kinds
    ]
    built = subprocess.run(
        ["bazel", "build", *bazel, f"//{PACKAGE}:judge", *targets],
        cwd=ROOT,
        check=False,
    )
    if built.returncode != 0:
        raise CampaignError("the mutants do not build")
    info = subprocess.run(
        ["bazel", "info", "bazel-bin"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return pathlib.Path(info.stdout.strip()) / PACKAGE


def runfiles(program):
    """The files that the build puts beside a program."""
    folder = pathlib.Path(f"{program}.runfiles")
    # With MODULE.bazel, Bazel calls every repository of its own "_main".
    own = folder / "_main"
    return own if own.exists() else folder / "kvlab"


class Tests:
    """The tests of a module, linked with its mutants."""

    def __init__(self, program):
        self.program = program
        self.folder = runfiles(program)
        self.cpu_seconds = 0
        self.slow = []  # tests that are left to the end
        self.recent = collections.defaultdict(list)

    def start(self, chosen, gtest_filter):
        """Exit status and output of the tests."""
        environment = {
            "KVLAB_MUTANT": chosen,
            "PATH": "/usr/bin:/bin",
            "KVLAB_MUTANT_BYTES": str(MEMORY_BYTES),
        }
        if self.cpu_seconds:
            environment["KVLAB_MUTANT_CPU_SECONDS"] = str(self.cpu_seconds)
        try:
            ran = subprocess.run(
                [
                    self.program,
                    "--gtest_fail_fast",
                    f"--gtest_filter={gtest_filter}",
                ],
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=WALL_SECONDS,
            )
            return ran.returncode, ran.stdout
        except subprocess.TimeoutExpired as late:
            return -1, (late.stdout or b"").decode()

    def run(self, chosen, gtest_filter="*"):
        """Which test failed; "" if none did."""
        status, output = self.start(chosen, gtest_filter)
        if status == 0:
            return ""
        last = "it did not start"
        for line in output.splitlines():
            words = line.split()
            if line.startswith("[  FAILED  ]") and len(words) > 3:
                return words[3].rstrip(",")
            if line.startswith("[ RUN      ]"):
                last = words[3]
        return last

    def try_out(self):
        """Raises CampaignError unless the solution passes."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        status, output = self.start("0", "*")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if status != 0:
            raise CampaignError(
                "without a mutant the tests fail:\n"
                + "\n".join(output.splitlines()[-5:])
            )
        used = after.ru_utime - before.ru_utime
        self.cpu_seconds = int(2 + 4 * used)
        for line in output.splitlines():
            words = line.split()
            if (
                line.startswith("[       OK ]")
                and int(words[-2].strip("(")) >= SLOW_TEST_MS
            ):
                self.slow.append(words[3])

    def catch(self, mutant):
        recent = self.recent[mutant.function]
        slow = [test for test in self.slow if test not in recent]
        others = recent + slow
        for gtest_filter in (
            ":".join(recent),
            f"*-{':'.join(others)}" if others else "*",
            ":".join(slow),
        ):
            caught = gtest_filter and self.run(mutant.chosen, gtest_filter)
            if caught:
                self.remember(mutant.function, caught)
                return caught
        return ""

    def remember(self, function, test):
        recent = [test] + [t for t in self.recent[function] if t != test]
        self.recent[function] = recent[:RECENT]


class Judge:
    """A process that puts checks to mutants."""

    def __init__(self, program, seed):
        self.process = subprocess.Popen(
            [program, str(seed)],
            cwd=runfiles(program),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ask(self, worker, parts, chosen, cpu_seconds, likely=()):
        line = "\t".join(
            [
                str(worker),
                ",".join(parts),
                chosen,
                str(cpu_seconds),
                ",".join(likely),
            ]
        )
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise CampaignError(f"the judge ended at: {line}")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Module:
    """What the mutants of one module meet."""

    def __init__(self, programs, folder):
        self.parts = mutant_lists.PARTS[folder]
        self.tests = Tests(programs / f"{folder}_tests")
        self.worker = programs / f"{folder}_worker"
        self.made = [
            mutant_lists.read(programs / folder / f"{path.stem}.json")
            for path in sorted(ROOT.glob(f"solutions/{folder}/*.cc"))
            if not path.stem.endswith("_tests")  # defs.bzl
        ]
        self.cpu_seconds = 60
        self.skipped = set()
        self.recent = collections.defaultdict(list)

    @property
    def mutants(self):
        return [mutant for made in self.made for mutant in made.mutants]

    def try_out(self, judge):
        self.tests.try_out()
        answer = judge.ask(self.worker, self.parts, "0", self.cpu_seconds)
        if answer["check"]:
            raise CampaignError(
                f"without a mutant {answer['check']} fails: " f"{answer['why']}"
            )
        self.skipped = set(answer["skipped"])
        self.cpu_seconds = int(2 + 4 * answer["longest_cpu_seconds"])

    def judge(self, judge, mutant):
        recent = self.recent[mutant.function]
        answer = judge.ask(
            self.worker, self.parts, mutant.chosen, self.cpu_seconds, recent
        )
        if surplus := set(answer["skipped"]) - self.skipped:
            raise CampaignError(f"{mutant}: {', '.join(surplus)} was skipped")
        check = answer["check"] or ""
        if check:
            self.recent[mutant.function] = (
                [check] + [c for c in recent if c != check]
            )[:RECENT]
        return check, answer.get("why", "")


class Campaign:
    def __init__(self, modules, allowed, judges, progress):
        self.modules = modules
        self.allowed = allowed
        self.judges = queue.Queue()
        for judge in judges:
            self.judges.put(judge)
        self.progress = progress

    def meet(self, group):
        """Outcomes of the mutants of one mutation, the one at every size
        first: if that survives, those from a size on do, unless the list of
        what may survive says otherwise."""
        judge = self.judges.get()
        outcomes, plain, at_every_size = [], None, True
        try:
            for mutant in group:
                outcome = Outcome(mutant)
                module = self.modules[mutant.folder]
                if not at_every_size or plain is None or plain.caught_by_test:
                    outcome.caught_by_test = module.tests.catch(mutant)
                if not at_every_size or plain is None or plain.caught_by_check:
                    outcome.caught_by_check, outcome.why = module.judge(
                        judge, mutant
                    )
                outcome.follows = (
                    at_every_size
                    and plain is not None
                    and not (plain.caught_by_test or plain.caught_by_check)
                )
                if not mutant.when:
                    plain = outcome
                    entry = self.allowed.find(mutant)
                    at_every_size = not (entry and entry.when)
                outcomes.append(outcome)
                self.progress(outcome)
        finally:
            self.judges.put(judge)
        return outcomes

    def run(self, mutants, jobs):
        groups = collections.defaultdict(list)
        for mutant in mutants:
            groups[mutant.mutation].append(mutant)
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            return [
                outcome
                for outcomes in pool.map(self.meet, groups.values())
                for outcome in outcomes
            ]


class Progress:
    def __init__(self, total, keep):
        self.total, self.done, self.survived = total, 0, 0
        self.keep = keep  # is given all outcomes now and then
        self.outcomes = []
        self.lock = threading.Lock()
        self.start = self.shown = time.monotonic()

    def __call__(self, outcome):
        with self.lock:
            self.done += 1
            self.outcomes.append(outcome)
            self.survived += not (
                outcome.caught_by_test and outcome.caught_by_check
            )
            now = time.monotonic()
            if now - self.shown < 15 and self.done < self.total:
                return
            self.shown = now
            self.keep(self.outcomes, now - self.start)
            print(
                f"kvlab mutate: {self.done} of {self.total} in "
                f"{now - self.start:.0f} s, {self.survived} survived tests "
                "or grader",
                file=sys.stderr,
                flush=True,
            )


def percent(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def judge_outcomes(outcomes, allowed, whole):
    """(lines about survivors and stale entries, is that a failure)."""
    lines = []
    for outcome in outcomes:
        entry = allowed.find(outcome.mutant)
        tests, grader = bool(outcome.caught_by_test), bool(
            outcome.caught_by_check
        )
        if entry:
            if entry.when in ("always", outcome.mutant.when) and entry.stale(
                tests, grader
            ):
                lines.append(
                    f"STALE    caught after all, take it from "
                    f"allowed.toml: {outcome.mutant}"
                )
            elif not entry.excuses(tests, grader):
                lines.append(
                    f"SURVIVOR of both, allowed for one: " f"{outcome.mutant}"
                )
        elif not outcome.follows and not (tests and grader):
            of = (
                "tests and grader"
                if not (tests or grader)
                else "the tests"
                if not tests
                else "the grader"
            )
            by = outcome.caught_by_test or outcome.caught_by_check
            lines.append(
                f"SURVIVOR of {of}: {outcome.mutant}"
                f"{f' (caught by {by})' if by else ''}"
            )
    if whole:
        mutants = [outcome.mutant for outcome in outcomes]
        lines += [
            f"STALE    no such mutant: {entry}"
            for entry in allowed.without_mutant(mutants)
        ]
    return lines


def table(modules, outcomes, allowed):
    rows = [
        (
            "module",
            "mutations",
            "dropped",
            "mutants",
            "equivalent",
            "by tests",
            "by grader",
        )
    ]
    totals = collections.Counter()
    for folder, module in modules.items():
        count = collections.Counter(
            mutations=sum(made.mutations for made in module.made),
            dropped=sum(made.dropped for made in module.made),
        )
        for outcome in outcomes:
            if outcome.mutant.folder != folder:
                continue
            entry = allowed.find(outcome.mutant)
            if entry and entry.kind == "equivalent":
                count["equivalent"] += 1
                continue
            count["mutants"] += 1
            count["tests"] += bool(outcome.caught_by_test)
            count["grader"] += bool(outcome.caught_by_check)
        totals.update(count)
        rows.append(_row(folder, count))
    rows.append(_row("all", totals))
    return rows


def _row(name, count):
    return (
        name,
        count["mutations"],
        count["dropped"],
        count["mutants"],
        count["equivalent"],
        percent(count["tests"], count["mutants"]),
        percent(count["grader"], count["mutants"]),
    )


def write(path, outcomes, seconds, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(
            {
                "seconds": round(seconds),
                "seed": seed,
                "outcomes": [
                    {
                        "id": o.mutant.id,
                        "file": o.mutant.file,
                        "line_number": o.mutant.line_number,
                        "function": o.mutant.function,
                        "operator": o.mutant.operator,
                        "before": o.mutant.before,
                        "after": o.mutant.after,
                        "line": o.mutant.line,
                        "ordinal": o.mutant.ordinal,
                        "when": o.mutant.when,
                        "caught_by_test": o.caught_by_test,
                        "caught_by_check": o.caught_by_check,
                        "why": o.why,
                        "follows": o.follows,
                    }
                    for o in outcomes
                ],
            },
            indent=1,
        ),
        encoding="utf-8",
    )


def choose(options, modules, allowed):
    """The mutants to run: a mutation that may survive at every size is run
    as it is and not from a size on."""
    mutants = []
    for module in modules.values():
        for mutant in module.mutants:
            entry = allowed.find(mutant)
            if not (entry and mutant.when and not entry.when):
                mutants.append(mutant)
    if options.gate:
        mutants = [m for m in mutants if m.gate in options.gate]
    if options.only:
        mutants = [m for m in mutants if m.id in options.only]
        if missing := set(options.only) - {m.id for m in mutants}:
            raise CampaignError(f"there is no mutant {', '.join(missing)}")
    if options.sample:
        mutants = mutant_lists.sample(
            [m for m in mutants if not allowed.find(m)],
            options.sample,
            options.seed,
        )
    return mutants


def try_solutions(options, programs, modules):
    """The checks that the solutions fail, or whose input cannot be drawn,
    with any seed: right code must not lose points by chance."""

    def with_seed(seed):
        judge = Judge(programs / "judge", seed)
        lines = []
        try:
            for folder, module in modules.items():
                answer = judge.ask(
                    module.worker, module.parts, "0", module.cpu_seconds
                )
                if answer["check"]:
                    lines.append(
                        f"seed {seed}, {folder}: {answer['check']} "
                        f"fails: {answer['why']}"
                    )
                lines += [
                    f"seed {seed}, {folder}: {check} could not be drawn: "
                    f"{why}"
                    for check, why in answer["skipped"].items()
                    if "cannot be counted here" not in why
                ]
        finally:
            judge.close()
        return lines

    seeds = range(options.seed, options.seed + options.solutions)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        lines = [line for found in pool.map(with_seed, seeds) for line in found]
    print(
        "\n".join(
            lines
            + [
                f"the solutions pass with {len(seeds)} seeds"
                if not lines
                else f"{len(lines)} failures"
            ]
        )
    )
    return 1 if lines else 0


def run(options):
    allowed = allow_list.Allowed(options.allowed.read_text(encoding="utf-8"))
    folders = [
        folder
        for folder in mutant_lists.PARTS
        if not options.module or int(folder[:2]) in options.module
    ]
    kinds = ("worker",) if options.solutions else ("tests", "worker")
    programs = options.programs or build(folders, kinds)
    modules = {folder: Module(programs, folder) for folder in folders}
    if options.solutions:
        return try_solutions(options, programs, modules)
    mutants = choose(options, modules, allowed)
    if options.list:
        print("\n".join(map(str, mutants)))
        return 0
    start = time.monotonic()
    judges = [
        Judge(programs / "judge", options.seed) for _ in range(options.jobs)
    ]
    try:
        for module in modules.values():
            module.try_out(judges[0])
        progress = Progress(
            len(mutants),
            lambda outcomes, seconds: write(
                options.out, outcomes, seconds, options.seed
            ),
        )
        campaign = Campaign(modules, allowed, judges, progress)
        outcomes = campaign.run(mutants, options.jobs)
    finally:
        for judge in judges:
            judge.close()
    seconds = time.monotonic() - start
    write(options.out, outcomes, seconds, options.seed)
    whole = not (options.sample or options.only or options.module)
    lines = judge_outcomes(outcomes, allowed, whole)
    if lines and not options.propose:
        print("\n".join(lines))
    if options.propose:
        print(
            allow_list.propose(
                [
                    (o.mutant, bool(o.caught_by_test), bool(o.caught_by_check))
                    for o in outcomes
                    if not o.follows
                    and not (o.caught_by_test and o.caught_by_check)
                    and not allowed.find(o.mutant)
                ]
            )
        )
    rows = table(modules, outcomes, allowed)
    widths = [
        max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))
    ]
    for row in rows:
        print(
            "  ".join(
                str(cell).ljust(width) for cell, width in zip(row, widths)
            ).rstrip()
        )
    skipped = sorted(set().union(*(m.skipped for m in modules.values())))
    print(
        f"{len(outcomes)} mutants in {seconds:.0f} s, seed {options.seed}; "
        f"not put to them: checks of speed, {', '.join(skipped) or 'no more'}"
    )
    return 1 if lines else 0


def main():
    options = parse_command_line()
    try:
        return run(options)
    except (CampaignError, allow_list.AllowedError) as error:
        print(f"kvlab mutate: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
