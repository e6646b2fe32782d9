"""Scores policies, honest ones and others, on a tiny model.

Each file in policies/ that is not honest tries one way to remember more than it
is given, to see what it may not, or to be scored without an answer. The words
that end its score are here.
"""

import csv
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

from cli.contest import building

CONTEST = "cli/contest/contest.py"
SCORER = os.path.abspath("cli/contest/score")
MODEL = os.path.abspath("kit/testdata/tiny-gpt2-random")
POLICIES = pathlib.Path("cli/contest/test/policies")
SHIPPED = pathlib.Path("modules/05_beyond/policies")

BUDGET = 1 << 20

# What the kernel lets a process have beyond the budget, and a page for each of
# two roundings.
ALLOWANCE = 16384
ROUNDED = ALLOWANCE + 2 * 4096

# Words that the tokenizer of the tiny model can read.
WORDS = [" low", " lower", " newer", " wide", " risen", " tender", " noon"]

SIGNALS = "calls rt_sigprocmask (signals, for a thread, a process or abort)"

CAUGHT = {
    "in_statics": "cannot be started within --bytes",
    "in_a_growing_list": "needs more memory than --bytes allows",
    "beyond_its_limit": "needs more memory than --bytes allows",
    "in_a_mapping": "throws: mmap: Cannot allocate memory",
    "in_shared_pages": "throws: mmap: Cannot allocate memory",
    "in_its_code": "calls mprotect",
    "in_a_file": "calls openat (a file)",
    "in_a_file_in_memory": "calls memfd_create",
    "in_a_pipe": "calls pipe2",
    # The C library of Debian 13 blocks signals before it forks.
    "in_a_process": ("calls clone (a thread or a process)", SIGNALS),
    "in_a_thread": SIGNALS,
    "on_the_stack": "crashes (segmentation fault): the stack has 32 KiB",
    "as_arguments": "throws: execve: Argument list too long",
    "reads_the_text": "calls openat (a file)",
    "answers_nan": "answers with nan as number 0 of layer 0, position 0",
    "answers_unasked": "answers before it has read what it is asked",
    "says_too_much": "writes more than its answer",
    "forges_an_answer": "writes what is not an answer",
    "never_answers": "does not answer: the limits are 0.5 s for an answer",
    "ends_early": "ends by itself, with status 0",
    "crashes": "crashes (segmentation fault)",
    "colours_the_terminal": "throws: ?[2J?kvlab contest: loss 0.000",
    "makes_no_policy": "throws: MakeContestPolicy returned no policy",
}
# Others have the usual 10 seconds: the machine may be busy.
WORDS_FOR = {"never_answers": ("--answer-seconds", "0.5")}


class ContestTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        trouble = building.trouble_with_bubblewrap("/usr")
        if trouble:
            raise RuntimeError(
                f"these tests need bubblewrap, and it does not work: {trouble}"
            )
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.text = cls.folder / "text.txt"
        cls.workshop = building.Workshop(cls.folder / "workshop")
        cls.nothing = cls.workshop.program(
            "nothing", pathlib.Path(building.NOTHING).read_bytes()
        )
        drawn = random.Random(5)
        words = (drawn.choice(WORDS) for _ in range(10_000))
        cls.text.write_text("".join(words), encoding="utf-8")

    def contest(self, *words, **environment):
        return subprocess.run(
            [
                *(sys.executable, "-B", CONTEST, "--scorer", SCORER),
                *("--model", MODEL, "--text", str(self.text), "--quick"),
                *words,
            ],
            capture_output=True,
            encoding="utf-8",
            check=False,
            env=os.environ | environment,
        )

    def scored(self, policy, *words, budget=BUDGET):
        """The lines of a comparison: name to (bytes, loss, more, remark)."""
        run = self.contest(
            "--bytes", str(budget), "--policy", str(policy), *words
        )
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        lines = {}
        for line in run.stdout.splitlines()[2:]:
            found = re.match(
                r"(\S+) +([\d,]+) +(\S+) ± \S+ +(\S+) ± \S+ *(.*)", line
            )
            if found:
                name, held, loss, more, remark = found.groups()
                lines[name] = (
                    int(held.replace(",", "")),
                    float(loss),
                    float(more),
                    remark,
                )
        return lines

    def refused(self, *words):
        """One line that says why; exit status 2."""
        run = self.contest(*words)
        self.assertEqual((run.returncode, run.stdout), (2, ""), run.stderr)
        return run.stderr

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def as_told(self, extra):
        """A policy that holds its budget and `extra` bytes: the program."""
        name = self.id().rsplit(".", maxsplit=1)[-1]
        source = (POLICIES / "as_told.cc").read_bytes()
        return self.workshop.program(
            name, f"#define EXTRA_BYTES {extra}\n".encode() + source
        )

    def score(self, program, *words, budget=BUDGET):
        """The scorer alone."""
        return subprocess.run(
            [
                *(SCORER, "--model", MODEL, "--text", str(self.text)),
                *("--quick", "--bytes", str(budget)),
                *("--policy", program, "--nothing", self.nothing),
                *words,
            ],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    def test_every_dishonest_policy_is_caught_and_named(self):
        files = {path.stem for path in POLICIES.iterdir()} - {"as_told"}
        self.assertEqual(files, set(CAUGHT))
        for name, words in CAUGHT.items():
            with self.subTest(policy=name):
                program = self.workshop.program(
                    name, (POLICIES / f"{name}.cc").read_bytes()
                )
                run = self.score(program, *WORDS_FOR.get(name, ()))
                self.assertEqual(
                    (run.returncode, run.stdout), (1, ""), run.stderr
                )
                if isinstance(words, str):
                    words = (words,)
                said = [f"kvlab contest: the policy {each}" for each in words]
                self.assertTrue(
                    any(each in run.stderr for each in said), run.stderr
                )
                self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
                self.assertTrue(run.stderr.strip().isprintable())

    def test_a_policy_that_holds_its_budget_passes_every_time(self):
        program = self.as_told(extra=0)
        for budget in (1 << 16, BUDGET, 1 << 24):
            for run in range(20):
                with self.subTest(budget=budget, run=run):
                    done = self.score(program, budget=budget)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    held = json.loads(done.stdout)["policy"]["bytes"]
                    self.assertGreaterEqual(held, budget)
                    self.assertLessEqual(held, budget + ROUNDED)

    def test_a_policy_that_holds_more_fails_every_time(self):
        # At 1 MiB, 24 KiB are 2.3 %.
        program = self.as_told(extra=ROUNDED)
        for budget in (1 << 16, BUDGET, 1 << 24):
            for run in range(20):
                with self.subTest(budget=budget, run=run):
                    done = self.score(program, budget=budget)
                    self.assertEqual((done.returncode, done.stdout), (1, ""))
                    self.assertIn("needs more memory", done.stderr)

    def test_what_no_budget_pays_for_is_small(self):
        # libc's and libstdc++'s statics, and the numbers of one token. malloc's
        # reserve (128 KiB) or that for exceptions (73 KB) would show.
        done = self.score(self.as_told(extra=0))
        nothing = json.loads(done.stdout)["policy"]["bytes_of_nothing"]
        self.assertLess(nothing, 98304)

    def test_the_worked_example_is_the_window_of_module_5(self):
        # As many tokens in float32, with 16 bytes a token.
        for budget in (1 << 16, 1 << 18):
            with self.subTest(budget=budget):
                lines = self.scored(SHIPPED / "window.cc", budget=budget)
                window = lines[f"window:{min(budget // 16, 256)}"]
                self.assertEqual(lines["window.cc"][1:3], window[1:3])
                self.assertEqual(window[3], "no difference")

    def test_the_bars_follow_the_budget(self):
        lines = self.scored(SHIPPED / "newest_token.cc")
        # 256 tokens of 16 bytes: the full cache is small here.
        self.assertEqual(
            list(lines),
            [
                "full",
                "window:256",
                "sinks:4+252",
                "evict:256",
                "int8",
                "newest_token.cc",
            ],
        )
        self.assertEqual(lines["full"][:3], (4096, lines["full"][1], 0.0))
        self.assertEqual(lines["newest_token.cc"][0], 0)

    def test_without_a_policy_only_the_bars_are_measured(self):
        run = self.contest("--bytes", str(BUDGET))
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn("window:256", run.stdout)
        self.assertNotIn("sha256", run.stdout)

    def test_the_score_is_the_same_every_time(self):
        policy = SHIPPED / "window.cc"
        self.assertEqual(self.scored(policy), self.scored(policy))

    def test_a_result_comes_into_the_table(self):
        table = self.folder / "results.csv"
        for name in "Ada", "Zoë":
            self.scored(
                SHIPPED / "window.cc", "--table", str(table), "--who", name
            )
        with table.open(encoding="utf-8", newline="") as file:
            results = list(csv.DictReader(file))
        self.assertEqual([each["who"] for each in results], ["Ada", "Zoë"])
        self.assertEqual(
            {
                (each["policy"], each["budget_bytes"], each["windows"])
                for each in results
            },
            {("window.cc", str(BUDGET), "4")},
        )
        shown = self.contest("--table", str(table))
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        self.assertIn("Zoë", shown.stdout)

    def test_a_fault_is_not_in_the_table(self):
        table = self.folder / "faults.csv"
        self.contest(
            *("--bytes", str(BUDGET), "--table", str(table), "--who", "Eve"),
            *("--policy", str(POLICIES / "answers_nan.cc")),
        )
        self.assertFalse(table.exists())

    def test_the_compiler_sees_no_text(self):
        path = self.text.resolve()
        for name, line in (
            ("include", f'#include "{path}"'),
            ("assembler", f'asm(".incbin \\"{path}\\"");'),
        ):
            with self.subTest(name=name):
                policy = self.file(
                    f"{name}.cc",
                    line + "\n" + (SHIPPED / "window.cc").read_text("utf-8"),
                )
                said = self.refused(
                    "--bytes", str(BUDGET), "--policy", str(policy)
                )
                self.assertIn("does not compile", said)
                self.assertRegex(said, "(?i)no such file|file not found")

    def test_without_bubblewrap_a_policy_has_to_be_trusted(self):
        tools = self.folder / "tools"
        tools.mkdir()
        for name in "as", "ld":  # g++ looks for these
            (tools / name).symlink_to(f"/usr/bin/{name}")
        words = (
            *("--bytes", str(BUDGET)),
            *("--policy", str(SHIPPED / "window.cc")),
        )
        refused = self.contest(*words, PATH=str(tools))
        self.assertEqual((refused.returncode, refused.stdout), (2, ""))
        self.assertIn("there is no bwrap", refused.stderr)
        self.assertIn("add --trust-policy", refused.stderr)
        trusted = self.contest(*words, "--trust-policy", PATH=str(tools))
        self.assertEqual((trusted.returncode, trusted.stderr), (0, ""))

    def test_a_policy_that_does_not_compile_is_shown_where(self):
        policy = self.file("broken.cc", "int x = ;\n")
        said = self.refused("--bytes", str(BUDGET), "--policy", str(policy))
        self.assertIn("policy.cc:1:9: error", said)

    def test_a_file_is_code_and_no_memory(self):
        policy = self.file("large.cc", "//" + "x" * 65536)
        said = self.refused("--bytes", str(BUDGET), "--policy", str(policy))
        self.assertIn("more than 65536 bytes", said)

    def test_wrong_words_are_refused(self):
        policy = str(SHIPPED / "window.cc")
        for words, why in (
            ((), "--bytes N is required"),
            (("--bytes", "65535"), "from 65536 on"),
            (("--bytes", "-1"), "number of bytes"),
            (("--bytes", "1e6"), "number of bytes"),
            (("--bytes", "٣٣٣٣٣٣٣"), "number of bytes"),
            (("--policy", policy), "--bytes N is required"),
            (
                ("--policy", policy, "--table", "x.csv", "--who", "Ada"),
                "--policy needs --bytes",
            ),
            (("--bytes", "65536", "--policy", "/nowhere.cc"), "no such file"),
            (
                ("--bytes", "65536", "--policy", policy, "--table", "x.csv"),
                "--who",
            ),
            (
                (
                    *("--bytes", "65536", "--policy", policy),
                    *("--table", "x.csv", "--who", "=1"),
                ),
                "cannot be a name",
            ),
        ):
            with self.subTest(words=words):
                self.assertIn(why, self.refused(*words))


if __name__ == "__main__":
    unittest.main()
