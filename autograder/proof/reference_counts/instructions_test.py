"""Instructions of the reference's prefill and of its decode step.

Counted by valgrind, as the difference of two runs that differ by one prompt or
some steps, so that starting and loading are not in it. instructions.json has
the numbers of each compiler for which they were written down. They hold to 2 %:
room for what changes with the environment, none for a lost vector instruction.
Another compiler's are compared with those of the first in the file, to a factor
of 1.5: a loop without vector instructions costs several times as much.

    bazel run -c opt \
        //autograder/proof/reference_counts:instructions_test -- --write
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path("autograder/proof/reference_counts")
MODEL = pathlib.Path("models/shakespeare-gpt2")
TOLERANCE = 0.02
OF_ANOTHER_COMPILER = 0.5
STEPS = 8


def counted(prompt_tokens, steps):
    """Instructions of one run of the program, all of it."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                "valgrind",
                "--tool=callgrind",
                f"--callgrind-out-file={folder}/count",
                HERE / "run_reference",
                MODEL,
                str(prompt_tokens),
                str(steps),
            ],
            check=True,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin"},
        )
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert found, f"valgrind printed no count:\n{done.stderr}"
    return int(found.group(1))


def measure():
    short, long, steps = counted(32, 0), counted(96, 0), counted(32, STEPS)
    return {
        "64 more tokens of a prompt of 32": long - short,
        f"a decode step after 32 tokens, mean of {STEPS}": (steps - short)
        // STEPS,
    }


def compiler():
    """As instructions.json names it: "g++ 12"."""
    version = subprocess.check_output(
        ["/usr/bin/g++", "-dumpversion"], text=True
    )
    return f"g++ {version.strip().split('.', maxsplit=1)[0]}"


class Instructions(unittest.TestCase):
    def test_are_those_written_down(self):
        all_written = json.loads((HERE / "instructions.json").read_text())
        own = compiler() in all_written
        name = compiler() if own else min(all_written)
        tolerance = TOLERANCE if own else OF_ANOTHER_COMPILER
        now = measure()
        print(json.dumps({compiler(): now}, indent=2))
        self.assertEqual(set(now), set(all_written[name]))
        for what, count in now.items():
            written = all_written[name][what]
            ratio = count / written
            self.assertLess(
                abs(ratio - 1),
                tolerance,
                f"{what}: {count} instructions, {ratio:.3f} times the "
                f"{written} written down for {name}. If that is meant, write "
                "the new number down: see the top of instructions_test.py",
            )


if __name__ == "__main__":
    if "--write" in sys.argv:
        root = pathlib.Path(os.environ["BUILD_WORKSPACE_DIRECTORY"])
        file = root / HERE / "instructions.json"
        counts = json.loads(file.read_text())
        counts[compiler()] = measure()
        file.write_text(json.dumps(counts, indent=2, sort_keys=True) + "\n")
    else:
        unittest.main()
