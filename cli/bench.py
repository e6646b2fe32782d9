#!/usr/bin/env python3
"""./kvlab bench [MODULE] [--compare] [--filter REGEX]

Runs the Google Benchmarks of a module, or of all, on the shipped model: tokens
and bytes per second, and the percentage of this machine's limit that binds,
reading or arithmetic. Beside it is the percentage that the reference reached on
another machine: percentages are comparable, seconds are not. For module 3 it
says what a token may take for full points, and what yours take.

  --compare            build the student's files and the reference, run them in
                       turns, and print how many times as fast the student's
                       are; needs the reference, so not in the handout
  --filter REGEX       only the benchmarks whose names match
  --write-reference    run several times and write the percentages to
                       modules/*/reference_benchmark.json
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cli import bench_results  # pylint: disable=wrong-import-position
from cli import pipes  # pylint: disable=wrong-import-position

REFERENCE = "reference_benchmark.json"
TEXT = "kit/testdata/tinyshakespeare/input.txt"  # the model was trained on
ROUNDS = 3


class BenchError(Exception):
    """An error that ends the run, with a message for the user."""


def modules(number):
    """Folders of the module with this number, or of all."""
    found = sorted((ROOT / "modules").glob("[0-9][0-9]_*"))
    return [f for f in found if number is None or int(f.name[:2]) == number]


def bazel(*words):
    options = os.environ["KVLAB_BAZEL_OPTIONS"].split()
    return ["bazel", words[0], *options, *words[1:]]


def build(module, copy, *options):
    """Builds a module's benchmark; returns a copy, since the next build with
    other options overwrites it."""
    label = f"//modules/{module.name}:benchmark"
    if (
        subprocess.run(
            bazel("build", *options, label), cwd=ROOT, check=False
        ).returncode
        != 0
    ):
        raise BenchError(f"{label} does not build")
    where = subprocess.run(
        ["bazel", "info", *options, "bazel-bin"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    shutil.copy(
        pathlib.Path(where.stdout.strip())
        / "modules"
        / module.name
        / "benchmark",
        copy,
    )
    return copy


def run(program, options, shown):
    """Runs all benchmarks of a program; returns its report, parsed JSON."""
    with tempfile.TemporaryDirectory(prefix="kvlab-bench-") as folder:
        report = pathlib.Path(folder) / "report.json"
        done = subprocess.run(
            [
                program,
                f"--model={ROOT / 'models' / 'shakespeare-gpt2'}",
                f"--text={ROOT / TEXT}",
                f"--benchmark_out={report}",
                "--benchmark_out_format=json",
                "--benchmark_counters_tabular=true",
                *options,
            ],
            check=False,
            stdout=None if shown else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode != 0:
            raise BenchError(
                f"the benchmark ended with status "
                f"{done.returncode}\n{done.stderr}"
            )
        text = report.read_text(encoding="utf-8")
        if not text:
            raise BenchError("no benchmark matches the filter")
        return json.loads(text)


def processor():
    with contextlib.suppress(OSError):
        text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
        if found := re.search(r"model name\s*:\s*(.+)", text):
            return found[1]
    return "an unknown processor"


def read_reference(module):
    """What --write-reference wrote; nothing yet for a new module."""
    with contextlib.suppress(FileNotFoundError):
        return json.loads((module / REFERENCE).read_text(encoding="utf-8"))
    return {"processor": "", "percent": {}}


def show(module, folder, options):
    print(f"module {int(module.name[:2])}, on {processor()}", flush=True)
    report = run(build(module, folder / "benchmark"), options, True)
    results = bench_results.read_report(report)
    reference = read_reference(module)
    table = bench_results.reference_table(results, reference["percent"])
    if reference["percent"] and table:
        print(f"\nThe reference was measured on {reference['processor']}:")
        print("\n".join(table))
    needed = bench_results.needed_table(report, results, reference["percent"])
    if needed:
        print("\nThe time that a token may take for full points, beside yours:")
        print("\n".join(needed))
    print()


def compare(module, folder, options):
    programs = {
        "student": build(module, folder / "student", "--config=student"),
        "reference": build(module, folder / "reference"),
    }
    runs = {name: [] for name in programs}
    for turn in range(ROUNDS):
        print(
            f"module {int(module.name[:2])}, round {turn + 1} of {ROUNDS}",
            file=sys.stderr,
        )
        order = list(programs) if turn % 2 == 0 else list(programs)[::-1]
        for name in order:
            report = run(programs[name], options, False)
            runs[name].append(bench_results.read_report(report))
    print(
        f"module {int(module.name[:2])}, on {processor()}, medians of "
        f"{ROUNDS} interleaved runs"
    )
    print(
        "\n".join(
            bench_results.speed_ratio_table(runs["student"], runs["reference"])
        )
    )
    print()


def write_reference(module, folder, options):
    program = build(module, folder / "benchmark")
    results = bench_results.medians(
        [
            bench_results.read_report(run(program, options, True))
            for _ in range(ROUNDS)
        ]
    )
    percent = {
        name: {
            roof: round(value, 1)
            for roof, value in result.percent.items()
            if value is not None
        }
        for name, result in results.items()
        if any(value is not None for value in result.percent.values())
    }
    number = int(module.name[:2])
    text = json.dumps(
        {
            "made_by": f"./kvlab bench {number} --write-reference",
            "processor": processor(),
            "percent": percent,
        },
        indent=2,
    )
    (module / REFERENCE).write_text(text + "\n", encoding="utf-8")
    print(f"wrote modules/{module.name}/{REFERENCE}")


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="kvlab bench",
        description=__doc__.split("\n", 2)[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="./kvlab bench [MODULE] [--compare] [--filter REGEX]",
    )
    parser.add_argument("module", nargs="?", type=int, help=argparse.SUPPRESS)
    parser.add_argument(
        "--compare", action="store_true", help=argparse.SUPPRESS
    )
    parser.add_argument("--filter", metavar="REGEX", help=argparse.SUPPRESS)
    parser.add_argument(
        "--write-reference", action="store_true", help=argparse.SUPPRESS
    )
    return parser.parse_args(arguments)


def main(arguments):
    pipes.end_when_no_longer_read()
    chosen = parse(arguments)
    if chosen.compare and not (ROOT / "solutions").exists():
        print(
            "kvlab bench: there is no reference to run here; without "
            "--compare its percentages are beside yours",
            file=sys.stderr,
        )
        return 2
    options = [f"--benchmark_filter={chosen.filter}"] if chosen.filter else []
    action = (
        compare
        if chosen.compare
        else write_reference
        if chosen.write_reference
        else show
    )
    try:
        for module in modules(chosen.module):
            with tempfile.TemporaryDirectory(prefix="kvlab-bench-") as folder:
                action(module, pathlib.Path(folder), options)
    except BenchError as error:
        print(f"kvlab bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
