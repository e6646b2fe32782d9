#!/usr/bin/env python3
"""./kvlab submit [FILE]: packs the files that the modules name.

Each modules/NN_name/module.toml lists the files of its module that are yours;
submission.zip contains only these, as NN_name/file.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import textwrap
import tomllib
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODULES = ROOT / "modules"
sys.path.insert(0, str(ROOT))

from cli import course_tasks  # pylint: disable=wrong-import-position


def named_files(key):
    """The files of a submission, as "NN_name/file", in the modules' order.

    key: "files", which always exist, or "papers", which may not exist yet.
    """
    for module in sorted(MODULES.glob("*/module.toml")):
        listed = tomllib.loads(module.read_text(encoding="utf-8")).get(key, [])
        yield from (f"{module.parent.name}/{name}" for name in listed)


def open_tasks(text):
    """The stubs left in a file, each as (module, "task function")."""
    return [
        (task.split(".")[0], f"{task} {function}")
        for task, function in course_tasks.open_functions(text)
    ]


def print_open_tasks(found):
    """Prints a paragraph per module; an overloaded function is named once."""
    for module in sorted({module for module, _ in found}):
        tasks = sorted(
            {task for each, task in found if each == module},
            key=lambda task: (int(re.match(r"\d+\.(\d+)", task)[1]), task),
        )
        print(
            textwrap.fill(
                f"not done yet in module {module}: {', '.join(tasks)}",
                width=80,
                subsequent_indent="  ",
            )
        )


def print_answers(name, quiz):
    """Prints what is missing from the answers, as the grader will read them."""
    run = subprocess.run(
        [quiz, "--check", "--module", (MODULES / name).parent],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if run.returncode == 1:
        print("some answers to the concept checks are missing or invalid:")
    if run.returncode == 2:
        print("the answers to the concept checks cannot be read:")
    print((run.stdout + run.stderr).rstrip())


def pack(names, target):
    with zipfile.ZipFile(
        target, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False
    ) as archive:
        for name in names:
            archive.write(MODULES / name, name)


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="kvlab submit", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--quiz", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument(
        "file",
        nargs="?",
        type=pathlib.Path,
        default=pathlib.Path("submission.zip"),
    )
    parsed = parser.parse_args(arguments)
    target = parsed.file
    names = list(named_files("files"))
    for name in names:
        if not (MODULES / name).is_file():
            print(
                f"kvlab submit: modules/{name} is missing; nothing was packed",
                file=sys.stderr,
            )
            return 2
    papers = list(named_files("papers"))
    names += [name for name in papers if (MODULES / name).is_file()]
    try:
        pack(names, target)
    except OSError as error:
        print(
            f"kvlab submit: cannot write {target}: {error.strerror}",
            file=sys.stderr,
        )
        return 2

    unfinished = []
    for name in names:
        text = (MODULES / name).read_text(encoding="utf-8", errors="replace")
        unfinished += open_tasks(text)
        print(f"{(MODULES / name).stat().st_size:8,} bytes  {name}")
    print(
        f"kvlab submit: {target}, {len(names)} files, "
        f"{target.stat().st_size:,} bytes"
    )
    print_open_tasks(unfinished)
    for name in papers:
        if name not in names:
            print(f"missing: modules/{name} (./kvlab quiz ID writes it)")
        elif parsed.quiz:
            print_answers(name, parsed.quiz)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
