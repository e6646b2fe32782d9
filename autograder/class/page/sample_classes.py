"""sample_classes.py CLASS FOLDER: pages of a class of 5 and one of 500.

CLASS is the program stand_in_class. Names and ids are hostile, two people of
the small class have the same code, and one mark is overridden.
"""

import csv
import os
import pathlib
import random
import shutil
import subprocess
import sys
import zipfile

HOSTILE = [
    "<script>window.taken = 1</script>",
    "o'brien@example.edu",
    '"><img src=x onerror="window.taken = 1">',
    "m\u00fcller",
    "x" * 300,
]
MODULE = 'number = 1\ntitle = "Attention"\nfiles = ["attention.cc"]\n'
STUB = """// Fill in the TODOs.
Row Softmax(const Row& row) {
  // TODO(1.1)
  throw NotImplemented("Softmax", "module 1, task 1");
}
"""


def code(author):
    """Forty statements that depend on the author."""
    dice = random.Random(author)
    lines = [
        f"  {dice.choice(['row', 'sum'])}[{i}]"
        + "".join(dice.choices([" += 1", "(x)", " * y[0]", " - z"], k=4))
        + ";  // </script><script>window.taken = 1</script>\n"
        for i in range(40)
    ]
    return STUB.replace("  // TODO(1.1)\n", "".join(lines))


class Course:
    def __init__(self, program, folder, people, checks):
        self.program = program
        self.folder = folder
        self.environment = {
            **os.environ,
            "STAND_IN_CHECKS": str(checks),
            "STAND_IN_HANDOUT": str(folder / "handout"),
        }
        module = folder / "handout/modules/01_attention"
        module.mkdir(parents=True)
        (module / "module.toml").write_text(MODULE, encoding="utf-8")
        (module / "attention.cc").write_text(STUB, encoding="utf-8")
        self.run("init", "course", "--title", f"KV cache & {HOSTILE[0]}")
        self.people = (HOSTILE + [f"s{i:03}" for i in range(people)])[:people]
        with open(
            folder / "course/roster.csv", "w", encoding="utf-8", newline=""
        ) as file:
            rows = csv.writer(file)
            rows.writerow(["id", "name", "section", "platform_id"])
            for i, person in enumerate(self.people):
                rows.writerow([person, person, "AB"[i % 2], 1000 + i])

    def run(self, verb, *words, statuses=(0,)):
        run = subprocess.run(
            [self.program, verb, *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        if run.returncode not in statuses:
            raise SystemExit(f"class {verb} failed: {run.returncode}")

    def hand_in(self, contents):
        with zipfile.ZipFile(self.folder / "all.zip", "w") as archive:
            for i, content in enumerate(contents):
                archive.writestr(f"name_{1000 + i}_{i}_s.zip", content)
        self.run("import", "--in", "course", "all.zip")
        self.run("grade", "--in", "course", statuses=(0, 3))

    def archive(self, source):
        path = self.folder / "one.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("01_attention/attention.cc", source)
        return path.read_bytes()


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    pages = pathlib.Path(sys.argv[2]).resolve()
    for people, checks in ((5, 12), (500, 150)):
        folder = pages / "made" / str(people)
        folder.mkdir(parents=True)
        course = Course(program, folder, people, checks)
        dice = random.Random(people)
        if people == 5:
            course.hand_in(
                course.archive(code(min(i, 3))) for i in range(people)
            )
            course.run("similar", "--in", "course")
        else:
            kinds = ["blocked", "full"] + [
                f"some {min(100, max(0, round(dice.gauss(75, 20))))}"
                for _ in range(people - 12)
            ]
            course.hand_in(kinds)
        course.run(
            *("override", "--in", "course", course.people[1], "mask", "1"),
            *("--why", "</td><script>window.taken = 1</script>"),
        )
        course.run("report", "--in", "course")
        for name in ("report", "similar"):
            page = folder / f"course/{name}.html"
            if page.exists():
                shutil.copy(page, pages / f"{name}-{people}.html")
    shutil.rmtree(pages / "made")


if __name__ == "__main__":
    main()
