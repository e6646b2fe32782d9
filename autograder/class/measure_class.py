"""What `./kvlab class grade` costs, and whether its marks are those of `./kvlab
grade`: a class made of the graderlab's cases is graded one submission after the
other, as a class, and on a cluster of some nodes that is started on this host.
Nodes share its cores, so those that time disturb each other: for a rubric with
speed checks, one node.

Usage: PYTHONPATH=. python3 autograder/class/measure_class.py RUBRIC FOLDER
           [--people N] [--seed N] [--nodes N] [--by WAY...]
RUBRIC has parts that are modules; FOLDER keeps what was handed in and the
reports, and is made if missing; each WAY is alone, class or slurm. Build first:
  bazel build //autograder:grade //autograder:grade_class \\
      //autograder/proof/graderlab
"""

import argparse
import collections
import csv
import importlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import threading
import time
import tomllib
import zipfile

slurm_cluster = importlib.import_module(
    "autograder.class.cluster.slurm_cluster"
)

BUILT = pathlib.Path("bazel-bin/autograder").resolve()
WAYS = ["alone", "class", "slurm"]

# Of 20 people, so many hand in each.
MIX = (
    ["stubs"] * 2
    + ["unfinished"] * 6
    + ["bug"] * 6
    + ["broken"]
    + ["honest"] * 2
    + ["solutions"] * 3
)


def modules_of(rubric):
    """The folders of the modules that it judges."""
    parts = tomllib.loads(rubric.read_text(encoding="utf-8"))["parts"]
    return {pathlib.Path(part["rubric"]).parent.name for part in parts}


def files_of(folder):
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class Submissions:
    """What people hand in, drawn from the cases of the graderlab."""

    def __init__(self, cases, modules, generator):
        self.generator = generator
        self.stubs = files_of(cases / "baseline/stubs")
        self.solutions = files_of(cases / "baseline/solutions")
        self.sources = [
            name
            for name in self.solutions
            if name.endswith(".cc") and name.split("/")[1] in modules
        ]
        self.planted = {
            kind: [
                files
                for folder in sorted((cases / kind).iterdir())
                for files in [files_of(folder)]
                if self.differs_in(files, modules)
            ]
            for kind in ("bug", "honest")
        }

    def differs_in(self, files, modules):
        """Whether it differs from the solutions, in these modules alone."""
        changed = {
            name.split("/")[1]
            for name in files.keys() | self.solutions.keys()
            if files.get(name) != self.solutions.get(name)
        }
        return bool(changed) and changed <= modules

    def draw(self, kind, person):
        files = dict(self.solutions)
        if kind == "stubs":
            files = dict(self.stubs)
        elif kind == "unfinished":  # each file is done or as it was given
            for name, stub in self.stubs.items():
                if self.generator.random() < 0.5:
                    files[name] = stub
        elif kind == "broken":  # a file ends in the middle
            name = self.generator.choice(self.sources)
            files[name] = files[name][: len(files[name]) // 2]
        elif kind in self.planted and self.planted[kind]:
            files = dict(self.generator.choice(self.planted[kind]))
        # No two people write the same, but for what everybody was given.
        for name, text in files.items():
            if name.endswith(".cc") and text != self.stubs.get(name):
                files[name] = f"{text}// {person}\n"
        return files


def hand_in(folder, rubric, people, seed):
    """Writes zips, by person: what kind it is."""
    cases = folder / "cases"
    if not cases.exists():
        subprocess.run(
            [BUILT / "proof/graderlab/graderlab", "--write", cases], check=True
        )
    generator = random.Random(seed)
    submissions = Submissions(cases, modules_of(rubric), generator)
    kinds = {}
    shutil.rmtree(folder / "in", ignore_errors=True)
    (folder / "in").mkdir()
    for i in range(people):
        person = f"s{i:03}"
        # The same mix whatever the size, but not in order.
        kinds[person] = MIX[i * 7 % len(MIX)]
        with zipfile.ZipFile(folder / f"in/{person}.zip", "w") as archive:
            for name, text in submissions.draw(kinds[person], person).items():
                archive.writestr(name, text)
    return kinds


class Memory:
    """The most that a process holds in each quarter of its run, in MiB."""

    def __init__(self, process):
        self.samples = []
        self.watching = threading.Thread(target=self.watch, args=[process])
        self.watching.start()

    def watch(self, process):
        status = pathlib.Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            for line in status.read_text(encoding="ascii").splitlines():
                if line.startswith("VmRSS:"):
                    self.samples.append(int(line.split()[1]) / 1024)
            time.sleep(0.5)

    def quarters(self):
        self.watching.join()
        quarter = max(1, len(self.samples) // 4)
        return [
            max(self.samples[at : at + quarter])
            for at in range(0, quarter * 4, quarter)
            if self.samples[at : at + quarter]
        ]


def timed(words, log, environment=None):
    """Runs the command; seconds, and its memory."""
    begin = time.monotonic()
    with open(log, "wb") as out:
        with subprocess.Popen(
            words,
            stdout=out,
            stderr=out,
            env={**os.environ, **(environment or {})},
        ) as process:
            memory = Memory(process)
            status = process.wait()
    seconds = time.monotonic() - begin
    # 3: a check could not be judged; that is a mark as well.
    if status not in (0, 3):
        raise SystemExit(f"{words[0]} failed ({status}): see {log}")
    held = ", ".join(f"{most:.0f}" for most in memory.quarters())
    print(f"  {seconds:.0f} s; MiB in each quarter: {held}", flush=True)
    return seconds


def marks_alone(folder, rubric, seed):
    reports = folder / "alone"
    shutil.rmtree(reports, ignore_errors=True)
    zips = sorted((folder / "in").glob("*.zip"))
    timed(
        [
            *(BUILT / "grade", "--rubric", rubric, "--out", reports),
            *("--seed", str(seed), *zips),
        ],
        folder / "alone.log",
    )
    marks = {}
    for path in reports.glob("*/results.json"):
        tests = json.loads(path.read_text(encoding="utf-8"))["tests"]
        marks[path.parent.name] = {
            test["name"]: round(test["score"], 3) for test in tests
        }
    return marks


def run_quietly(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def make_class(folder):
    """The class that all ways but `alone` grade copies of: the seed of an
    attempt is drawn when it is imported."""
    course = folder / "course"
    shutil.rmtree(course, ignore_errors=True)
    program = BUILT / "grade_class"
    run_quietly(program, "init", course)
    people = sorted(path.stem for path in (folder / "in").glob("*.zip"))
    with open(course / "roster.csv", "a", encoding="utf-8") as roster:
        roster.writelines(f"{person}\n" for person in people)
    run_quietly(program, "import", "--in", course, folder / "in")


def marks_of_class(folder, rubric, name, words, environment=None):
    course = folder / name
    shutil.rmtree(course, ignore_errors=True)
    shutil.copytree(folder / "course", course)
    program = BUILT / "grade_class"
    timed(
        [program, "grade", "--in", course, "--rubric", rubric, *words],
        folder / f"{name}.log",
        environment,
    )
    reports = folder / f"{name}-reports"
    shutil.rmtree(reports, ignore_errors=True)
    run_quietly(
        *(program, "export", "--in", course, "--reports", reports),
        *("--long", folder / f"{name}.csv"),
    )
    marks = collections.defaultdict(dict)
    with open(folder / f"{name}.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            marks[row["student"]][row["check"]] = float(row["points"] or 0)
    return marks


def marks_of_cluster(folder, rubric, nodes):
    with tempfile.TemporaryDirectory() as scratch:
        with slurm_cluster.SlurmCluster(
            pathlib.Path(scratch) / "slurm",
            [f"n{i + 1}" for i in range(nodes)],
            cpus=max(1, (os.cpu_count() or 1) // nodes),
        ) as cluster:
            return marks_of_class(
                *(folder, rubric, "slurm", ["--on", "slurm"]),
                cluster.environment,
            )


def compare(marks, kinds):
    """Prints whose marks differ between two ways. Alone, all have one seed; a
    bug that shows with some inputs only may cost another share there."""
    sums = {
        way: {person: sum(of.values()) for person, of in by_person.items()}
        for way, by_person in marks.items()
    }
    first, *others = sums
    for way in others:
        same = 0
        for person, kind in kinds.items():
            one, other = sums[first].get(person), sums[way].get(person)
            if None not in (one, other) and abs(one - other) < 0.01:
                same += 1
            else:
                print(f"  {person} ({kind}): {first} {one}, {way} {other}")
        share = same / len(kinds)
        print(f"{first} and {way}: {same} of {len(kinds)} alike ({share:.1%})")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n", maxsplit=1)[0]
    )
    parser.add_argument("rubric", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--by", nargs="+", choices=WAYS, default=WAYS)
    line = parser.parse_args()
    folder, rubric = line.folder.resolve(), line.rubric.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    kinds = hand_in(folder, rubric, line.people, line.seed)
    make_class(folder)
    print(f"seed {line.seed}:", dict(collections.Counter(kinds.values())))
    marks = {}
    for way in line.by:
        print(way, flush=True)
        if way == "alone":
            marks[way] = marks_alone(folder, rubric, line.seed)
        elif way == "class":
            marks[way] = marks_of_class(folder, rubric, way, [])
        else:
            marks[way] = marks_of_cluster(folder, rubric, line.nodes)
    compare(marks, kinds)


if __name__ == "__main__":
    main()
