"""What arrows.py finds in a house with one fault."""

import unittest

from autograder.proof.house import arrows


def rule(name, kind="cc_library", **attributes):
    """One rule, as Bazel writes it."""
    lists = "".join(
        f'<list name="{attribute}">'
        + "".join(f'<label value="{label}"/>' for label in labels)
        + "</list>"
        for attribute, labels in attributes.items()
    )
    inputs = "".join(
        f'<rule-input name="{label}"/>'
        for labels in attributes.values()
        for label in labels
    )
    return f'<rule class="{kind}" name="{name}">{lists}{inputs}</rule>'


def graph(*rules):
    return arrows.Graph("<query>" + "".join(rules) + "</query>")


class RoomTest(unittest.TestCase):
    def test_a_label_belongs_to_the_innermost_room(self):
        self.assertEqual(arrows.room_of("//autograder:grade"), "autograder")
        self.assertEqual(
            arrows.room_of("//autograder/exam:exam"), "autograder/exam"
        )
        self.assertEqual(
            arrows.room_of("//autograder/proof/symptoms/deeper:x"),
            "autograder/proof",
        )
        self.assertIsNone(arrows.room_of("//kitchen:x"))


class WrongArrowTest(unittest.TestCase):
    def one(self, *rules):
        found = list(arrows.wrong_arrows(graph(*rules)))
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_nothing_below_may_use_what_is_above(self):
        self.assertIn(
            "kit/ may not use modules/",
            self.one(
                rule("//kit/tensor", deps=["//modules/01_attention:contract"])
            ),
        )
        self.assertIn(
            "autograder/exam/ may not use autograder/judges/",
            self.one(
                rule(
                    "//autograder/exam:check",
                    deps=["//autograder/judges/a:checks"],
                )
            ),
        )

    def test_a_file_that_is_read_is_used_too(self):
        self.assertIn(
            "lab/ may not use solutions/",
            self.one(
                rule(
                    "//lab:lab", data=["//solutions/01_attention:attention.cc"]
                )
            ),
        )

    def test_nobody_uses_the_proofs(self):
        self.assertIn(
            "may not use autograder/proof/",
            self.one(
                rule("//autograder:grade", deps=["//autograder/proof/checks:x"])
            ),
        )

    def test_descriptions_and_models_are_for_everyone(self):
        self.assertEqual(
            [],
            list(
                arrows.wrong_arrows(
                    graph(
                        rule(
                            "//kit:t",
                            data=[
                                "//models:shakespeare-gpt2",
                                "//modules/01_attention:module.toml",
                            ],
                        )
                    )
                )
            ),
        )

    def test_a_room_may_use_itself(self):
        self.assertEqual(
            [],
            list(arrows.wrong_arrows(graph(rule("//kit:a", deps=["//kit:b"])))),
        )


class UnusedArrowTest(unittest.TestCase):
    def test_permission_that_nobody_needs_is_taken_back(self):
        found = list(
            arrows.unused_arrows(
                graph(rule("//quiz:quiz", deps=["//kit:error"]))
            )
        )
        self.assertNotIn("quiz/ does not use kit/", "".join(found))
        self.assertIn("lab/ does not use cli/", "".join(found))


class CircleTest(unittest.TestCase):
    def test_the_house_has_none(self):
        self.assertEqual([], list(arrows.circles()))

    def test_finds_one(self):
        rooms = dict(arrows.ROOMS)
        try:
            arrows.ROOMS["kit"] = ("autograder/report",)
            self.assertIn(
                "the arrows from kit/ lead back to it", list(arrows.circles())
            )
        finally:
            arrows.ROOMS.update(rooms)


class LaterModuleTest(unittest.TestCase):
    def found(self, user, used):
        return list(arrows.later_modules(graph(rule(user, deps=[used]))))

    def test_a_module_knows_those_before_it(self):
        self.assertEqual(
            [], self.found("//modules/03_m:contract", "//modules/02_t:contract")
        )
        self.assertEqual(
            1,
            len(
                self.found("//modules/02_t:contract", "//modules/03_m:contract")
            ),
        )
        self.assertEqual(
            1,
            len(
                self.found(
                    "//solutions/02_t:solution", "//modules/03_m:contract"
                )
            ),
        )
        self.assertEqual(
            1,
            len(
                self.found(
                    "//autograder/judges/02_t:checks",
                    "//autograder/judges/03_m:x",
                )
            ),
        )


class WallTest(unittest.TestCase):
    def found(self, *rules):
        return [
            each
            for each in arrows.breached_walls(graph(*rules))
            if "the wall has moved" not in each
        ]

    def test_the_grader_is_not_linked_with_a_students_code(self):
        source = "//modules/01_attention:attention.cc"
        student = rule("//modules/01_attention:student", srcs=[source])
        self.assertIn(
            "must not be linked with a student's code",
            self.found(
                student,
                rule("//autograder:grade", deps=["//autograder:x"]),
                rule("//autograder:x", deps=["//modules/01_attention:student"]),
            )[0],
        )
        self.assertEqual(
            1,
            len(
                self.found(
                    student, rule("//autograder/exam:exam", srcs=[source])
                )
            ),
        )

    def test_a_modules_test_is_not_a_students_code(self):
        self.assertEqual(
            [],
            self.found(
                rule(
                    "//autograder/proof/checks:x",
                    srcs=["//modules/01_attention:attention_test.cc"],
                )
            ),
        )

    def test_not_by_way_of_the_chosen_implementation_either(self):
        found = self.found(
            rule("//autograder:grade", deps=["//implementation:module_01"]),
            rule(
                "//implementation:module_01",
                kind="alias",
                actual=["//modules/01_attention:student"],
            ),
        )
        self.assertGreaterEqual(len(found), 1, found)

    def test_but_it_may_have_the_files_at_hand(self):
        self.assertEqual(
            [],
            self.found(
                rule(
                    "//autograder:grade",
                    data=["//modules/01_attention:attention.cc"],
                )
            ),
        )

    def test_a_worker_gets_no_answer(self):
        self.assertIn(
            "must not contain an answer",
            self.found(
                rule(
                    "//autograder/judges/a:operations",
                    deps=["//solutions/01_attention:solution"],
                )
            )[0],
        )

    def test_the_machine_knows_no_module(self):
        self.assertEqual(
            1,
            len(
                self.found(
                    rule(
                        "//autograder/machine/worker:worker",
                        deps=["//modules/01_attention:contract"],
                    )
                )
            ),
        )

    def test_a_wall_around_nothing_is_reported(self):
        self.assertTrue(
            any(
                "the wall has moved" in each
                for each in arrows.breached_walls(graph())
            )
        )


if __name__ == "__main__":
    unittest.main()
