"""Tests the table that a class shares."""

import concurrent.futures
import pathlib
import tempfile
import unittest

from cli.contest import standings

RESULT = {
    "model": "shakespeare-gpt2",
    "text_sha256": "a" * 64,
    "windows": 24,
    "window_tokens": 512,
    "budget_bytes": 1048576,
    "loss": 3.5,
    "loss_plus_or_minus": 0.1,
    "more_than_full": 0.05,
    "more_plus_or_minus": 0.01,
    "held_bytes": 1040384,
    "who": "Ada",
    "when": "2026-10-01T12:00:00Z",
    "policy": "ada.cc",
    "policy_sha256": "1" * 64,
}


class StandingsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.table = pathlib.Path(folder.name) / "contest.csv"

    def add(self, **changes):
        return standings.add(self.table, RESULT | changes)

    def who(self):
        return [result["who"] for result in standings.read(self.table)]

    def assertRefused(self, words):
        """The table is refused in one line, and stays as it is."""
        before = self.table.read_bytes()
        with self.assertRaisesRegex(standings.TableError, words) as refused:
            self.add()
        self.assertNotIn("\n", str(refused.exception))
        self.assertEqual(self.table.read_bytes(), before)

    def test_a_result_is_read_as_it_was_written(self):
        self.add()
        self.assertEqual(standings.read(self.table), [RESULT])

    def test_no_file_is_an_empty_table(self):
        self.assertEqual(standings.read(self.table), [])

    def test_results_are_sorted_by_loss_within_a_budget(self):
        self.add(who="Third", loss=3.7)
        self.add(who="First", loss=3.5)
        self.add(who="Other budget", loss=3.9, budget_bytes=65536)
        self.add(who="Second", loss=3.6)
        self.assertEqual(
            self.who(), ["Other budget", "First", "Second", "Third"]
        )

    def test_of_equal_losses_the_earlier_is_first(self):
        self.add(who="Later", when="2026-10-02T00:00:00Z")
        self.add(who="Earlier", when="2026-10-01T00:00:00Z")
        self.assertEqual(self.who(), ["Earlier", "Later"])

    def test_the_same_file_of_the_same_person_counts_once(self):
        self.add(loss=3.6)
        self.add(loss=3.5, when="2026-10-03T00:00:00Z")
        self.assertEqual(len(self.who()), 1)
        self.assertEqual(standings.read(self.table)[0]["loss"], 3.5)

    def test_the_same_file_of_two_people_shows_as_such(self):
        self.add()
        self.add(who="Bob")
        digests = {
            result["policy_sha256"] for result in standings.read(self.table)
        }
        self.assertEqual((len(self.who()), len(digests)), (2, 1))

    def test_only_results_on_the_same_text_and_budget_are_compared(self):
        self.add(who="Other text", text_sha256="b" * 64, loss=1)
        self.add(who="Other budget", budget_bytes=65536, loss=1)
        self.add(who="Worse", loss=3.6)
        compared = standings.comparable(self.add(), RESULT)
        self.assertEqual([each["who"] for each in compared], ["Ada", "Worse"])

    def test_names_may_be_of_any_alphabet(self):
        for name in "Zoë", "O'Neill-Ørsted", "李小龙", "Team 7":
            with self.subTest(name=name):
                self.assertEqual(standings.checked_name(name), name)

    def test_no_name_acts_in_a_spreadsheet_or_a_terminal(self):
        for name in (
            "",
            " ",
            "=HYPERLINK(1)",
            "+1",
            "-1",
            "@sum",
            "a,b",
            'a"b',
            "a\nb",
            "a\rb",
            "a\tb",
            "a|b",
            "a<b>",
            "\x1b[2J",
            "a\u202eb",  # reverses the direction of text
            "a\u200bb",  # takes no space
            "a" * 41,
        ):
            with self.subTest(name=name):
                with self.assertRaises(standings.TableError) as refused:
                    standings.checked_name(name)
                self.assertTrue(str(refused.exception).isprintable())

    def test_nor_does_the_name_of_a_file(self):
        for path, name in (
            ("a/b/mine.cc", "mine.cc"),
            ("=cmd,1.cc", "policy.cc"),
            ("a\nb.cc", "a_b.cc"),
            ("a" * 100 + ".cc", "a" * 40),
        ):
            with self.subTest(path=path):
                self.assertEqual(standings.file_name(path), name)

    def test_a_file_that_is_no_table_is_not_overwritten(self):
        for content in (b"", b"my thesis\n", b"\xff\xfe", b'"'):
            with self.subTest(content=content):
                self.table.write_bytes(content)
                self.assertRefused("contest.csv")

    def test_a_line_that_was_edited_badly_is_named(self):
        self.add()
        good = self.table.read_text(encoding="utf-8")
        for old, new, words in (
            ("3.500000", "nan", "line 2: loss"),
            ("3.500000", "inf", "line 2: loss"),
            ("3.500000", "best", "line 2: loss"),
            (",24,", ",-24,", "line 2: windows"),
            ("Ada", "=1+1", "line 2: who"),
            ("a" * 64, "a", "line 2: text_sha256"),
            ("2026-10-01", "today", "line 2: when"),
            ("Ada,", "", "line 2: 13 fields"),
        ):
            with self.subTest(new=new):
                self.table.write_text(good.replace(old, new), encoding="utf-8")
                self.assertRefused(words)

    def test_two_may_add_at_once(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for _ in pool.map(lambda i: self.add(who=f"Team {i}"), range(24)):
                pass
        self.assertEqual(len(self.who()), 24)

    def test_nothing_else_is_left_in_the_folder(self):
        self.add()
        self.assertEqual(list(self.table.parent.iterdir()), [self.table])


if __name__ == "__main__":
    unittest.main()
