#!/usr/bin/env bash
# Gradescope runs this once, as root, when it makes the image: installs what the
# grader needs and builds it.
set -euo pipefail
cd "${AUTOGRADER:-/autograder}/source"
./kvlab setup
./kvlab grade --help
# Submissions run as another user, who must not read the solutions. In this
# container, only the kernel's Landlock might prevent that.
chmod 700 .
