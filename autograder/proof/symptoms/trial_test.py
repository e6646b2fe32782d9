"""How often ./kvlab why must be right. The figures are printed."""

import json
import pathlib
import tomllib
import unittest

from autograder.proof.symptoms import trial
from cli.why import diagnosis


def read_text(name):
    return pathlib.Path(trial.__file__).with_name(name).read_text("utf-8")


def read(name):
    """Of what record.py has recorded."""
    return json.loads(read_text(name))


class TrialTest(unittest.TestCase):
    def setUp(self):
        self.catalogue = diagnosis.read_catalogue()

    def test_a_bug_that_it_knows_is_recognised(self):
        score = trial.known(self.catalogue)
        print(f"\nbugs of the catalogue: {score}")
        self.assertGreaterEqual(score.share("first"), 0.98)

    def test_a_bug_that_was_left_out_is_given_the_cause_of_those_like_it(self):
        shared, alone = trial.leave_one_out(self.catalogue)
        print(f"\nleft out, others have its cause: {shared}")
        print(f"left out, none other has its cause: {alone}")
        self.assertGreaterEqual(shared.share("first"), 0.60)
        self.assertGreaterEqual(shared.share("among_three"), 0.85)

    def test_of_two_bugs_one_is_named(self):
        score = trial.pairs(self.catalogue)
        print(f"\ntwo bugs: {score}")
        self.assertGreaterEqual(score.share("among_three"), 0.95)
        self.assertGreaterEqual(score.share("named"), 0.85)

    def test_of_two_bugs_that_are_planted_together_one_is_named(self):
        listed = read("pairs.json")["pairs"]
        score = trial.planted_pairs(listed, self.catalogue)
        print(f"\ntwo bugs, planted together: {score}")
        self.assertGreaterEqual(score.share("named"), 0.9)

    def test_of_mutants_it_says_nothing_rather_than_the_wrong_thing(self):
        listed = read("strangers.json")["strangers"]
        causes = tomllib.loads(read_text("strangers.toml"))["causes"]
        score = trial.strangers(listed, causes, self.catalogue)
        print(f"\nmutants: {score}")
        self.assertLessEqual(score.share("wrong"), 0.25)
        self.assertLessEqual(score.share("wrong_title"), 0.12)
        self.assertLessEqual(score.share("wrong_place"), 0.15)


if __name__ == "__main__":
    unittest.main()
