"""The table of ./kvlab contest: a CSV file that a class shares.

Sorted, a line for each result, so that two copies can be merged by hand or by
git. A result of the same person with the same file takes the earlier one's
place. Nothing in it can act in a spreadsheet or a terminal: names have letters,
digits and few other characters. A table that cannot be read stays as it is.
"""

import csv
import fcntl
import io
import math
import os
import pathlib
import re
import unicodedata

# What has to agree for two results to be compared, and then the loss.
ORDER = (
    "model",
    "text_sha256",
    "windows",
    "window_tokens",
    "budget_bytes",
    "loss",
    "when",
    "who",
)
COLUMNS = {
    "model": str,
    "text_sha256": str,
    "windows": int,
    "window_tokens": int,
    "budget_bytes": int,
    "loss": float,
    "loss_plus_or_minus": float,
    "more_than_full": float,
    "more_plus_or_minus": float,
    "held_bytes": int,
    "who": str,
    "when": str,
    "policy": str,
    "policy_sha256": str,
}
GROUP = ORDER[:5]
LONGEST_NAME = 40
LARGEST = 4_000_000  # bytes of a table
OTHERS = " .-_'"


class TableError(Exception):
    """Why a table or a name cannot be used."""


def is_name(text):
    """Letters of any alphabet, digits and a few marks; begins with a letter or
    a digit."""
    kinds = [unicodedata.category(letter)[0] for letter in text]
    return (
        0 < len(text) <= LONGEST_NAME
        and kinds[0] in "LN"
        and text == text.strip()
        and all(
            kind in "LMN" or letter in OTHERS
            for kind, letter in zip(kinds, text)
        )
    )


def checked_name(text):
    """A person's or a team's name as the table has it. Raises TableError."""
    name = unicodedata.normalize("NFC", text)
    if not is_name(name):
        raise TableError(
            f"{text!a} cannot be a name in the table: letters, digits, spaces "
            f"and {OTHERS.strip()} only, the first a letter or digit, at most "
            f"{LONGEST_NAME}"
        )
    return name


def file_name(path):
    """A file's name as the table has it: other characters become '_'."""
    name = "".join(
        letter if letter.isalnum() or letter in ".-_" else "_"
        for letter in unicodedata.normalize("NFC", pathlib.Path(path).name)
    )[:LONGEST_NAME]
    return name if is_name(name) else "policy.cc"


def field(column, text):
    """The value of a field. Raises ValueError."""
    value = COLUMNS[column](text)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not finite")
    if isinstance(value, int) and value < 0:
        raise ValueError("negative")
    if column.endswith("sha256"):
        if not re.fullmatch("[0-9a-f]{64}", text):
            raise ValueError("not a digest")
    elif column == "when":
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text):
            raise ValueError("not a time")
    elif COLUMNS[column] is str and not is_name(text):
        raise ValueError("not a name")
    return value


def read(path):
    """The results in a table; none before it is made. Raises TableError."""
    path = pathlib.Path(path)
    if not path.exists():
        return []
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise TableError(f"{path} has more than {LARGEST} bytes")
        lines = list(csv.reader(io.StringIO(content.decode(), ""), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path} cannot be read: {error}") from error
    if not lines or lines[0] != list(COLUMNS):
        raise TableError(f"{path} is not a table of ./kvlab contest")
    results = []
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(COLUMNS):
            raise TableError(f"{path}, line {number}: {len(line)} fields")
        result = {}
        for column, text in zip(COLUMNS, line):
            try:
                result[column] = field(column, text)
            except ValueError as error:
                raise TableError(
                    f"{path}, line {number}: {column} cannot be {text!a}"
                ) from error
        results.append(result)
    return results


def written(results):
    """The text of a table."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for result in sorted(
        results, key=lambda result: [result[column] for column in ORDER]
    ):
        writer.writerow(
            f"{result[column]:.6f}" if kind is float else result[column]
            for column, kind in COLUMNS.items()
        )
    return out.getvalue()


def same(a, b):
    """Whether both are results of one file by one person."""
    keys = (*GROUP, "who", "policy_sha256")
    return all(a[key] == b[key] for key in keys)


def add(path, result):
    """Adds a result to a table, or makes one; returns its results. Two may do
    so at once. Raises TableError, changing nothing."""
    path = pathlib.Path(path).resolve()
    # As a reader will find it.
    result = {
        column: field(column, f"{result[column]:.6f}")
        if kind is float
        else field(column, str(result[column]))
        for column, kind in COLUMNS.items()
    }
    try:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            results = [each for each in read(path) if not same(each, result)]
            results.append(result)
            part = path.with_name(f".{path.name}.{os.getpid()}")
            part.write_text(written(results), encoding="utf-8")
            part.replace(path)
        finally:
            os.close(folder)
    except OSError as error:
        raise TableError(f"{path} cannot be written: {error}") from error
    return results


def comparable(results, result):
    """Those for the same budget, text and model, best first."""
    group = [
        each
        for each in results
        if all(each[key] == result[key] for key in GROUP)
    ]
    return sorted(group, key=lambda each: [each[column] for column in ORDER])
