"""A copy of the repository in which a check may change files.

The copy stays in .kvlab/copy, so that Bazel finds there what it has built.
"""

import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / ".kvlab" / "copy" / "kvlab"


def tracked_files():
    """The repository's files, as they are on the disk."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    return {
        pathlib.Path(name)
        for name in listed.decode().split("\0")
        if name and (ROOT / name).is_file()
    }


def copy_file(source, target):
    """Copies what differs, so that Bazel finds the rest unchanged."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.read_bytes() != source.read_bytes():
        shutil.copy(source, target)


def make(added, options):
    """Makes COPY the repository and the files `added`, and nothing else.

    added: {name in the copy: file}.
    options: what Bazel is to be called with there.
    Returns the names of the repository's files.
    """
    course = tracked_files()
    for path in COPY.rglob("*"):
        name = path.relative_to(COPY)
        if (
            path.is_file()
            and not name.parts[0].startswith("bazel-")
            and name.parts[0] != ".kvlab"
            and name not in course | set(added)
        ):
            path.unlink()
    for name in course:
        copy_file(ROOT / name, COPY / name)
    for name, source in added.items():
        copy_file(source, COPY / name)
    # What is handed out are the files that git knows.
    for command in (["git", "init", "--quiet"], ["git", "add", "--all"]):
        subprocess.run(command, cwd=COPY, check=True)
    # course.bazelrc reads it, in place of the repository's own.
    (COPY / ".kvlab").mkdir(exist_ok=True)
    (COPY / ".kvlab/ci.bazelrc").write_text(
        "".join(f"build {option}\n" for option in options), encoding="utf-8"
    )
    # Where Bazel's modules are from; nothing to install is missing.
    subprocess.run([COPY / "third_party/setup", "build"], check=True)
    return course


def changed(course):
    """Which of the repository's files differ in the copy."""
    return {
        str(name)
        for name in course
        if (ROOT / name).read_bytes() != (COPY / name).read_bytes()
    }
