#!/usr/bin/env python3
"""Records how each planted bug makes the tests of its module fail.

    autograder/proof/symptoms/record.py [--programs FOLDER] [--seconds N]

Runs the tests of each planted bug whole, one program after another and with low
priority, and writes cli/why/catalogue.json, which ./kvlab why reads: of each
bug the title, the hint, the cause, the function and the failing tests, none of
its lines. The same failures give the same file, byte for byte.

--programs FOLDER   programs that are built already, as below bazel-bin/
--seconds N         the time that a program has (300)

Reports are kept in .kvlab/symptoms, and read again while they are newer than
the program: an interrupted recording goes on where it was.

--only PATTERN      only bugs whose names match, such as '05_beyond/*'; the
                    others stay as they were recorded

With `pairs`, records two bugs that are planted together (pairs.toml): the
program of the first, linked once more with the wrong file of the second.

With `strangers`, records instead how mutants fail (autograder/proof/mutate),
which no planted bug is: evidence for when to say "I do not know this one".

    autograder/proof/symptoms/record.py strangers --mutants FOLDER [--count N]

--mutants FOLDER    bazel-bin/autograder/proof/mutate, after
                    bazel build //autograder/proof/mutate:NN_name_tests
--count N           mutants of each module (25)
--tests PATTERN     only these tests, as --gtest_filter takes them
"""

import argparse
import fnmatch
import json
import pathlib
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

# pylint: disable=wrong-import-position
from autograder.judges import plant, planted_bug
from autograder.proof.mutate import mutants as mutant_lists
from cli.why import symptoms

CATALOGUE = ROOT / "cli/why/catalogue.json"
STRANGERS = ROOT / "autograder/proof/symptoms/strangers.json"
PAIRS = ROOT / "autograder/proof/symptoms/pairs.json"
CAUSES = "autograder/judges/causes.toml"
CONTRACTS = "autograder/judges/*/planted_bugs/contracts.toml"
KEPT = ROOT / ".kvlab/symptoms"
NICENESS = 15
# All but those of test_names.judges_tests: of tests that students write.
TESTS = "*-*TestsTest.*"


def all_bugs(root=ROOT):
    """The files of all planted bugs of the course."""
    return sorted(root.glob("autograder/judges/[0-9]*/planted_bugs/*/*.toml"))


def program_of(path, programs):
    """The tests of a planted bug's module, linked with the bug."""
    inside = path.relative_to(ROOT).with_suffix("")
    return programs / f"{inside}_tests"


def build(paths):
    """Builds the programs of planted bugs; the folder that they are below."""
    labels = [
        f"//{path.parents[2].relative_to(ROOT)}:"
        f"{path.relative_to(path.parents[2]).with_suffix('')}_tests"
        for path in paths
    ]
    subprocess.run(
        ["bazel", "build", "--config=quiet", *labels], cwd=ROOT, check=True
    )
    found = subprocess.run(
        ["bazel", "info", "bazel-bin"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return pathlib.Path(found.stdout.strip())


def run(program, kept, seconds, tests=TESTS, environment=None):
    """Runs all tests of a program; what they showed.

    `kept` is where its report and its output are, without their endings.
    """
    report, log = kept.with_suffix(".xml"), kept.with_suffix(".log")
    if not _is_newer(log, program):
        kept.parent.mkdir(parents=True, exist_ok=True)
        report.unlink(missing_ok=True)
        unfinished = kept.with_suffix(".running")
        with unfinished.open("wb") as output:
            command = [
                *("nice", "-n", str(NICENESS), program.absolute()),
                f"--gtest_output=xml:{report}",
                f"--gtest_filter={tests}",
            ]
            late = _start(program, command, output, seconds, environment)
            if late:
                output.write(b"\n-- Test timed out at the recorder's limit\n")
        unfinished.replace(log)
    return symptoms.read(report, log)


def _is_newer(kept, program):
    return kept.is_file() and kept.stat().st_mtime > program.stat().st_mtime


def _start(program, command, output, seconds, environment):
    """Whether the program ran out of time."""
    if not program.is_file():
        raise FileNotFoundError(f"{program}: it is not built")
    runfiles = pathlib.Path(f"{program}.runfiles").absolute()
    own = runfiles / "_main"
    try:
        subprocess.run(
            command,
            cwd=own if own.exists() else runfiles / "kvlab",
            env={"PATH": "/usr/bin:/bin", "TEST_TMPDIR": str(KEPT)}
            | (environment or {}),
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    return False


def entry(path, failing):
    """What the catalogue says of a planted bug."""
    bug = planted_bug.read(path)
    solution = (ROOT / "solutions" / bug.source).read_text(encoding="utf-8")
    return {
        "name": bug.name,
        "module": int(bug.name[:2]),
        "file": bug.source,
        "function": plant.function_of(bug, solution),
        "cause": bug.cause,
        "title": bug.title,
        "hint": " ".join(bug.hint.split()),
        "failing": [each.as_json() for each in failing],
    }


def causes(root=ROOT):
    """What is known of each cause."""
    text = (root / CAUSES).read_text(encoding="utf-8")
    return tomllib.loads(text)["causes"]


def contracts(root=ROOT):
    """{header: function: cause or "any": its sentence}, of all modules."""
    found = {}
    for path in sorted(root.glob(CONTRACTS)):
        folder = path.parent.parent.name
        for header, functions in tomllib.loads(path.read_text("utf-8")).items():
            found[f"{folder}/{header}"] = functions
    return found


def catalogue(entries):
    """The text of the catalogue."""
    return as_text(
        {"causes": causes(), "contracts": contracts(), "bugs": entries}
    )


def as_text(fields):
    """JSON in which a change of one bug changes the lines of one bug."""
    lines = ["{"]
    for key, value in fields.items():
        if isinstance(value, dict):
            inner = [
                f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()
            ]
            lines += [f" {json.dumps(key)}: {{", ",\n".join(inner), " },"]
        else:
            inner = ["  " + json.dumps(each) for each in value]
            lines += [f" {json.dumps(key)}: [", ",\n".join(inner), " ],"]
    lines[-1] = lines[-1].rstrip(",")
    return "\n".join([*lines, "}"]) + "\n"


def record_bugs(options):
    names = {path: planted_bug.read(path).name for path in all_bugs()}
    paths = [
        path
        for path, name in names.items()
        if fnmatch.fnmatchcase(name, options.only)
    ]
    programs = options.programs or build(paths)
    entries = []
    for number, path in enumerate(paths, 1):
        kept = KEPT / path.relative_to(ROOT / "autograder/judges").with_suffix(
            ""
        )
        found = run(program_of(path, programs), kept, options.seconds)
        entries.append(entry(path, found.failing))
        print(
            f"{number} of {len(paths)}: {entries[-1]['name']}: "
            f"{len(found.failing)} tests fail",
            flush=True,
        )
    others = set(names.values()) - {each["name"] for each in entries}
    entries += [
        each
        for each in json.loads(CATALOGUE.read_text("utf-8"))["bugs"]
        if each["name"] in others
    ]
    entries.sort(key=lambda each: each["name"])
    CATALOGUE.write_text(catalogue(entries), encoding="utf-8")


def path_of(name):
    """The file of a planted bug, by its name."""
    folder, file, bug = name.split("/")
    judge = ROOT / "autograder/judges" / folder
    return judge / "planted_bugs" / file / f"{bug}.toml"


def link_both(one, other, program):
    """Links the first bug's program with the wrong file of the second."""
    folder, file, bug = other.split("/")
    built = "bazel-out/k8-opt/bin"
    judge = f"{built}/autograder/judges/{folder}/_objs/planted_bugs"
    target = KEPT / "pairs" / f"{one}+{other}".replace("/", "-")
    target.parent.mkdir(parents=True, exist_ok=True)
    # What Bazel's linker was given.
    words = pathlib.Path(f"{program}-2.params").read_text(encoding="utf-8")
    words = words.replace(
        f"{built}/solutions/{folder}/_objs/{file}/{file}.o",
        f"{judge}/{file}/{bug}_wrong/{bug}.o",
    )
    lines = words.splitlines()
    lines[lines.index("-o") + 1] = str(target)
    params = target.with_suffix(".params")
    params.write_text("\n".join(lines) + "\n", encoding="utf-8")
    execution_root = str(program.resolve()).split("/bazel-out/", maxsplit=1)[0]
    subprocess.run(["gcc", f"@{params}"], cwd=execution_root, check=True)
    runfiles = pathlib.Path(f"{target}.runfiles")
    runfiles.unlink(missing_ok=True)
    runfiles.symlink_to(pathlib.Path(f"{program}.runfiles").resolve())
    return target


def record_pairs(options):
    listed = tomllib.loads(PAIRS.with_suffix(".toml").read_text("utf-8"))
    paths = [path_of(name) for pair in listed["pairs"] for name in pair]
    programs = options.programs or build(paths)
    found = []
    for one, other in listed["pairs"]:
        kept = KEPT / "pairs" / f"{one}+{other}".replace("/", "-")
        program = program_of(path_of(one), programs)
        if not _is_newer(kept.with_suffix(".log"), program):
            program = link_both(one, other, program)
        shown = run(program, kept, options.seconds, options.tests)
        print(f"{one}, {other}: {len(shown.failing)} tests fail", flush=True)
        failing = [each.as_json() for each in shown.failing]
        found.append({"bugs": [one, other], "failing": failing})
    PAIRS.write_text(as_text({"pairs": found}), encoding="utf-8")


def record_strangers(options):
    """As record_bugs does, of mutants drawn by their names."""
    found = []
    for folder in sorted(mutant_lists.PARTS):
        program = options.mutants / f"{folder}_tests"
        if not program.is_file():
            continue
        listed = [
            mutant
            for path in sorted((options.mutants / folder).glob("*.json"))
            for mutant in mutant_lists.read(path).mutants
            if not mutant.when  # wrong at all sizes, as a student's first draft
        ]
        for mutant in mutant_lists.sample(listed, options.count, "symptoms"):
            shown = run(
                program,
                KEPT / "strangers" / folder / mutant.id,
                options.seconds,
                options.tests,
                {
                    "KVLAB_MUTANT": mutant.chosen,
                    "KVLAB_MUTANT_BYTES": str(4 << 30),
                    "KVLAB_MUTANT_CPU_SECONDS": str(options.seconds),
                },
            )
            print(f"{mutant}: {len(shown.failing)} tests fail", flush=True)
            if shown.failing:
                found.append(
                    {
                        "mutant": mutant.id,
                        "file": mutant.file,
                        "function": mutant.function,
                        "line": mutant.line,
                        "operator": mutant.operator,
                        "before": mutant.before,
                        "after": mutant.after,
                        "when": mutant.when,
                        "failing": [each.as_json() for each in shown.failing],
                    }
                )
    STRANGERS.write_text(as_text({"strangers": found}), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=["bugs", "pairs", "strangers"],
        default="bugs",
    )
    parser.add_argument("--programs", type=pathlib.Path)
    parser.add_argument("--mutants", type=pathlib.Path)
    parser.add_argument("--tests", default=TESTS)
    parser.add_argument("--only", default="*")
    parser.add_argument("--count", type=int, default=25)
    parser.add_argument("--seconds", type=int, default=300)
    options = parser.parse_args()
    if options.what == "bugs":
        record_bugs(options)
    elif options.what == "pairs":
        record_pairs(options)
    elif options.mutants is None:
        parser.error("strangers needs --mutants, the folder of the mutants")
    else:
        record_strangers(options)


if __name__ == "__main__":
    sys.exit(main())
