#!/usr/bin/env python3
"""compile_commands.json for clangd, from what Bazel would run.

    compile_commands.py ROOT            writes it
    compile_commands.py ROOT --stale    if a BUILD file or an option changed

Editors that know clangd read the file by themselves: completion, definitions
and errors as the compiler sees them. Every source of the tree has one entry, in
the configuration that ./kvlab builds. Costs one analysis by Bazel, seconds;
--stale costs milliseconds if nothing changed.

https://clang.llvm.org/docs/JSONCompilationDatabase.html
"""

import argparse
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

DATABASE = "compile_commands.json"
STAMP = ".kvlab/compile_commands.stamp"

# What decides about the compiler's options.
DECIDING = ("BUILD", "module.toml", ".bzl", ".bazelrc", "MODULE.bazel")
SKIPPED_FOLDERS = {".git", ".kvlab", "node_modules", "report", "testdata"}

# The planted bugs and workers of the grader are the same sources again.
EXCLUDED = (("autograder/proof", "//autograder/proof/..."),)

# Options with the next word that tell a compiler what to leave behind.
OUTPUTS = {"-o", "-MF"}
# For GCC or for Bazel alone: clang would warn, or an editor shows fewer errors.
GCC_ONLY = {
    "-MD",
    "-Werror",
    "-fno-canonical-system-headers",
    "-Wunused-but-set-parameter",
    "-Wno-free-nonheap-object",
}


class DatabaseError(Exception):
    """Why there is no database."""


def deciding_files(root):
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            each
            for each in folders
            if each not in SKIPPED_FOLDERS and not each.startswith("bazel-")
        )
        found += [
            pathlib.Path(folder) / name
            for name in sorted(names)
            if name.endswith(DECIDING)
        ]
    return found


def stamp_of(root):
    """A text that changes when the database may."""
    digest = hashlib.sha256()
    for path in deciding_files(root):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes())
    # Where Bazel keeps what the entries point to.
    digest.update(os.environ.get("HOME", "").encode())
    return digest.hexdigest()


def is_stale(root):
    try:
        known = (root / STAMP).read_text(encoding="utf-8")
    except OSError:
        return True
    return not (root / DATABASE).is_file() or known != stamp_of(root)


def absolute(word, places):
    """`word` with the first path in it made absolute.

    places: {"external/": "/home/ann/.cache/.../external/"}
    """
    for prefix, place in places.items():
        if word.startswith(prefix):
            return place + word[len(prefix) :]
    return word


def entry(arguments, root, places):
    """An entry of the database; None if this is no source of the tree."""
    source = arguments[arguments.index("-c") + 1]
    if not (root / source).is_file() or source.startswith(tuple(places)):
        return None
    kept, skip = [], False
    for word in arguments:
        if skip or word in OUTPUTS:
            skip = not skip
        elif word not in GCC_ONLY and not word.startswith("-frandom-seed="):
            kept.append(absolute(word, places))
    return {"directory": str(root), "file": source, "arguments": kept}


def entries(graph, root, places):
    """One entry for each source, sorted by name: the first that Bazel names."""
    found = {}
    for action in graph.get("actions", []):
        made = entry(action["arguments"], root, places)
        if made:
            found.setdefault(made["file"], made)
    return [found[name] for name in sorted(found)]


def bazel(root, *words):
    run = subprocess.run(
        ["bazel", *words], cwd=root, capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        lines = [line for line in run.stderr.splitlines() if "ERROR" in line]
        raise DatabaseError((lines or ["bazel " + words[0] + " failed"])[0])
    return run.stdout


def compile_actions(root, whole):
    excluded = "".join(
        f" except {pattern}"
        for folder, pattern in EXCLUDED
        if (root / folder).is_dir() and not whole
    )
    options = shlex.split(os.environ.get("KVLAB_BAZEL_OPTIONS", ""))
    return json.loads(
        bazel(
            root,
            "aquery",
            *options,
            "--output=jsonproto",
            f'mnemonic("CppCompile", //...{excluded})',
        )
    )


def write_whole(path, text):
    """The file is there with all of `text`, or as it was."""
    new = path.with_name(path.name + ".new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)


def all_entries(root, whole=False):
    """The database's entries; if `whole`, also of what EXCLUDED leaves out."""
    execution_root = bazel(root, "info", "execution_root").strip()
    output_base = bazel(root, "info", "output_base").strip()
    return entries(
        compile_actions(root, whole),
        root,
        {
            "external/": f"{output_base}/external/",
            "bazel-out/": f"{execution_root}/bazel-out/",
        },
    )


def refresh(root):
    """Writes the database; returns the number of its entries."""
    stamp = stamp_of(root)
    found = all_entries(root)
    write_whole(root / DATABASE, json.dumps(found, indent=1) + "\n")
    (root / STAMP).parent.mkdir(exist_ok=True)
    write_whole(root / STAMP, stamp)
    return len(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("--stale", action="store_true")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    if arguments.stale and not is_stale(root):
        return
    try:
        count = refresh(root)
    except (DatabaseError, OSError) as error:
        # An editor does without; no verb of kvlab needs the file.
        print(
            f"kvlab: {DATABASE} was not written: {error}\n"
            "  why: editors find definitions and errors with it\n"
            "  fix: ./kvlab setup, once this is put right",
            file=sys.stderr,
        )
        return
    if not arguments.stale:
        print(f"kvlab setup: {DATABASE}, {count} sources", file=sys.stderr)


if __name__ == "__main__":
    main()
