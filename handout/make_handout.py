#!/usr/bin/env python3
"""./kvlab handout [FILE]: packs what students get into kvlab-handout.tar.gz.

Packs the tracked files of the repository as they are now, except those that
students may not see. The same files give the same archive, byte for byte.
"""

import argparse
import gzip
import io
import os
import pathlib
import re
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cli import course_tasks  # pylint: disable=wrong-import-position

FOLDER = "kvlab"  # what the archive unpacks to

SHIPPED = (
    ".bazelignore",
    ".bazeliskrc",
    ".bazelrc",
    ".clang-format",
    ".clang-tidy",
    ".clangd",
    ".devcontainer/",
    ".dockerignore",
    ".editorconfig",
    ".gitattributes",
    ".gitignore",
    ".vscode/",
    "BUILD",
    "LICENSE",
    "MODULE.bazel",
    "VERSION",
    "WORKSPACE",
    "WORKSPACE.bzlmod",
    "book/",
    "cli/",
    "docs/errata.md",
    "docs/theory.md",
    "handout/submit.py",
    "implementation/",
    "kit/",
    "kvlab",
    "lab/",
    "models/",
    "modules/",
    "quiz/",
    "third_party/",
)
# Parts of shipped folders that students do not get.
KEPT = (
    "book/book.test.mjs",
    "book/check",
    "book/dead_links.mjs",
    "book/planted.html",
    "book/staff.json",
    "cli/contest/test/",
    "cli/demo/",
    "lab/page/check",
    "lab/page/page.test.mjs",
    "lab/page/planted.html",
    "lab/page/testdata/",
    "lab/test/",
    "third_party/aarch64/",
    "third_party/chromium/",
    "third_party/clang/",
    "third_party/lint/",
)

# Pages that are called otherwise in the handout.
RENAMED = {
    "AGENTS.md": "handout/AGENTS.student.md",
    "CLAUDE.md": "handout/CLAUDE.student.md",
    "README.md": "handout/README.student.md",
}
# Of packages.txt: what builds, draws, runs the contest, and makes
# kit/testdata/golden again.
GROUPS = ("[build]", "[contest]", "[desk]", "[lab]", "[npm]", "[golden]")
STUBS = ".stubs"  # the students' files once more, for ./kvlab reset
MIDNIGHT = 1704067200  # 1 January 2024, in every entry of the archive


def tracked():
    listed = subprocess.run(
        ["git", "ls-files", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in listed.stdout.split("\0") if name]


def is_shipped(name):
    return any(
        name == each or each.endswith("/") and name.startswith(each)
        for each in SHIPPED
    ) and not name.startswith(KEPT)


def students_packages(text):
    """packages.txt with only the students' GROUPS."""
    groups = re.split(r"(?m)^(?=\[)", text)
    kept = [group for group in groups[1:] if group.startswith(GROUPS)]
    return "".join([groups[0]] + kept).rstrip() + "\n"


def students_ignored(text):
    """.bazelignore with the folders that the handout can have."""
    return "".join(
        line
        for line in text.splitlines(keepends=True)
        if not line.startswith((*KEPT, "autograder/", "compare/"))
    )


def students_docs(text):
    """A page of docs/ without the commands that the handout lacks."""
    return "".join(
        line
        for line in text.splitlines(keepends=True)
        if "//docs:" not in line and "./kvlab demo" not in line
    )


REWRITTEN = {
    "docs/errata.md": students_docs,
    "docs/theory.md": students_docs,
    ".bazelignore": students_ignored,
    "third_party/packages.txt": students_packages,
}


def files():
    """Everything in the handout: name, content, whether it can be run."""
    named = {name: ROOT / name for name in tracked() if is_shipped(name)}
    named |= {name: ROOT / source for name, source in RENAMED.items()}
    named |= {
        f"{STUBS}/{path.parent.name}/{path.name}": path
        for folder in course_tasks.modules(ROOT).values()
        for path in course_tasks.files(folder)
    }
    for name, path in sorted(named.items()):
        content = path.read_bytes()
        if name in REWRITTEN:
            content = REWRITTEN[name](content.decode("utf-8")).encode("utf-8")
        yield name, content, os.access(path, os.X_OK)


def pack(out):
    """Writes the archive to the file object; returns the number of files."""
    count = 0
    # No time and no name in gzip's header.
    with gzip.GzipFile(
        filename="", fileobj=out, mode="wb", mtime=0
    ) as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
        for name, content, executable in files():
            entry = tarfile.TarInfo(f"{FOLDER}/{name}")
            entry.size = len(content)
            entry.mtime = MIDNIGHT
            entry.mode = 0o755 if executable else 0o644
            archive.addfile(entry, io.BytesIO(content))
            count += 1
    return count


def main():
    parser = argparse.ArgumentParser(
        prog="kvlab handout", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "file",
        nargs="?",
        type=pathlib.Path,
        default=pathlib.Path("kvlab-handout.tar.gz"),
    )
    target = parser.parse_args().file
    archive = io.BytesIO()
    count = pack(archive)
    try:
        target.write_bytes(archive.getvalue())
    except OSError as error:
        print(
            f"kvlab handout: cannot write {target}: {error.strerror}",
            file=sys.stderr,
        )
        return 2
    print(
        f"kvlab handout: {target}, {count} files, "
        f"{target.stat().st_size / 1e6:.1f} MB; it unpacks to {FOLDER}/"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
