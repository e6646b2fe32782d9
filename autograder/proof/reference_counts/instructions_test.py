"""Instructions of the reference's prefill and of its decode step.

Counted by valgrind, as the difference of two runs that differ by one prompt or
some steps, so that starting and loading are not in it. instructions.json has
the numbers of each compiler for which they were written down. They hold to 2 %:
room for what changes with the environment, none for a lost vector instruction.

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
        written = json.loads((HERE / "instructions.json").read_text()).get(
            compiler()
        )
        now = measure()
        print(json.dumps({compiler(): now}, indent=2))
        if written is None:
            self.skipTest(f"instructions.json has no {compiler()}")
        self.assertEqual(set(now), set(written))
        for what, count in now.items():
            ratio = count / written[what]
            self.assertLess(
                abs(ratio - 1),
                TOLERANCE,
                f"{what}: {count} instructions, {ratio:.3f} times the "
                f"{written[what]} written down. If that is meant, write the "
                "new number down: see the top of instructions_test.py",
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
