#!/usr/bin/env python3
"""clang-tidy on every C++ source of the tree, many sources in one run.

    tidy.py [FOLDER]...

Three quarters of a run are spent on headers: those of the standard library,
GoogleTest and xtensor, which each source includes again. So sources are checked
a few dozen at a time, as one translation unit, those that define the same name
in different ones. clang-tidy names the files and lines as it does for one
source alone. A unit that passed is not checked again until one of its files
changes.

Exit status 1 if it found something, 2 if nothing could be checked.
"""

import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from cli import compile_commands  # pylint: disable=wrong-import-position

PASSED = ROOT / ".kvlab/lint/clang-tidy"
CONFIGS = (".clang-tidy", "modules/.clang-tidy", "solutions/.clang-tidy")
LONGEST = 32  # sources in a unit: with more, names collide too often

# Sources that are not checked: stubs, which are cut from the solutions, and
# targets that say so.
NOT_CHECKED = (
    'kind("source file", labels(srcs, '
    'filter(":student$", //...) union attr(tags, "no-lint", //...)))'
)

# About a unit's own -include, which has no place in a file.
OWN_INCLUDE = re.compile(
    r"^error: suspicious #include of .*\n(?:note: did you mean .*\n)?", re.M
)
# What a source defines outside of functions, by its looks.
DEFINITION = re.compile(
    r"^(?!using ::|namespace|extern|return|INSTANTIATE)[A-Za-z_][^(=;{}\n]*?"
    r"\b(\w+)\s*(?:\(|=|;|\{|\[|final)",
    re.M,
)
TEST = re.compile(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", re.M)

COUNT = re.compile(r"^\d+ warnings? generated\.\n", re.M)
ERROR = re.compile(r"^(\S+?):\d+:\d+: (?:fatal )?error: ", re.MULTILINE)


class LintError(Exception):
    """Why nothing could be checked."""


@dataclass
class Unit:
    """Sources that are checked together, and the options of all of them, each
    a tuple of its words."""

    sources: list
    options: list = field(default_factory=list)
    names: set = field(default_factory=set)

    def command(self):
        """For clang: the last source, with the others included before it.

        The last is a file of the tree, whose folder decides which .clang-tidy
        counts.
        """
        *others, last = self.sources
        words = [word for option in self.options for word in option]
        for each in others:
            words += ["-include", each]
        return [last, *words]


def options_of(arguments):
    """What clang needs of a compiler's words: language, processor, macros and
    where headers are."""
    kept, words = [], iter(arguments)
    for word in words:
        if word in ("-iquote", "-isystem", "-I"):
            kept.append((word, next(words)))
        elif re.match(r"-(std=c\+\+20|march=|D(?!_FORTIFY_SOURCE|__))", word):
            kept.append((word,))
    return kept


def macros_of(options):
    """{"NAME": "-DNAME=VALUE"}"""
    words = (one[0] for one in options if one[0].startswith("-D"))
    return {word[2:].partition("=")[0]: word for word in words}


def names_of(text):
    """What a source with this text seems to define: a name too many costs a
    place in a unit, and one too few an attempt to compile it."""
    tests = {".".join(pair) for pair in TEST.findall(text)}
    text = text.replace("\nBENCHMARK_MAIN()", "\nint main()")
    found = DEFINITION.findall(TEST.sub("", text))
    return {name for name in found if not name.endswith("_t")} | tests


def fits(unit, options, names):
    """Whether a source with these options and names may join the unit."""
    have, new = macros_of(unit.options), macros_of(options)
    return (
        len(unit.sources) < LONGEST
        and unit.names.isdisjoint(names)
        and all(have.get(name, word) == word for name, word in new.items())
    )


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def units_of(entries, read=text_of):
    """Units of at most LONGEST sources which agree on macros, share no name,
    and for which the same .clang-tidy counts."""
    rooms = {}  # by the file of settings
    for entry in entries:
        folder = entry["file"].partition("/")[0]
        config = f"{folder}/.clang-tidy"
        units = rooms.setdefault(config if config in CONFIGS else "", [])
        options = options_of(entry["arguments"])
        names = names_of(read(entry["file"]))
        unit = next((one for one in units if fits(one, options, names)), None)
        if unit is None:
            unit = Unit([])
            units.append(unit)
        unit.sources.append(entry["file"])
        unit.names |= names
        unit.options += [one for one in options if one not in unit.options]
    return [unit for units in rooms.values() for unit in units]


def compiles(unit):
    """(the sources that collide with one before them, what clang said, the
    files that the unit consists of)."""
    run = subprocess.run(
        ["clang++", "-fsyntax-only", "-w", "-ferror-limit=0", "-MD"]
        + ["-MF", "-", *unit.command()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode == 0:
        files = run.stdout.replace("\\\n", " ").partition(":")[2].split()
        return [], "", sorted(set(files))
    named = {os.path.normpath(name) for name in ERROR.findall(run.stderr)}
    return [each for each in unit.sources if each in named], run.stderr, []


def divided(unit, compiled):
    """Units that compile, with their files, which together are this one.

    compiled(unit) answers as `compiles` does.
    """
    done, waiting = [], [unit]
    while waiting:
        each = waiting.pop(0)
        colliding, said, files = compiled(each)
        if not said:
            done.append((each, files))
            continue
        if len(each.sources) == 1:
            raise LintError(f"{each.sources[0]} does not compile:\n{said}")
        # An error in a header has its cause in any of them.
        if not colliding or len(colliding) == len(each.sources):
            colliding = each.sources[len(each.sources) // 2 :]
        rest = [one for one in each.sources if one not in colliding]
        waiting += [Unit(rest, unit.options), Unit(colliding, unit.options)]
    return done


def digest_of(unit, files):
    """Changes when what clang-tidy would say may."""
    digest = hashlib.sha256(repr(unit.command()).encode())
    for name in (*CONFIGS, *files):
        digest.update(name.encode())
        digest.update((ROOT / name).read_bytes())
    return digest


def check(unit, version):
    """What clang-tidy says about the unit's sources; "" if nothing."""
    said = []
    try:
        parts = divided(unit, compiles)
    except LintError as error:
        return f"{error}\n"
    for part, files in parts:
        digest = digest_of(part, files)
        digest.update(version)
        mark = PASSED / digest.hexdigest()
        if mark.exists():
            continue
        run = subprocess.run(
            ["clang-tidy", "--quiet", part.sources[-1], "--"]
            + part.command()[1:],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        text = OWN_INCLUDE.sub("", COUNT.sub("", run.stdout))
        if text:
            text = text.replace(f"{ROOT}/", "")
            said.append(re.sub(r"^\./", "", text, flags=re.M))
        else:
            mark.touch()
    return "".join(said)


def bazel(*words):
    run = subprocess.run(
        ["bazel", *words], cwd=ROOT, stdout=subprocess.PIPE, check=False
    )
    if run.returncode != 0:
        raise LintError(f"bazel {words[0]} failed")
    return run.stdout.decode()


def sources(folders):
    """Entries as in compile_commands.json, of what is to be checked."""
    # Headers that are made by the build.
    bazel(
        *("build", "--config=quiet", "--keep_going"),
        *("--output_groups=compilation_prerequisites_INTERNAL_", "//..."),
    )
    left_out = {
        label.removeprefix("//").replace(":", "/", 1)
        for label in bazel("query", "--noshow_progress", NOT_CHECKED).split()
    }
    entries = compile_commands.all_entries(ROOT, whole=True)
    return [
        each
        for each in entries
        if each["file"] not in left_out
        and (not folders or each["file"].startswith(tuple(folders)))
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", metavar="FOLDER", nargs="*")
    folders = parser.parse_args().folders
    PASSED.mkdir(parents=True, exist_ok=True)
    version = subprocess.check_output(["clang-tidy", "--version"])
    entries = sources(folders)
    units = units_of(entries)
    status = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        # The longest first, so that none is left for one core at the end.
        units.sort(key=lambda unit: len(unit.sources), reverse=True)
        for said in pool.map(lambda unit: check(unit, version), units):
            if said:
                print(said, end="", flush=True)
                status = 1
    print(f"clang-tidy: {len(entries)} sources", file=sys.stderr)
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (LintError, compile_commands.DatabaseError) as why:
        print(f"clang-tidy: {why}", file=sys.stderr)
        sys.exit(2)
