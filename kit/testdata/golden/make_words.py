"""Writes the golden words: how GPT-2's own pattern splits hostile texts.

The pattern is the one in the encoder.py published with GPT-2, run by the
module it was written for.

Usage, from the root of the repository (needs Debian's python3-regex):

    /usr/bin/python3 kit/testdata/golden/make_words.py

Writes words.json beside this script: {"words": [[word, ...], ...]}; the text
of each entry is its words, one after the other.
"""

import json
import random
import unicodedata
from pathlib import Path

import regex

PATTERN = regex.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+"
    r"|\s+(?!\S)|\s+"
)
TEXTS = 400

# Characters that the pattern treats differently from their neighbours.
SPACES = [chr(c) for c in (9, 10, 11, 12, 13, 32, 0x85, 0xA0, 0x1680, 0x2000)]
SPACES += [chr(c) for c in (0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)]
NOT_SPACES = [chr(c) for c in (0x1C, 0x1F, 0x180E, 0x200B, 0x2060, 0xFEFF)]
CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'r", "'"]


def characters_by_category():
    """All characters of each of Unicode's categories."""
    found = {}
    for code_point in range(0x110000):
        category = unicodedata.category(chr(code_point))
        if category not in ("Cs", "Cn"):
            found.setdefault(category, []).append(chr(code_point))
    return found


def piece(by_category):
    kind = random.randrange(6)
    if kind == 0:
        return " "
    if kind == 1:
        return random.choice(SPACES + NOT_SPACES)
    if kind == 2:
        return random.choice(CONTRACTIONS)
    if kind == 3:
        return random.choice("abcXYZ019.,!-")
    category = random.choice(sorted(by_category))
    return random.choice(by_category[category]) * random.choice((1, 1, 2))


def main():
    random.seed(20240601)
    by_category = characters_by_category()
    texts = []
    for _ in range(TEXTS):
        pieces = range(random.randrange(1, 16))
        text = "".join(piece(by_category) for _ in pieces)
        words = PATTERN.findall(text)
        assert "".join(words) == text
        texts.append(words)
    lines = ",\n".join(json.dumps(words) for words in texts)
    path = Path(__file__).resolve().parent / "words.json"
    path.write_text('{"words": [\n' + lines + "\n]}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
