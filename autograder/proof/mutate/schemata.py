"""All mutants of a file in one source, each behind a selector.

A mutant is a set of edits. An edit replaces the text of one node of the syntax
tree; nodes nest, so edits do. The text of an expression E with mutants 17 and
18 becomes

    (kvlab_mutant::active == 17 ? (E17) : kvlab_mutant::active == 18 ? (E18)
     : (E))

where E17 and E18 are made of the original text and E of what lies inside it,
with its own mutants. (Untermyer, Offutt and Harrold 1993, "Mutation analysis
using mutant schemata".)
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Edit:
    begin: int
    end: int
    text: str
    # value: `text` is an expression for the one in the range;
    # void: the expression statement or throw in the range is left out;
    # jump: the statement in the range is left out, if `text` (unless "") holds;
    # wrap: not a mutant, `text` is put around the range: "before{body}after".
    kind: str = "value"


@dataclass
class Mutation:
    """What is changed where. `number` selects it, the rest names it."""

    operator: str  # "relation"
    before: str  # source text that is replaced
    after: str  # by this
    edits: list
    function: str = ""  # "LayerCache::Append"
    line: str = ""  # the line of the source where it begins, without margins
    line_number: int = 0
    ordinal: int = 1  # among those that are alike in all of the above
    number: int = 0
    # Expressions for sizes that are known at this place, by gate.
    sizes: dict = field(default_factory=dict)

    @property
    def key(self):
        return (
            self.function,
            self.operator,
            self.before,
            self.after,
            self.line,
            self.ordinal,
        )


def condition(mutation):
    """The C++ condition under which the mutation is active."""
    selected = f"kvlab_mutant::active == {mutation.number}"
    names = list(dict.fromkeys(mutation.sizes.values()))
    if not names:
        return selected
    return f"({selected} && kvlab_mutant::Reached({', '.join(names)}))"


@dataclass(frozen=True)
class Owned:
    """Bytes of the composed source that are there because of a mutation."""

    begin: int
    end: int
    mutation: Mutation
    chosen: bool  # the mutant itself, or also what it is put in place of


class _Writer:
    """Text in pieces; remembers which mutants wrote which of them."""

    def __init__(self):
        self.pieces = []
        self.length = 0
        self.owners = []

    def put(self, text):
        self.pieces.append(text)
        self.length += len(text)

    def put_owned(self, text, mutation):
        self.own(self.length, self.length + len(text), mutation, True)
        self.put(text)

    def own(self, begin, end, mutation, chosen=False):
        self.owners.append(Owned(begin, end, mutation, chosen))


def compose(source, mutations, wraps=()):
    """The source (bytes) with all mutations in it, and who owns which bytes.

    Args:
      source: the original, bytes
      mutations: those to plant
      wraps: edits of kind "wrap" that belong to no mutation
    """
    by_range = {}
    for mutation in mutations:
        for edit in mutation.edits:
            by_range.setdefault((edit.begin, edit.end), []).append(
                (mutation, edit)
            )
    for edit in wraps:
        by_range.setdefault((edit.begin, edit.end), []).append((None, edit))
    # Outer ranges first.
    ranges = sorted(by_range, key=lambda r: (r[0], -r[1]))
    writer = _Writer()
    position = 0

    def write_range(index):
        """Writes ranges[index]; returns the index of the next outside it."""
        begin, end = ranges[index]
        edits = by_range[ranges[index]]
        order = {"wrap": 0, "jump": 1, "void": 2, "value": 3}
        edits.sort(key=lambda e: order[e[1].kind])
        return write_edits(edits, index, begin, end)

    def write_body(index, begin, end):
        nonlocal position
        position = begin
        following = index + 1
        while following < len(ranges) and ranges[following][0] < end:
            inner = ranges[following]
            if inner[1] > end:
                raise ValueError(f"edits {begin}-{end} and {inner} overlap")
            writer.put(source[position : inner[0]])
            following = write_range(following)
        writer.put(source[position:end])
        position = end
        return following

    def write_edits(edits, index, begin, end):
        if not edits:
            return write_body(index, begin, end)
        (mutation, edit), rest = edits[0], edits[1:]
        if edit.kind == "wrap":
            head, tail = edit.text.split("{body}")
            writer.put(head.encode())
            following = write_edits(rest, index, begin, end)
            writer.put(tail.encode())
            return following
        begins = writer.length
        following = write_mutant(mutation, edit, rest, index)
        writer.own(begins, writer.length, mutation)
        return following

    def write_mutant(mutation, edit, rest, index):
        begin, end = edit.begin, edit.end
        chosen = condition(mutation)
        if edit.kind == "jump":
            extra = f" && {edit.text}" if edit.text else ""
            writer.put_owned(
                f"if ({chosen}{extra}) {{}} else ".encode(), mutation
            )
            return write_edits(rest, index, begin, end)
        if edit.kind == "void":
            writer.put_owned(
                f"({chosen} ? static_cast<void>(0) : ".encode(), mutation
            )
            throws = source[begin:end].startswith(b"throw")
            writer.put(b"(" if throws else b"static_cast<void>(")
        else:
            writer.put_owned(f"({chosen} ? ({edit.text}) : ".encode(), mutation)
            writer.put(b"(")
        following = write_edits(rest, index, begin, end)
        writer.put(b"))")
        return following

    index = 0
    while index < len(ranges):
        writer.put(source[position : ranges[index][0]])
        index = write_range(index)
    writer.put(source[position:])
    return b"".join(writer.pieces), writer.owners


def owner_of(owners, offset, line):
    """The mutation because of which the compiler complains at `offset`.

    That whose own text it is, else the innermost around it, else the nearest on
    its line (a range of offsets), or None.
    """
    around = [own for own in owners if own.begin <= offset < own.end]
    chosen = [own for own in around if own.chosen]
    found = min(
        chosen or around, key=lambda own: own.end - own.begin, default=None
    )
    if found is None:
        found = min(
            (
                own
                for own in owners
                if own.begin < line.stop and line.start < own.end
            ),
            key=lambda own: max(own.begin - offset, offset - own.end),
            default=None,
        )
    return found.mutation if found else None
