"""The mutants of a campaign: each mutation as it is, and from a size on."""

import hashlib
import json
import pathlib
import tomllib
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[3]


def _parts(description):
    """The parts of the rubric that judge a module, as the judge names them."""
    entries = tomllib.loads(description.read_text(encoding="utf-8"))
    end_to_end = ["everything"] if entries.get("end_to_end") else []
    return [description.parent.name, *end_to_end]


# By the folder of the module.
PARTS = {
    path.parent.name: _parts(path)
    for path in sorted(ROOT.glob("modules/*/module.toml"))
}
NUMBERS = [int(folder[:2]) for folder in PARTS]


@dataclass(frozen=True)
class Mutant:
    file: str  # "03_memoization/kv_cache.cc"
    function: str
    operator: str
    before: str
    after: str
    line: str
    ordinal: int
    when: str = ""  # "past_len >= 65"; "": always
    # The value of KVLAB_MUTANT and the line number; not part of the name.
    chosen: str = field(default="", compare=False)
    line_number: int = field(default=0, compare=False)

    @property
    def folder(self):
        return self.file.split("/", maxsplit=1)[0]

    @property
    def module(self):
        return int(self.folder[:2])

    @property
    def gate(self):
        return int(self.when.split()[-1]) if self.when else 0

    @property
    def name(self):
        """Everything that distinguishes it from the others, in words."""
        return (
            self.file,
            self.function,
            self.operator,
            self.before,
            self.after,
            self.line,
            self.ordinal,
            self.when,
        )

    @property
    def id(self):
        text = "\0".join(map(str, self.name))
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    @property
    def mutation(self):
        """The name without the size."""
        return self.name[:-1]

    def __str__(self):
        when = f", once {self.when}" if self.when else ""
        after = f"-> {self.after}" if self.after else "left out"
        return (
            f"{self.id} solutions/{self.file}:{self.line_number} "
            f"{self.function}: {self.operator}: {self.before} "
            f"{after}{when}"
        )


@dataclass
class Made:
    """What the mutator made of one source."""

    mutants: list
    mutations: int  # without sizes
    dropped: int  # mutations that do not compile


def _variants(listed):
    named = {
        key: listed[key]
        for key in (
            "file",
            "function",
            "operator",
            "before",
            "after",
            "line",
            "ordinal",
            "line_number",
        )
    }
    yield Mutant(**named, chosen=str(listed["number"]))
    for gate, index in listed["gates"].items():
        size = listed["sizes"][index]
        # The names that the mutator gives to items of a loop have offsets.
        size = "item" if size.startswith("kvlab_item_") else size
        yield Mutant(
            **named,
            when=f"{size} >= {gate}",
            chosen=f"{listed['number']} {index} {gate}",
        )


def read(path):
    """What a list of make_schemata.py says."""
    listed = json.loads(path.read_text(encoding="utf-8"))
    mutants = [
        mutant for entry in listed["mutants"] for mutant in _variants(entry)
    ]
    return Made(mutants, len(listed["mutants"]), len(listed["dropped"]))


def sample(mutants, count, seed):
    """`count` of the mutants: the same for a seed, and hardly others when
    mutants come or go elsewhere."""

    def draw(mutant):
        return hashlib.sha256(f"{seed}:{mutant.id}".encode()).hexdigest()

    return sorted(mutants, key=draw)[:count]
