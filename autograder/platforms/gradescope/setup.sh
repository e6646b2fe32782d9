#!/usr/bin/env bash
# Gradescope runs this once, as root, when it makes the image: installs what the
# grader needs and builds it.
set -euo pipefail
cd "${AUTOGRADER:-/autograder}/source"
./kvlab setup
./kvlab grade --help
# Submissions run as another user, who shall not read the solutions: in this
# container nothing but the kernel's Landlock might keep him out.
chmod 700 .
