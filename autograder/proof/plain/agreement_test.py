"""The answers and the same modules in plain loops agree.

    agreement_test.py JUDGE WORKER...

JUDGE draws shapes and numbers from a seed for every check of the rubric that
needs neither a clock nor valgrind, and computes what it expects with the
answers. A WORKER is PART_worker, for the folder of a module or "everything",
and computes that part with solutions/NN_name/plain. Each check has the
tolerance with which it judges students.
"""

import json
import pathlib
import subprocess
import sys
import unittest

SEEDS = range(1, 5)
CPU_SECONDS = 600  # against an endless loop only

JUDGE = ""
WORKERS = []
# Why a check may be left out: the judge has no valgrind.
NOT_HERE = "cannot be counted here"


def judged(seed, worker):
    """The judge's answer about the worker of one part of the rubric."""
    part = pathlib.PurePath(worker).name.removesuffix("_worker")
    question = "\t".join([worker, part, "0", str(CPU_SECONDS)])
    done = subprocess.run(
        [JUDGE, str(seed)],
        input=question + "\n",
        text=True,
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)


class AgreementTest(unittest.TestCase):
    def test_plain_loops_agree_with_the_answers_on_random_shapes(self):
        self.assertTrue(WORKERS)
        for seed in SEEDS:
            for worker in WORKERS:
                with self.subTest(worker=worker, seed=seed):
                    answer = judged(seed, worker)
                    self.assertIsNone(answer["check"], answer.get("why"))
                    for check, why in answer["skipped"].items():
                        self.assertIn(NOT_HERE, why, check)


if __name__ == "__main__":
    JUDGE, *WORKERS = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
