"""Mutants that may survive, each with the reason: allowed.toml.

    [[allowed]]
    file = "03_memoization/kv_cache.cc"
    function = "KvCache::PastLen"
    operator = "constant"
    before = "0"
    after = "0 + 1"
    line = "std::size_t longest = 0;"
    ordinal = 1                     # only if there are more of the same
    when = "past_len >= 65"         # only for a mutant from a size on; or
                                    # "always": only for that at every size
    kind = "equivalent"
    reason = "..."

An entry without `when` covers the mutation at every size and from any size on:
a mutant that cannot be detected when it is always active cannot be detected
when it is active less often. "always" is for errors that cancel each other.
Kinds:

    equivalent  no caller can distinguish it from the solution
    allowed     it can be detected, but breaks no sentence of a header
    tests       the grader catches it, the module's own tests do not
    grader      the other way round
"""

import json
import tomllib
from dataclasses import dataclass

KINDS = ("equivalent", "allowed", "tests", "grader")
_NEEDED = (
    "file",
    "function",
    "operator",
    "before",
    "after",
    "line",
    "kind",
    "reason",
)
_FIELDS = set(_NEEDED) | {"ordinal", "when"}


class AllowedError(Exception):
    """An entry that cannot be used."""


@dataclass(frozen=True)
class Entry:
    mutation: tuple  # as Mutant.mutation
    when: str
    kind: str
    reason: str

    def covers(self, mutant):
        return mutant.mutation == self.mutation and self.when in (
            "",
            mutant.when or "always",
        )

    def excuses(self, by_tests, by_grader):
        """Whether a mutant may be caught, or not, as this one was."""
        if self.kind == "tests":
            return by_grader
        if self.kind == "grader":
            return by_tests
        return True

    def stale(self, by_tests, by_grader):
        """Whether it was caught where the entry says that it is not."""
        if self.kind == "tests":
            return by_tests
        if self.kind == "grader":
            return by_grader
        return by_tests or by_grader

    def __str__(self):
        file, function, operator, before, after, line, _ = self.mutation
        when = f", once {self.when}" if self.when else ""
        return (
            f"{file} {function}: {operator}: {before} -> {after}{when} "
            f"in '{line}'"
        )


def _entry(number, fields):
    problem = None
    if missing := [name for name in _NEEDED if name not in fields]:
        problem = f"has no {', '.join(missing)}"
    elif unknown := sorted(set(fields) - _FIELDS):
        problem = f"has an unknown {', '.join(unknown)}"
    elif fields["kind"] not in KINDS:
        problem = f"has kind '{fields['kind']}'; one of {', '.join(KINDS)}"
    elif len(fields["reason"].split()) < 3:
        problem = "gives no reason"
    if problem:
        raise AllowedError(f"entry {number} of allowed.toml {problem}")
    return Entry(
        (
            fields["file"],
            fields["function"],
            fields["operator"],
            fields["before"],
            fields["after"],
            fields["line"],
            fields.get("ordinal", 1),
        ),
        fields.get("when", ""),
        fields["kind"],
        fields["reason"],
    )


class Allowed:
    def __init__(self, text):
        """Raises AllowedError."""
        try:
            listed = tomllib.loads(text).get("allowed", [])
        except tomllib.TOMLDecodeError as error:
            raise AllowedError(f"allowed.toml: {error}") from error
        self.entries = [
            _entry(number, fields)
            for number, fields in enumerate(listed, start=1)
        ]
        names = [(entry.mutation, entry.when) for entry in self.entries]
        for entry, name in zip(self.entries, names):
            if names.count(name) > 1:
                raise AllowedError(f"allowed.toml lists twice: {entry}")

    def find(self, mutant):
        """The entry for a mutant, or nothing."""
        return next(
            (entry for entry in self.entries if entry.covers(mutant)), None
        )

    def without_mutant(self, mutants):
        """Entries that cover none of the mutants: the solution has
        changed, and they must be reviewed."""
        return [
            entry
            for entry in self.entries
            if not any(entry.covers(mutant) for mutant in mutants)
        ]


def _text(value):
    return (
        str(value)
        if isinstance(value, int)
        else json.dumps(value, ensure_ascii=False)
    )


def propose(survivors):
    """Entries for survivors, as text that wants a kind and a reason.

    Args:
      survivors: of each the mutant, and whether tests and grader caught it
    """
    lines = []
    for mutant, by_tests, by_grader in survivors:
        kind = "tests" if by_grader else "grader" if by_tests else ""
        fields = {
            "file": mutant.file,
            "function": mutant.function,
            "operator": mutant.operator,
            "before": mutant.before,
            "after": mutant.after,
            "line": mutant.line,
        }
        if mutant.ordinal != 1:
            fields["ordinal"] = mutant.ordinal
        if mutant.when:
            fields["when"] = mutant.when
        fields |= {"kind": kind, "reason": ""}
        lines += ["[[allowed]]"]
        lines += [f"{name} = {_text(value)}" for name, value in fields.items()]
        lines += [""]
    return "\n".join(lines)
