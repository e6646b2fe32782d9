"""What allowed.py promises about the list of mutants that may survive."""

import unittest

from autograder.proof.mutate.allowed import Allowed, AllowedError, propose
from autograder.proof.mutate.mutants import Mutant

NAME = {
    "file": "03_memoization/kv_cache.cc",
    "function": "KvCache::PastLen",
    "operator": "constant",
    "before": "0",
    "after": "0 + 1",
    "line": "std::size_t longest = 0;",
    "ordinal": 1,
}
ALWAYS = Mutant(**NAME)
FROM_65 = Mutant(**NAME, when="past_len >= 65")

ENTRY = """\
[[allowed]]
file = "03_memoization/kv_cache.cc"
function = "KvCache::PastLen"
operator = "constant"
before = "0"
after = "0 + 1"
line = "std::size_t longest = 0;"
kind = "equivalent"
reason = "a cache has a layer, so a length"
"""


class AllowedTest(unittest.TestCase):
    def test_an_entry_stands_for_the_mutation_at_every_size(self):
        allowed = Allowed(ENTRY)
        self.assertIsNotNone(allowed.find(ALWAYS))
        self.assertIsNotNone(allowed.find(FROM_65))

    def test_an_entry_with_a_size_stands_for_that_alone(self):
        allowed = Allowed(ENTRY + 'when = "past_len >= 65"\n')
        self.assertIsNone(allowed.find(ALWAYS))
        self.assertIsNotNone(allowed.find(FROM_65))

    def test_an_entry_for_always_does_not_stand_for_sizes(self):
        allowed = Allowed(ENTRY + 'when = "always"\n')
        self.assertIsNotNone(allowed.find(ALWAYS))
        self.assertIsNone(allowed.find(FROM_65))

    def test_another_mutant_is_not_meant(self):
        for field in NAME:
            other = Mutant(**(NAME | {field: 2 if field == "ordinal" else "x"}))
            self.assertIsNone(Allowed(ENTRY).find(other), field)

    def test_each_kind_excuses_what_it_says(self):
        for kind, excused in (
            ("equivalent", {"neither"}),
            ("allowed", {"neither"}),
            ("tests", {"grader"}),
            ("grader", {"tests"}),
        ):
            entry = Allowed(ENTRY.replace("equivalent", kind)).find(ALWAYS)
            caught = {
                "neither": (False, False),
                "tests": (True, False),
                "grader": (False, True),
            }
            fine = {
                by
                for by, both in caught.items()
                if entry.excuses(*both) and not entry.stale(*both)
            }
            self.assertEqual(fine, excused, kind)

    def test_an_entry_whose_mutant_is_gone_is_told(self):
        allowed = Allowed(ENTRY)
        self.assertEqual(allowed.without_mutant([ALWAYS]), [])
        self.assertEqual(allowed.without_mutant([]), allowed.entries)

    def test_what_is_proposed_wants_a_reason_and_then_is_an_entry(self):
        odd = Mutant(
            **(NAME | {"before": 'a "b"\\n', "ordinal": 2}), when="n >= 9"
        )
        text = propose([(odd, True, False)])
        with self.assertRaisesRegex(AllowedError, "gives no reason"):
            Allowed(text)
        text = text.replace('reason = ""', 'reason = "now there is one"')
        self.assertEqual(Allowed(text).find(odd).kind, "grader")

    def test_bad_entries_are_refused(self):
        for text, problem in (
            (ENTRY.replace("kind", "kid"), "has no kind"),
            (ENTRY + "more = 1\n", "unknown more"),
            (ENTRY.replace("equivalent", "boring"), "has kind 'boring'"),
            (
                ENTRY.replace("a cache has a layer, so a length", "because"),
                "gives no reason",
            ),
            (ENTRY + ENTRY, "lists twice"),
            ("[[allowed]", "allowed.toml"),
        ):
            with self.assertRaisesRegex(AllowedError, problem):
                Allowed(text)


if __name__ == "__main__":
    unittest.main()
