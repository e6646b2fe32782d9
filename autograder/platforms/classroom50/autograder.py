"""What Classroom 50 runs for each submission, on a runner of your own.

Put this file into the config repository, as
CLASSROOM/autograders/ASSIGNMENT/autograder.py, and the grader on the runner, in
KVLAB_HOME. It holds no secret: config repositories are published.
"""

import os
import pathlib
import subprocess
import sys

HOME = pathlib.Path(os.environ.get("KVLAB_HOME", "/kvlab"))

sys.exit(
    subprocess.run(
        [
            sys.executable,
            "-B",
            HOME / "autograder/platforms/run_grader.py",
            "classroom50",
        ],
        check=False,
    ).returncode
)
