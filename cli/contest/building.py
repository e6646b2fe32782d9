"""Makes a program of a policy's file, for ./kvlab contest.

The file is compiled in bubblewrap, which shows the compiler /usr, the two
headers and the file itself: otherwise a line of assembler (.incbin) could put
the text of the contest into the program. What the program does when it runs is
no matter here: see confinement.h.
"""

import concurrent.futures
import pathlib
import platform
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]

LARGEST = 65536  # bytes of a policy's file
SECONDS = 60  # of a processor
PATIENCE = 600  # seconds on the clock of a machine that does other things
HEADERS = ("cli/contest/frames.h", "modules/05_beyond/contest_policy.h")
AROUND = ("cli/contest/policy_main.cc", "cli/contest/policy_memory.cc")
NOTHING = "cli/contest/nothing.cc"

# As the course is compiled (.bazelrc). Linked statically and without a table
# that is protected at the start, so that the program needs no file and no
# mapping.
MACHINES = {"x86_64": "x86-64-v3", "aarch64": "armv8-a"}
OPTIONS = (
    "-std=c++20",
    "-O3",
    f"-march={MACHINES.get(platform.machine(), 'native')}",
    "-static",
    "-no-pie",
    "-Wl,-z,norelro",
    "-Wl,--wrap=malloc,--wrap=calloc",
)
LIMITS = (
    "/usr/bin/prlimit",
    f"--cpu={SECONDS}",
    "--as=4294967296",
    "--fsize=268435456",
    "--core=0",
)
SHOWN_LINES = 30


class BuildError(Exception):
    """Why there is no program, for the person who wrote the policy."""


def read_policy(path):
    """The file's bytes. Raises BuildError."""
    path = pathlib.Path(path)
    if not path.is_file():
        raise BuildError(f"{path}: no such file")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise BuildError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > LARGEST:
        raise BuildError(
            f"{path} has more than {LARGEST} bytes: a policy is code, and not "
            "what it would like to remember"
        )
    return content


def bubblewrap(source, out):
    """The words before a command that sees `source` as /course and may write
    to `out` as /out."""
    return [
        *("bwrap", "--unshare-all", "--die-with-parent", "--new-session"),
        *("--clearenv", "--setenv", "PATH", "/usr/bin", "--cap-drop", "ALL"),
        *("--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin"),
        *("--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"),
        *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),
        *("--ro-bind", str(source), "/course", "--bind", str(out), "/out"),
        *("--chdir", "/course", "--"),
    ]


def trouble_with_bubblewrap(folder):
    """What bubblewrap says where it does not work; empty if it does."""
    if shutil.which("bwrap") is None:
        return "there is no bwrap; ./kvlab setup installs it"
    run = subprocess.run(
        [*bubblewrap(folder, folder), "/usr/bin/true"],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return "" if run.returncode == 0 else run.stderr.strip()


def shown(output):
    """A compiler's output for a terminal: printable, and not all of it."""
    lines = [
        "".join(letter if letter.isprintable() else "?" for letter in line)
        for line in output.splitlines()
    ]
    left_out = len(lines) - SHOWN_LINES
    if left_out > 0:
        lines[SHOWN_LINES:] = [f"({left_out} more lines)"]
    return "\n".join(lines)


class Workshop:
    """A folder in which policies become programs."""

    def __init__(self, folder, confined=True):
        """folder: empty. Raises BuildError where bubblewrap is asked for and
        does not work."""
        self.folder = pathlib.Path(folder)
        self.confined = confined
        self.source = self.folder / "source"
        for name in (*HEADERS, *AROUND):
            copy = self.source / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((ROOT / name).read_bytes())
        trouble = trouble_with_bubblewrap(self.source) if confined else ""
        if trouble:
            raise BuildError(
                f"the policy cannot be compiled apart: {trouble}\n"
                "  why: what it includes could be any file of yours\n"
                "  fix: read it; if you trust it, add --trust-policy"
            )
        self.objects = []
        for number, name in enumerate(AROUND):
            made = self.compile(f"around{number}", "-c", name)
            made.rename(self.source / f"{number}.o")
            self.objects.append(f"{number}.o")

    def compile(self, out, *words):
        """Runs g++ in the folder of sources; returns what it wrote, in a new
        folder `out`. Raises BuildError."""
        made = self.folder / out
        made.mkdir()
        before = bubblewrap(self.source, made) if self.confined else []
        target = "/out/made" if self.confined else str(made / "made")
        command = [*before, *LIMITS, "/usr/bin/g++", *OPTIONS, "-I."]
        try:
            run = subprocess.run(
                [*command, *words, "-o", target],
                cwd=self.source,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BuildError(
                f"the policy is not compiled after {PATIENCE} seconds"
            ) from error
        if run.returncode != 0:
            raise BuildError(
                "the policy does not compile:\n"
                + shown(run.stderr or f"g++ ended with status {run.returncode}")
            )
        return made / "made"

    def program(self, name, policy):
        """The program around a policy, from the file's bytes. `name` is new.
        Raises BuildError."""
        (self.source / f"{name}.cc").write_bytes(policy)
        return self.compile(name, f"{name}.cc", *self.objects)


def build(policy, folder, confined=True):
    """The programs of a policy, from the file's bytes, and of one that keeps
    nothing: their paths in `folder`, which is empty. Raises BuildError."""
    workshop = Workshop(folder, confined)
    nothing = (ROOT / NOTHING).read_bytes()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        programs = [
            pool.submit(workshop.program, "policy", policy),
            pool.submit(workshop.program, "nothing", nothing),
        ]
        return tuple(program.result() for program in programs)
