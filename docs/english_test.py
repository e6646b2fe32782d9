"""Keeps phrases that read translated out of the text that people read.

A new phrase goes into FORBIDDEN, with the words to use instead. Text that has
to stay as it is goes into ALLOWED, with the reason.

Also runs without Bazel: python3 docs/english_test.py
"""

import pathlib
import re
import unittest

# In Bazel's runfiles this file is a link into the source tree.
ROOT = pathlib.Path(__file__).resolve().parent.parent

SCANNED = (
    ".github",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "autograder",
    "cli",
    "compare",
    "docs",
    "handout",
    "implementation",
    "kit",
    "kvlab",
    "lab",
    "models",
    "modules",
    "quiz",
    "solutions",
    "third_party",
    "third_party/packages.txt",
)
SUFFIXES = {".bzl", ".cc", ".h", ".md", ".mjs", ".mustache", ".py", ".toml"}
# Published texts, fetched packages, and this list itself.
SKIPPED = re.compile(
    r"(^|/)(testdata|node_modules|__pycache__)/|^docs/english_test\.py$"
)

# A phrase, as a regular expression whose spaces also match a line break, and
# what to write instead.
FORBIDDEN = {
    "whoever": "name the thing, or use the passive",
    "whom": "name the thing, or use the passive",
    # In quotes it is the Unix user.
    "(?!(?<=[`'\"])nobody[`'\"])nobody": "name the thing, or use the passive",
    "somebody": "name the thing, or use the passive",
    "anybody": "name the thing, or use the passive",
    "no one": "name the thing, or use the passive",
    "he|his|him": "they, or repeat the noun",
    "looks? whether": "checks whether",
    "looks? (at|for) what": "name what is checked",
    "behind (the|a|each) "
    "(first|last|old|others?|prompts?|past|tokens?|rows?)": "after",
    "(step|token|logits|bytes|one) behind": "after",
    "(is|are|was|be) told(?! apart)": "is reported, is printed, is shown",
    "(?<!there.)(is|are) no (text|list|table|number|string|date|toml|file|test|"
    "percentage|count|reply|message|manifest|visibility|regular|zip|tar)": (
        "must be a ..., is not a valid ..."
    ),
    "(that|which) (is|are) none": "is not a valid ...",
    "what stands": "the contents, the text",
    "(is|are) there twice": "appears twice",
    "anew each": "again each",
    "till": "until",
    "by and by": "gradually",
    "for ever": "permanently, always",
    "mend(s|ed|ing)?": "fix",
    "(engine|token|row|look) more(?! than)": "another, one more",
}

# Path, text, and why it stays.
ALLOWED = (
    (
        "autograder/proof/graderlab/cases/exploits/"
        "hands_in_the_sheet_of_a_friend.toml",
        "somebody.else@example.org",
        "a made-up address",
    ),
    (
        "autograder/proof/checks/quiz_checks_test.cc",
        '"somebody.else"',
        "a made-up name, which selects the questions",
    ),
)


def pattern_of(phrase):
    # Between two words there may be a line break and a comment's marker.
    return re.compile(
        r"\b(?:" + phrase.replace(" ", r"(?:\s+(?://|#)?\s*)") + r")\b", re.I
    )


PATTERNS = {
    pattern_of(phrase): instead for phrase, instead in FORBIDDEN.items()
}


def files():
    """The files to scan, as paths relative to ROOT."""
    for name in SCANNED:
        for path in sorted(ROOT.glob(name)):
            found = (
                [path]
                if path.is_file()
                else sorted(
                    file
                    for file in path.rglob("*")
                    if file.suffix in SUFFIXES and file.is_file()
                )
            )
            for file in found:
                relative = file.relative_to(ROOT).as_posix()
                if not SKIPPED.search(relative):
                    yield relative


def allowed_at(name, text, begin):
    """The entry of ALLOWED that covers position `begin`, or None."""
    for entry in ALLOWED:
        if entry[0] == name:
            start = text.find(entry[1])
            if start != -1 and start <= begin < start + len(entry[1]):
                return entry
    return None


def findings(name, text):
    """(message, entry of ALLOWED or None) for each forbidden phrase."""
    for pattern, instead in PATTERNS.items():
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            phrase = re.sub(r"\s+(?://|#)?\s*", " ", match.group(0))
            yield (
                f"{name}:{line}: '{phrase}'; instead: {instead}",
                allowed_at(name, text, match.start()),
            )


class EnglishTest(unittest.TestCase):
    def test_no_text_reads_translated(self):
        found, used = [], set()
        for name in files():
            text = (ROOT / name).read_text(encoding="utf-8")
            for message, entry in findings(name, text):
                if entry is None:
                    found.append(message)
                else:
                    used.add(entry)
        if found:
            self.fail("\n" + "\n".join(found))
        self.assertEqual(set(ALLOWED) - used, set(), "no longer needed")

    def test_scans_the_whole_course(self):
        names = set(files())
        for name in (
            "README.md",
            "kvlab",
            "docs/theory.md",
            "kit/tensor/tensor.h",
            "modules/03_memoization/kv_cache.h",
            "quiz/quiz.cc",
            "solutions/03_memoization/kv_cache.cc",
            "lab/page/sections/memo.mjs",
            "cli/bench.py",
            "autograder/machine/sandbox/sandbox_user.h",
            "autograder/proof/mutate/allowed.py",
            "autograder/rubric.toml",
            "autograder/judges/01_attention/rubric.toml",
        ):
            self.assertIn(name, names)
        self.assertNotIn("kit/testdata/tinyshakespeare/input.txt", names)


class FindingsTest(unittest.TestCase):
    def messages(self, text, name="a.cc"):
        return [
            message for message, entry in findings(name, text) if entry is None
        ]

    def test_names_the_line_the_phrase_and_what_to_write(self):
        self.assertEqual(
            self.messages("int a;\n// Nobody calls it.\n"),
            ["a.cc:2: 'Nobody'; instead: name the thing, or use the passive"],
        )

    def test_finds_each_phrase(self):
        for text in (
            "Whoever asks",
            "what he wrote",
            "that he, too, wrote",
            "his paths",
            "it looks whether",
            "no one knows",
            "the steps behind the first",
            "a step behind 500 tokens",
            "the median is told",
            "'title' is no text",
            "a date that is none",
            "what stands in the sheet",
            "key 'a' is there twice",
            "wait till",
            "mend that line",
            "an engine more",
            "'Nobody calls it'",
            "a nobody'",
        ):
            with self.subTest(text):
                self.assertEqual(len(self.messages(text)), 1)

    def test_finds_a_phrase_across_a_line_break(self):
        self.assertEqual(
            self.messages("  // The median is\n  // told.\n"),
            ["a.cc:1: 'is told'; instead: is reported, is printed, is shown"],
        )

    def test_leaves_other_words_alone(self):
        for text in (
            "the theory",
            "this",
            "recommend",
            "still",
            "told = []",
            "a name behind which",
            "there is no list of them",
            "test_a_token_is_told",
            "told apart",
            "one token more than it",
            "`nobody`",
            '"nobody"',
        ):
            with self.subTest(text):
                self.assertEqual(self.messages(text), [])

    def test_allows_a_text_in_its_own_file_alone(self):
        name, text, _ = ALLOWED[0]
        self.assertEqual(self.messages(text, name), [])
        self.assertEqual(len(self.messages(text, "a.cc")), 1)
        self.assertEqual(len(self.messages(text + ". Nobody.", name)), 1)


if __name__ == "__main__":
    unittest.main()
