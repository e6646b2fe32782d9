"""What ./kvlab trace finds first in each planted bug of the cache.

Prints the share of the bugs that a trace can see for which kind and place are
those of expectations.toml.
"""

import json
import pathlib
import subprocess
import tempfile
import tomllib
import unittest

HERE = pathlib.Path("autograder/proof/traces")
BUGS = pathlib.Path("autograder/judges/03_memoization/planted_bugs")
FILES = ("kv_cache", "cached_attention")
NEEDED_SHARE = 0.9
TOKENS = "12"


def read_expectations():
    """ "FILE.BUG": its table."""
    text = (HERE / "expectations.toml").read_text(encoding="utf-8")
    return {
        f"{file}.{bug}": table
        for file, bugs in tomllib.loads(text).items()
        for bug, table in bugs.items()
    }


def trace(program):
    """The exit status and trace.json."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [
                HERE / f"{program}_trace",
                "ROMEO:",
                "--tokens",
                TOKENS,
                "--out",
                folder,
            ],
            check=False,
            capture_output=True,
            text=True,
        )
        file = pathlib.Path(folder) / "trace.json"
        if not file.exists():
            raise AssertionError(f"{program}: {run.stdout}{run.stderr}")
        return run.returncode, json.loads(file.read_text(encoding="utf-8"))


def differences(expected, finding):
    """What differs from the expectation, as texts."""
    wrong = [
        f"{field} is {finding.get(field)!r}, expected {value!r}"
        for field, value in expected.items()
        if field != "run" and finding.get(field) != value
    ]
    if expected["run"] not in finding["run"]:
        wrong.append(f"run is {finding['run']!r}, not {expected['run']!r}")
    return wrong


class TracesTest(unittest.TestCase):
    def test_every_planted_bug_of_the_cache_has_an_expectation(self):
        bugs = {
            f"{path.parent.name}.{path.stem}"
            for path in BUGS.glob("*/*.toml")
            if path.parent.name in FILES
        }
        expected = {
            bug for bug in read_expectations() if bug.split(".")[0] in FILES
        }
        self.assertEqual(expected, bugs)

    def test_the_solutions_have_no_difference(self):
        status, found = trace("right")
        self.assertEqual(status, 0, found.get("finding"))
        self.assertNotIn("finding", found)
        self.assertGreater(len(found["agreed"]), 10)
        for run in found["agreed"]:
            self.assertGreater(run["compared"], 0, run["name"])

    def test_the_first_difference_is_the_right_one(self):
        right = {file: 0 for file in ("the cache", "modules 1 and 2")}
        count = dict(right)
        for bug, expected in read_expectations().items():
            if "unseen" in expected:
                continue
            group = (
                "the cache" if bug.split(".")[0] in FILES else "modules 1 and 2"
            )
            count[group] += 1
            status, found = trace(bug)
            finding = found.get("finding")
            wrong = (
                differences(expected, finding) if finding else ["no finding"]
            )
            if wrong:
                print(f"{bug}: {'; '.join(wrong)}")
                print(f"    {finding}")
                continue
            self.assertEqual(status, 1, bug)
            right[group] += 1
        for group, of in count.items():
            print(f"traces: {right[group]} of {of} bugs of {group}")
            self.assertGreaterEqual(right[group], NEEDED_SHARE * of, group)


if __name__ == "__main__":
    unittest.main()
