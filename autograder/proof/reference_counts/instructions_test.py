"""Instructions of the reference's prefill and of its decode step.

Counted by valgrind, as the difference of two runs that differ by one prompt or
some steps, so that starting and loading are not in it. The numbers written
down in instructions.json were counted with the compiler of Debian 12; another
compiler's will differ. They hold to 2 %: room for what changes with the
environment, none for a lost vector instruction.

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


class Instructions(unittest.TestCase):
    def test_are_those_written_down(self):
        written = json.loads((HERE / "instructions.json").read_text())
        now = measure()
        print(json.dumps(now, indent=2))
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
        (root / HERE / "instructions.json").write_text(
            json.dumps(measure(), indent=2) + "\n"
        )
    else:
        unittest.main()
