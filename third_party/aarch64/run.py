"""Runs a test that was built for 64-bit ARM: run COMMAND...

A program is run by QEMU. Anything else runs as it is, and if it is a test in
Python, QEMU runs the programs that it starts; see python/sitecustomize.py.
"""

import os
import pathlib
import sys

from third_party.aarch64.python import sitecustomize as qemu


def main():
    command = sys.argv[1:]
    paths = [pathlib.Path(qemu.__file__).parent, os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = ":".join(str(path) for path in paths if path)
    os.environ["KVLAB_ARM_LIBRARIES"] = str(
        pathlib.Path(__file__).absolute().parent / "lib"
    )
    command = qemu.with_qemu(command)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
