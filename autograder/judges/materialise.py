#!/usr/bin/env python3
"""Writes a submission with one planted bug.

    materialise.py NAME OUTDIR    such as kv_cache/reset_forgets_a_layer
    materialise.py --list

Every other file of the submission is that of the solutions.
"""

import argparse
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT))

# pylint: disable=wrong-import-position
from autograder.judges import knockout as knockouts


def all_knockouts():
    return [
        knockouts.read(path)
        for path in sorted(HERE.glob("*/planted_bugs/*/*.toml"))
    ]


def find(name):
    found = [
        each
        for each in all_knockouts()
        if each.name == name or each.name.endswith("/" + name)
    ]
    if len(found) != 1:
        sys.exit(
            f"materialise: {len(found)} knockouts are named '{name}'; "
            "--list shows all"
        )
    return found[0]


def materialise(knockout, outdir):
    for solution in sorted(
        [*ROOT.glob("solutions/*/*.cc"), *ROOT.glob("solutions/*/answers.json")]
    ):
        text = solution.read_text(encoding="utf-8")
        source = f"{solution.parent.name}/{solution.name}"
        target = outdir / source
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(
            knockouts.plant(knockout, text)
            if source == knockout.source
            else knockouts.without_markers(text),
            encoding="utf-8",
        )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--list", action="store_true")
    parser.add_argument("name", nargs="?")
    parser.add_argument("outdir", nargs="?", type=pathlib.Path)
    arguments = parser.parse_args()
    try:
        if arguments.list:
            for each in all_knockouts():
                print(f"{each.name}: {each.title}")
        elif arguments.outdir:
            materialise(find(arguments.name), arguments.outdir)
        else:
            parser.error("say which knockout, and where to")
    except knockouts.KnockoutError as error:
        sys.exit(f"materialise: {error}")


if __name__ == "__main__":
    main()
