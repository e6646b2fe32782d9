"""./kvlab doctor: finds why kvlab does not work on this machine.

    doctor.py ROOT            every examination, a line for each
    doctor.py ROOT --quick    prints nothing unless something is wrong; some
                              milliseconds, before each build

Ends with status 1 if there is something to fix first.
"""

import argparse
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass

# Releases on which all tests pass. One that is to come has no number yet, so
# they are known by their names.
DEBIANS = {"bookworm": "12"}
GIB = 1 << 30

# What -march=x86-64-v3 may use beyond the first 64-bit processors, as
# /proc/cpuinfo calls it (AMD64 psABI, table 3.1, microarchitecture levels).
X86_64_V3 = {
    "avx",
    "avx2",
    "bmi1",
    "bmi2",
    "f16c",
    "fma",
    "abm",
    "movbe",
    "popcnt",
    "sse4_2",
    "xsave",
}

# What `uname -m` calls 64-bit ARM: Linux, macOS.
ARM = {"aarch64", "arm64"}
# What third_party/setup tells Bazel about the machine.
SETTINGS = ".kvlab/machine.bazelrc"

# A tree with carriage returns: the first three are read by three programs.
READ_LINE_BY_LINE = ("kvlab", "third_party/packages.txt", "WORKSPACE", "BUILD")

SANITIZED = "int main(int argc, char**) { int a[4] = {}; return a[argc - 1]; }"


@dataclass(frozen=True)
class Finding:
    """What one examination says: a problem if there is a fix."""

    subject: str
    text: str
    fix: str = ""

    def line(self):
        mark = "PROBLEM" if self.fix else "ok"
        return f"{mark:8}{self.subject:12}{self.text}"


class Machine:
    """What is examined: the files of a system, its programs and our tree."""

    def __init__(self, root, system="/", environment=None, machine=None):
        self.root = pathlib.Path(root)
        self.system = pathlib.Path(system)
        self.environment = os.environ if environment is None else environment
        self.architecture = machine or platform.machine()

    def read(self, name):
        """A file of the system; "" where there is none."""
        try:
            return (self.system / name).read_text(encoding="utf-8")
        except OSError:
            return ""

    def program(self, name):
        return shutil.which(name, path=self.environment.get("PATH", ""))


# --- quick ---


def folder(machine):
    path = str(machine.root)
    if any(character.isspace() for character in path):
        return Finding(
            "folder",
            f"'{path}' has a space in it, and Bazel cannot work there",
            "move the folder kvlab to a path without spaces",
        )
    return Finding("folder", path)


def line_ends(machine):
    for name in READ_LINE_BY_LINE:
        path = machine.root / name
        if path.is_file() and b"\r" in path.read_bytes():
            return Finding(
                "line ends",
                f"{name} has carriage returns: git or an editor has changed "
                "the line ends of these files",
                "git config core.autocrlf false; git rm -rq --cached .; "
                "git reset -q --hard    (commit your work first)",
            )
    return Finding("line ends", "LF")


def home(machine):
    path = machine.environment.get("HOME", "")
    if not path or not os.access(path, os.W_OK):
        return Finding(
            "home",
            f"'{path}' cannot be written, and Bazel keeps its files there",
            "export HOME=... to a folder of your own",
        )
    return Finding("home", path)


def disk(machine):
    """What a build and its tests leave: some 6 GB."""
    path = machine.environment.get("HOME") or "/"
    free = shutil.disk_usage(path if os.path.isdir(path) else "/").free
    if free < 2 * GIB:
        return Finding(
            "disk",
            f"only {free / GIB:.1f} GiB are free in {path}; a build needs two",
            "free some, or export HOME=... to a folder on another disk",
        )
    return Finding("disk", f"{free / GIB:.0f} GiB free in {path}")


def bazel(machine):
    """Debian's, if it is installed: another would ask the network."""
    first = machine.program("bazel")
    debians = machine.system / "usr/bin/bazel"
    if first and debians.exists() and not os.path.samefile(first, debians):
        folder_of_debians = debians.parent
        return Finding(
            "bazel",
            f"{first} comes before Debian's {debians}, and would download what "
            "Debian has installed",
            f"export PATH={folder_of_debians}:$PATH",
        )
    if not first:
        return Finding("bazel", "not installed yet; ./kvlab setup does it")
    return Finding("bazel", first)


def processor(machine):
    if machine.architecture in ARM:
        return Finding("processor", "64-bit ARM, with NEON")
    if machine.architecture != "x86_64":
        return Finding(
            "processor",
            f"this is {machine.architecture}; kvlab's kernels are for x86-64 "
            "and 64-bit ARM",
            "use a machine with an x86-64 processor with AVX2 (2013 or later), "
            "or with a 64-bit ARM processor",
        )
    present, name = set(), "x86-64"
    for line in machine.read("proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "flags":
            present = set(value.split())
        elif key.strip() == "model name":
            name = value.strip()
    missing = sorted(X86_64_V3 - present)
    if present and missing:
        return Finding(
            "processor",
            f"{name} lacks {', '.join(missing)}, which programs of kvlab use: "
            "they would end with 'illegal instruction'",
            "use a processor of 2013 or later; in a virtual machine, let it "
            "see the host's processor (QEMU: -cpu host)",
        )
    wide = " and AVX-512" if "avx512f" in present else ""
    return Finding("processor", f"{name}, with AVX2{wide}")


# --- thorough ---


def operating_system(machine):
    fields = {}
    for line in machine.read("etc/os-release").splitlines():
        key, _, value = line.partition("=")
        fields[key] = value.strip('"')
    name = fields.get("PRETTY_NAME", "an unknown system")
    release = fields.get("VERSION_CODENAME")
    if fields.get("ID") == "debian" and release in DEBIANS:
        return Finding("system", name)
    return Finding(
        "system",
        f"{name}; kvlab is tested on Debian {', '.join(DEBIANS.values())} "
        "alone, so it may or may not work",
    )


def instructions(machine):
    """What Bazel asks the compiler for, which it cannot find out itself."""
    settings = machine.root / SETTINGS
    chosen = settings.read_text("utf-8") if settings.is_file() else ""
    is_for_arm = "--config=arm\n" in chosen
    if is_for_arm != (machine.architecture in ARM):
        wanted, asked = ("ARM", "x86-64")[:: -1 if is_for_arm else 1]
        return Finding(
            "compiler",
            f"Bazel would ask it for the instructions of {asked}, and this "
            f"machine needs those of {wanted}",
            "./kvlab setup    (it writes .kvlab/machine.bazelrc)",
        )
    name = "NEON" if is_for_arm else "x86-64-v3"
    return Finding("compiler", f"Bazel asks it for {name}")


def packages(machine):
    """Those of the groups that every verb needs."""
    listed, group = [], ""
    text = (machine.root / "third_party/packages.txt").read_text("utf-8")
    for line in text.splitlines():
        word = line.split("#")[0].strip()
        if word.startswith("["):
            group = word.strip("[]")
        # One that a Debian may lack ends in "?".
        elif word and group in ("build", "grade") and not word.endswith("?"):
            listed.append(word)
    known = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *listed],
        capture_output=True,
        encoding="utf-8",
        check=False,
    ).stdout
    present = {
        line.split()[0]
        for line in known.splitlines()
        if line.endswith(" installed")
    }
    missing = [name for name in listed if name not in present]
    if missing:
        return Finding(
            "packages",
            f"{len(missing)} of {len(listed)} are missing: "
            f"{', '.join(missing[:4])}{', ...' if missing[4:] else ''}",
            "./kvlab setup",
        )
    return Finding("packages", f"all {len(listed)} are installed")


def memory(machine):
    sizes = {}
    for line in machine.read("proc/meminfo").splitlines():
        key, _, value = line.partition(":")
        sizes[key] = int(value.split()[0]) * 1024
    available = sizes.get("MemAvailable", 0)
    if available < 2 * GIB:
        return Finding(
            "memory",
            f"{available / GIB:.1f} GiB are available; a compiler needs one, "
            "and two run at once",
            "end other programs, or write 'build --jobs=1' into ~/.bazelrc",
        )
    return Finding("memory", f"{available / GIB:.1f} GiB available")


def sanitizer(machine):
    """A program with AddressSanitizer, started ten times: an address space
    that is randomised too widely stops some of them."""
    if not machine.program("g++"):
        return Finding("sanitizer", "not examined: there is no g++ yet")
    with tempfile.TemporaryDirectory() as scratch:
        program = pathlib.Path(scratch) / "sanitized"
        built = subprocess.run(
            ["g++", "-fsanitize=address", "-x", "c++", "-", "-o", program],
            input=SANITIZED.encode(),
            capture_output=True,
            check=False,
        )
        started = built.returncode == 0 and all(
            subprocess.run(
                [program], capture_output=True, check=False
            ).returncode
            == 0
            for _ in range(10)
        )
    if not started:
        bits = machine.read("proc/sys/vm/mmap_rnd_bits").strip()
        return Finding(
            "sanitizer",
            "programs with AddressSanitizer do not start"
            + (f" (vm.mmap_rnd_bits is {bits})" if bits else ""),
            "sudo sysctl vm.mmap_rnd_bits=28",
        )
    return Finding("sanitizer", "programs with AddressSanitizer start")


def isolation(machine):
    """What the grader's sandbox is made of."""
    if not (machine.root / "autograder").is_dir():
        return None
    if not machine.program("bwrap"):
        return Finding("isolation", "not examined: there is no bubblewrap yet")
    done = subprocess.run(
        ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no word of why"])[-1]
        return Finding(
            "isolation",
            f"bubblewrap cannot make a sandbox: {said}",
            "allow user namespaces (sudo sysctl "
            "kernel.unprivileged_userns_clone=1), or give the container "
            "SYS_ADMIN; docs/instructor.md says what ./kvlab grade does "
            "without",
        )
    return Finding("isolation", "bubblewrap makes sandboxes")


QUICK = (folder, line_ends, home, disk, bazel, processor)
THOROUGH = (
    *QUICK,
    operating_system,
    packages,
    instructions,
    memory,
    sanitizer,
    isolation,
)


def examine(machine, examinations):
    found = [examination(machine) for examination in examinations]
    return [finding for finding in found if finding]


def report(findings, everything):
    """The lines to print."""
    lines = []
    for finding in findings:
        if everything or finding.fix:
            lines.append(finding.line())
        if finding.fix:
            lines.append(f"{'':8}{'fix':12}{finding.fix}")
    return lines


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as cli/pipes.py; alone here
    parser = argparse.ArgumentParser(prog="kvlab doctor")
    parser.add_argument("root", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    findings = examine(
        Machine(options.root), QUICK if options.quick else THOROUGH
    )
    for line in report(findings, not options.quick):
        print(line, file=sys.stderr if options.quick else sys.stdout)
    problems = sum(1 for finding in findings if finding.fix)
    if not options.quick:
        print(f"{problems or 'no'} problem{'' if problems == 1 else 's'}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
