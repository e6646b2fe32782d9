#!/usr/bin/env python3
"""./kvlab fuzz [SECONDS] [--target NAME]...: searches for harmful inputs.

Builds the fuzz targets with clang and its sanitizers and lets each run for
SECONDS, from the seeds in corpus/ and from what earlier runs have found; the
seed of the random numbers is fixed. Inputs that crash, hang, or take more
memory than the code has any use for are kept. Exit status 0 if there are none,
1 if there are, 2 for a wrong command line.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
FUZZ = ROOT / "autograder" / "proof" / "fuzz"
KEPT = ROOT / ".kvlab" / "fuzz"

# The longest input, and the largest piece of memory that reading it may ask
# for, in MiB: a decoded value has six times the bytes of the shortest that
# travels, a source file up to one MiB.
TARGETS = {
    "reply": {"max_len": 65536, "malloc_limit_mb": 1},
    "submission": {"max_len": 65536, "malloc_limit_mb": 4},
    "checkpoint": {"max_len": 65536, "malloc_limit_mb": 4},
    "tokenizer": {"max_len": 65536, "malloc_limit_mb": 4},
    "shard_index": {"max_len": 65536, "malloc_limit_mb": 4},
    "answer_sheet": {"max_len": 65536, "malloc_limit_mb": 4},
    "platform_files": {"max_len": 65536, "malloc_limit_mb": 4},
}
INPUT_SECONDS = 10  # the slowest takes 0.05
PROCESS_MIB = 2048
LOG_LINES = 15


def parse_command_line():
    parser = argparse.ArgumentParser(
        prog="kvlab fuzz", description="Searches for inputs that do harm."
    )
    parser.add_argument(
        "seconds",
        nargs="?",
        type=int,
        default=60,
        metavar="SECONDS",
        help="for each target (60)",
    )
    parser.add_argument(
        "--target",
        action="append",
        choices=sorted(TARGETS),
        help="only this one",
    )
    options = parser.parse_args()
    if options.seconds < 1:
        parser.error("SECONDS has to be 1 or more")
    return options


def build(names):
    """Folder of the programs, or nothing if they do not build."""
    options = os.environ.get("KVLAB_BAZEL_OPTIONS", "").split()
    built = subprocess.run(
        [
            "bazel",
            "build",
            *options,
            "--config=fuzz",
            *[f"//autograder/proof/fuzz:{name}_fuzzer" for name in names],
        ],
        cwd=ROOT,
        check=False,
    )
    if built.returncode != 0:
        return None
    info = subprocess.run(
        ["bazel", "info", "--config=fuzz", "bazel-bin"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return pathlib.Path(info.stdout.strip()) / "autograder" / "proof" / "fuzz"


def run(programs, name, seconds):
    """What libFuzzer wrote, and its exit status."""
    found = KEPT / name
    found.mkdir(parents=True, exist_ok=True)
    limits = [f"-{key}={value}" for key, value in TARGETS[name].items()]
    words = FUZZ / f"{name}.dict"
    if words.exists():
        limits.append(f"-dict={words}")
    with tempfile.TemporaryDirectory(
        dir="/dev/shm" if os.path.isdir("/dev/shm") else None
    ) as scratch:
        done = subprocess.run(
            [
                programs / f"{name}_fuzzer",
                found,
                FUZZ / "corpus" / name,
                f"-max_total_time={seconds}",
                "-seed=1",
                f"-timeout={INPUT_SECONDS}",
                f"-rss_limit_mb={PROCESS_MIB}",
                f"-artifact_prefix={KEPT}/{name}-",
                "-print_final_stats=1",
                *limits,
            ],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            env=os.environ | {"TEST_TMPDIR": scratch},
        )
    return done.returncode, done.stderr


def number(pattern, log):
    """The last number that follows `pattern`, or 0."""
    matches = re.findall(pattern + r"\s*(\d+)", log)
    return int(matches[-1]) if matches else 0


def report(name, seconds, status, log):
    """Prints one target's line, and how to see a fault again."""
    print(
        f"{name:<12}{number('number_of_executed_units:', log):>10,} inputs "
        f"in {seconds} s, {number(' cov:', log):>6,} edges reached, "
        f"{number('peak_rss_mb:', log):>5} MiB: "
        f"{'no fault' if status == 0 else 'FAULT'}",
        flush=True,
    )
    if status != 0:
        lines = log.splitlines()
        begin = next(
            (n for n, line in enumerate(lines) if "ERROR:" in line),
            max(0, len(lines) - LOG_LINES),
        )
        print("\n".join(lines[begin : begin + LOG_LINES]))
        print(
            f"the input is kept as {KEPT}/{name}-*; once fixed, it goes to "
            f"autograder/proof/fuzz/corpus/{name}/"
        )


def main():
    options = parse_command_line()
    names = options.target or list(TARGETS)
    programs = build(names)
    if programs is None:
        return 1
    faults = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, (status, log) in zip(
            names,
            pool.map(lambda name: run(programs, name, options.seconds), names),
        ):
            report(name, options.seconds, status, log)
            faults += status != 0
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
