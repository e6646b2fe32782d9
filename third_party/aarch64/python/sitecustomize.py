"""Programs for 64-bit ARM that a test in Python starts are run by QEMU.

Python imports a module of this name at its start, if PYTHONPATH leads there.
"""

import os
import subprocess

AARCH64 = 183  # EM_AARCH64, in the header of an ELF file


def is_for_arm(program):
    try:
        with open(program, "rb") as file:
            header = file.read(20)
    except OSError:
        return False
    return header[:4] == b"\x7fELF" and header[18] == AARCH64


def with_qemu(command):
    """The command, by QEMU if it is a program for ARM."""
    if not is_for_arm(command[0]):
        return command
    libraries = os.environ["KVLAB_ARM_LIBRARIES"]
    return [
        "qemu-aarch64-static",
        "-L",
        "/usr/aarch64-linux-gnu",
        "-E",
        f"LD_LIBRARY_PATH={libraries}",
        *command,
    ]


class Popen(subprocess.Popen):
    """A process, by QEMU if its program is for ARM."""

    def __init__(self, args, *rest, **named):
        if "KVLAB_ARM_LIBRARIES" in os.environ and isinstance(args, list):
            args = with_qemu(args)
        super().__init__(args, *rest, **named)


subprocess.Popen = Popen
