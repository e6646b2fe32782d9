"""The regions of a solution that may be mutated.

A mutant is an error that a student could make, so it lies between the markers
from which stubs are cut: BEGIN SOLUTION NAME or BEGIN SOLUTION-ONLY, and the
END of the same kind. A marker is a comment alone on its line.
"""

from dataclasses import dataclass


class SourceError(Exception):
    """Markers that do not come in pairs."""


@dataclass(frozen=True)
class Region:
    begin: int  # offsets in bytes: after the opening marker, before the closing
    end: int


def _marker(line):
    """ "BEGIN SOLUTION" and the like, or nothing."""
    words = line.split()
    if len(words) >= 3 and words[0] == "//" and words[1] in ("BEGIN", "END"):
        if words[2] in ("SOLUTION", "SOLUTION-ONLY"):
            return words[1], words[2]
    return None


def regions(text):
    """All regions of a solution, in order. Raises SourceError."""
    # What is open: the kind of its marker, and where it begins.
    found, opened, offset = [], (), 0
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        marker = _marker(line)
        after = offset + len(line.encode())
        if marker and marker[0] == "BEGIN":
            if opened:
                raise SourceError(
                    f"line {number}: a region begins inside another"
                )
            opened = (marker[1], after)
        elif marker:
            if not opened or opened[0] != marker[1]:
                raise SourceError(
                    f"line {number}: END {marker[1]} without its BEGIN"
                )
            found.append(Region(opened[1], offset))
            opened = ()
        offset = after
    if opened:
        raise SourceError(f"the last {opened[0]} region does not end")
    if not found:
        raise SourceError("there is no SOLUTION region")
    return found
