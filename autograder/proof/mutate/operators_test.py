"""Small sources in, the expected mutants out."""

import textwrap
import unittest

from autograder.proof.mutate import operators
from solutions.regions import MarkerError

FLAGS = ["-std=c++20"]


def source(body, head="int Answer(int a, int b, unsigned long n)"):
    return (
        f"{head} {{\n  // TODO(3.1): text\n  // BEGIN SOLUTION Answer\n"
        f"{textwrap.indent(textwrap.dedent(body), '  ')}\n}}\n"
    )


def mutations(text):
    return operators.find("answer.cc", text, FLAGS)[0]


def changes(body, operator, **given):
    """(before, after) of the mutations that an operator makes."""
    return {
        (m.before, m.after)
        for m in mutations(source(body, **given))
        if m.operator == operator
    }


class OperatorsTest(unittest.TestCase):
    def test_relations_move_by_one_and_turn_round(self):
        self.assertEqual(
            changes("return a < b;", "relation"),
            {("a < b", "a <= b"), ("a < b", "a >= b")},
        )

    def test_arithmetic_is_exchanged_and_operands_are_dropped(self):
        self.assertEqual(
            changes("return a - b;", "arithmetic"), {("a - b", "a + b")}
        )
        self.assertEqual(
            changes("return a - b;", "operand"),
            {("a - b", "a"), ("a - b", "b")},
        )

    def test_constants_move_by_one(self):
        self.assertEqual(
            changes("return a + 7;", "constant"),
            {("7", "7 + 1"), ("7", "7 - 1")},
        )

    def test_fractions_also_move_a_little(self):
        self.assertEqual(
            changes("return 0.5F * n > 0.0;", "constant"),
            {
                ("0.5F", "0.5F + 1.0F"),
                ("0.5F", "0.5F - 1.0F"),
                ("0.5F", "0.5F * 1.001F"),
                ("0.0", "0.0 + 1.0"),
                ("0.0", "0.0 - 1.0"),
            },
        )

    def test_constants_with_a_name_move_where_they_are_used(self):
        self.assertEqual(
            changes("constexpr int kFew = 3;\nreturn kFew;", "constant"),
            {("kFew", "kFew + 1"), ("kFew", "kFew - 1")},
        )

    def test_conditions_are_true_false_and_halved(self):
        made = changes(
            "if (a == 1 && b == 2) return 1;\nreturn 0;", "condition"
        )
        self.assertLessEqual(
            {
                ("a == 1 && b == 2", "true || (a == 1 && b == 2)"),
                ("a == 1 && b == 2", "false && (a == 1 && b == 2)"),
                ("a == 1 && b == 2", "!(a == 1 && b == 2)"),
                ("a == 1 && b == 2", "a == 1"),
                ("a == 1 && b == 2", "b == 2"),
            },
            made,
        )

    def test_statements_are_left_out(self):
        made = changes(
            """\
            a = b;
            for (int i = 0; i < b; ++i) {
              if (i == a) continue;
              a += i;
            }
            return a;""",
            "statement",
        )
        self.assertEqual(
            made, {("a = b", ""), ("continue", ""), ("a += i", "")}
        )

    def test_a_throw_is_left_out_and_its_words_are_not_touched(self):
        made = mutations(source("if (a < b) throw a + 1;\nreturn a;"))
        self.assertIn(
            ("statement", "throw a + 1"), {(m.operator, m.before) for m in made}
        )
        self.assertNotIn("1", {m.before for m in made})

    def test_arguments_of_one_type_trade_places(self):
        self.assertEqual(
            changes("return Answer(a, b, n);", "exchange"), {("a, b", "b, a")}
        )

    def test_fields_of_one_type_trade_places(self):
        self.assertEqual(
            changes(
                "return Pair{.x = a, .y = b}.x;",
                "exchange",
                head="struct Pair { int x; int y; };\n"
                "int Answer(int a, int b)",
            ),
            {
                (
                    ".x = a, .y = b".replace(".", ""),
                    ".x = b, .y = a".replace(".", ""),
                )
            },
        )

    def test_loops_are_one_short_and_begin_late(self):
        self.assertEqual(
            changes("for (int i = a; i < b; ++i) n += 2;\nreturn 0;", "loop"),
            {("i < b", "i + 1 < b"), ("a", "a + 1")},
        )
        made = changes(
            "for (int x : {1, 2, 3}) a += x;\nreturn a;",
            "loop",
            head="#include <initializer_list>\n" "int Answer(int a)",
        )
        self.assertEqual(
            {after for _, after in made},
            {"without the first", "without the last"},
        )

    def test_sizes_become_narrower(self):
        self.assertEqual(
            changes("const unsigned long m = n;\nreturn m > 1;", "type"),
            {("n", "static_cast<std::uint8_t>(n)")},
        )

    def test_returned_values_are_altered(self):
        self.assertEqual(
            changes("return a;", "return"), {("a", "kvlab_mutant::Altered(a)")}
        )

    def test_calls_are_taken_for_their_neighbours(self):
        head = (
            "template <typename T> T min(T x, T y);\n"
            "template <typename T> T max(T x, T y);\n"
            "int Answer(int a, int b)"
        )
        self.assertEqual(
            changes("return min(a, b);", "call", head=head),
            {("min(a, b)", "max(a, b)")},
        )
        self.assertEqual(
            changes("return min(a, b);", "operand", head=head),
            {("min(a, b)", "a"), ("min(a, b)", "b")},
        )
        self.assertEqual(
            changes("return min(a, b);", "exchange", head=head), set()
        )

    def test_what_is_given_is_left_alone(self):
        text = "int Given(int a) { return a + 1; }\n" + source("return 0;")
        self.assertEqual({m.function for m in mutations(text)}, {"Answer"})

    def test_malformed_regions_are_refused(self):
        with self.assertRaises(MarkerError):
            mutations("int x = 1;\n")

    def test_what_does_not_compile_is_refused(self):
        with self.assertRaises(operators.ParseError):
            mutations(source("return unknown;"))


class NamesTest(unittest.TestCase):
    def test_a_mutation_is_named_by_its_place_in_words(self):
        (found,) = [
            m for m in mutations(source("return a < b;")) if m.after == "a <= b"
        ]
        self.assertEqual(
            found.key,
            ("Answer", "relation", "a < b", "a <= b", "return a < b;", 1),
        )

    def test_equal_ones_are_counted(self):
        found = [
            m.ordinal
            for m in mutations(source("return a + a + a;"))
            if m.key[:4] == ("Answer", "operand", "a + a", "a")
        ]
        self.assertEqual(found, [1])  # the same text twice is one mutant
        found = [
            m.ordinal
            for m in mutations(source("return 1 + a * 1;"))
            if m.after == "1 + 1"
        ]
        self.assertEqual(found, [1, 2])

    def test_lines_above_do_not_change_a_name(self):
        before = mutations(source("return a < b;"))
        after = mutations("int more;\n\n" + source("return a < b;"))
        self.assertEqual([m.key for m in before], [m.key for m in after])


class SizesTest(unittest.TestCase):
    def sizes(self, body, **given):
        return {
            size
            for m in mutations(source(body, **given))
            for size in m.sizes.values()
        }

    def test_loop_indices_parameters_and_lengths_are_sizes(self):
        sizes = self.sizes(
            """\
            for (unsigned long i = 0; i < n; ++i) a += b;
            for (unsigned long i = 0; i < n; ++i) a -= b;
            for (unsigned long i = 0; i < n; ++i) b -= 1 + 2 * a + 3 * b;
            return a;"""
        )
        self.assertEqual(sizes, {"i", "n"})

    def test_what_is_declared_later_is_not_in_scope(self):
        text = source(
            "a += 1 + 2 + 3 + 4;\n"
            "const unsigned long later = n * 2;\n"
            "return a;"
        )
        self.assertEqual(
            {
                size
                for m in mutations(text)
                if m.line.startswith("a += 1")
                for size in m.sizes.values()
            },
            {"n"},
        )

    def test_what_is_in_the_making_has_no_size_yet(self):
        head = (
            "struct Pair { unsigned long x; };\n"
            "unsigned long Answer(const Pair& given)"
        )
        sizes = self.sizes(
            """\
            Pair made;
            made.x = 1 + 2 * 3 + given.x - 4;
            const Pair done = made;
            return done.x + 5 - 6 * 7;""",
            head=head,
        )
        self.assertEqual(sizes, {"given.x", "done.x"})

    def test_the_first_item_is_not_left_out_from_a_later_one_on(self):
        found = [
            m
            for m in mutations(
                source(
                    "for (int x : {1, 2, 3}) n += x;\nreturn 0;",
                    head="#include <initializer_list>\n"
                    "int Answer(unsigned long n)",
                )
            )
            if m.after == "without the first"
        ]
        self.assertEqual([set(m.sizes.values()) for m in found], [{"n"}])

    def test_a_lambda_sees_what_it_captures(self):
        sizes = self.sizes(
            "return [](int x) { return x + 1; }(a);",
            head="int Answer(int a, int b)",
        )
        self.assertEqual(sizes, set())

    def test_each_gate_has_one(self):
        for mutation in mutations(source("return a < b;")):
            self.assertEqual(
                mutation.sizes, dict.fromkeys(operators.GATES, "n")
            )


if __name__ == "__main__":
    unittest.main()
