"""Which of a student's files each test program depends on, and their digest: a
result holds while these files are as they were.

A source needs the headers that it includes, and what implements a header is the
source of its name: so a test of a task needs the task's file, and all that this
file needs.
"""

import functools
import hashlib
import pathlib
import re

from cli import course_tasks

_INCLUDED = re.compile(r'^\s*#\s*include\s+"(modules/[^"]+)"', re.MULTILINE)


@functools.lru_cache(maxsize=None)
def _text(path, _saved_at):
    return path.read_bytes()


def _read(path):
    """A file, as it is now; empty if it is gone."""
    try:
        return _text(path, path.stat().st_mtime_ns)
    except OSError:
        return b""


def files_of(root, label):
    """The students' files that a test program depends on, in order.

    label: "//modules/03_memoization:kv_cache_test"
    """
    root = pathlib.Path(root)
    package, _, name = label.removeprefix("//").partition(":")
    mine = {
        path
        for folder in course_tasks.modules(root).values()
        for path in course_tasks.files(folder)
    }
    waiting, known = [root / package / f"{name}.cc"], set()
    while waiting:
        path = waiting.pop()
        if path in known:
            continue
        known.add(path)
        text = _read(path).decode(encoding="utf-8", errors="replace")
        headers = [root / each for each in _INCLUDED.findall(text)]
        waiting += headers + [each.with_suffix(".cc") for each in headers]
    return sorted(known & mine)


def digest(root, label):
    """Of these files as they are now, and of the test itself."""
    package, _, name = label.removeprefix("//").partition(":")
    test = pathlib.Path(root) / package / f"{name}.cc"
    total = hashlib.sha256()
    for path in [test, *files_of(root, label)]:
        total.update(hashlib.sha256(_read(path)).digest())
    return total.hexdigest()[:16]


def digests(root):
    """{label: digest} of all test programs of the modules."""
    return {
        label: digest(root, label)
        for folder in course_tasks.modules(root).values()
        for label in course_tasks.labels(folder)
    }
