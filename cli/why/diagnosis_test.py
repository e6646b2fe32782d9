"""How failures are compared with known bugs, in a catalogue of a few."""

import unittest

from cli.why import diagnosis, symptoms

COUNT = "x.cc:1\nExpected: (work) <= (limit), actual: {} vs 960"


def failing(*tests, message=COUNT.format(1920)):
    return tuple(symptoms.of_failures(test, [message]) for test in tests)


def bug(name, cause, *tests, module=1, message=COUNT.format(1920)):
    return diagnosis.KnownBug(
        name,
        module,
        "Second" if "Second" in tests[0] else "First",
        f"0{module}_x/x.cc",
        cause,
        f"Title of {name}",
        "Hint.",
        failing(*tests, message=message),
    )


def catalogue(*bugs):
    return diagnosis.Catalogue(
        bugs,
        {
            each: {"says": each, "tests": each.capitalize()}
            for each in ("work", "padding", "layers")
        },
        {"01_x/x.h": {"First": {"any": "F."}, "Second": {"any": "S."}}},
    )


BUGS = catalogue(
    bug("a", "work", "FirstTest.A", "FirstTest.B", "SecondTest.A"),
    bug("b", "padding", "FirstTest.B", "SecondTest.A"),
    bug("c", "layers", "SecondTest.A", "SecondTest.C"),
)


class DiagnosisTest(unittest.TestCase):
    def verdicts(self, *tests, known=BUGS, **more):
        return diagnosis.verdicts(failing(*tests), 1, known, **more)

    def test_a_known_bug_is_recognised(self):
        for each in BUGS.bugs:
            with self.subTest(each.name):
                first = diagnosis.verdicts(each.failing, 1, BUGS)[0]
                self.assertEqual(
                    (first.bug, first.cause, first.function),
                    (each, each.cause, each.function),
                )

    def test_a_rare_test_says_more_than_one_that_always_fails(self):
        known = catalogue(
            bug("rare", "work", "FirstTest.Rare", "FirstTest.Often"),
            bug("x", "padding", "FirstTest.Often", "FirstTest.Y"),
            bug("y", "layers", "FirstTest.Often", "FirstTest.Z"),
        )
        found = self.verdicts("FirstTest.Rare", "FirstTest.Q", known=known)
        self.assertEqual(found[0].cause, "work")

    def test_messages_decide_where_the_same_tests_fail(self):
        known = catalogue(
            bug("twice", "work", "FirstTest.A"),
            bug("half", "padding", "FirstTest.A", message=COUNT.format(480)),
        )
        for each in known.bugs:
            with self.subTest(each.name):
                found = diagnosis.verdicts(each.failing, 1, known)
                self.assertEqual(found[0].bug, each)

    def test_only_tests_that_ran_are_compared(self):
        found = self.verdicts("FirstTest.B", ran={"FirstTest.A", "FirstTest.B"})
        self.assertEqual(found[0].bug.name, "b")

    def test_a_name_of_a_test_can_show_a_cause_that_no_like_bug_has(self):
        known = catalogue(
            bug("other", "padding", "OtherTest.Padding", module=2),
            bug("work", "work", "FirstTest.Work"),
        )
        found = self.verdicts("FirstTest.ServesPaddingOfEachRow", known=known)
        self.assertEqual(
            (found[0].cause, found[0].bug, found[0].function),
            ("padding", None, "First"),
        )

    def test_what_is_like_nothing_is_unknown(self):
        self.assertEqual(self.verdicts("ThirdTest.New"), [])

    def test_the_sentence_of_a_contract_depends_on_the_cause(self):
        contracts = {"x.h": {"F": {"any": "All.", "mask": "Hides."}}}
        known = diagnosis.Catalogue((), {}, contracts)
        self.assertEqual(known.sentence("F", "mask"), ("x.h", "Hides."))
        self.assertEqual(known.sentence("F", "work"), ("x.h", "All."))


if __name__ == "__main__":
    unittest.main()
