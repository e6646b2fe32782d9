"""The tests of the module catch the planted bug, by the test it names.

Called with its file and a program: the tests of its module, linked
with the wrong file and with the solutions for all others.
"""

import os
import subprocess
import sys
from xml.etree import ElementTree

from autograder.judges import planted_bug


def failing_tests(program, only):
    """Names of all tests that ran, and of those that failed."""
    report = os.path.join(os.environ["TEST_TMPDIR"], "report.xml")
    run = subprocess.run(
        [program, f"--gtest_filter={only}", f"--gtest_output=xml:{report}"],
        capture_output=True,
        text=True,
        check=False,
    )
    print(run.stdout, run.stderr)
    if run.returncode not in (0, 1):
        sys.exit(
            f"the tests ended with status {run.returncode}: a bug must "
            "make a test fail, not the program that runs it"
        )
    ran, failed = set(), set()
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        ran.add(name)
        if case.find("failure") is not None:
            failed.add(name)
    return ran, failed


def main():
    bug = planted_bug.read(sys.argv[1])
    ran, failed = failing_tests(sys.argv[2], bug.caught_by)
    if not ran:
        sys.exit(f"{bug.name}: there is no test {bug.caught_by}")
    if ran != failed:
        sys.exit(
            f"{bug.name} is not caught by {bug.caught_by}: " f"{bug.title}"
        )


if __name__ == "__main__":
    main()
