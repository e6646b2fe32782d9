"""The engines of ./kvlab compare: how each is started, and in which settings.

If the best value of a setting depends on the machine, all its choices are tried
on each shape before the measurement, and the fastest is kept: each peer runs at
its best.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
DEBIAN_PYTHON = "/usr/bin/python3"  # has Debian's Python packages
OPENBLAS = pathlib.Path("/usr/lib/x86_64-linux-gnu")


class EngineError(Exception):
    """An engine ended or gave an invalid answer; a message for the user."""


@dataclasses.dataclass(frozen=True)
class Programs:
    """Paths of the engines' programs and libraries."""

    kvlab: str
    llama: str
    llama_backends: str
    onnx: str


def has_avx512():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        return " avx512f " in file.read().replace("\n", " ")


@dataclasses.dataclass(frozen=True)
class Engine:
    """An entry of the comparison: a program, weights, and fixed settings."""

    key: str  # as --engine takes it
    label: str  # as tables and pictures have it
    program: str  # kvlab, llama, onnx or torch
    weights: str  # float32 or float16
    recomputes: bool = False
    fixed: tuple = ()

    @property
    def instructions(self):
        """The set of instructions that it is held to, if any: kvlab chooses
        its kernels otherwise."""
        return dict(self.fixed).get("--instructions")

    @property
    def is_kvlab(self):
        return self.program == "kvlab"

    def choices(self, threads):
        """{setting: [values]}: the values to try, one setting after the other.
        "--x" goes to the engine's program, the rest into its environment."""
        if self.program == "llama":
            # A cache in the type of the weights; flash attention reads either.
            return {
                "--cache": ["f32" if self.weights == "float32" else "f16"],
                "--flash": ["off", "on"],
            }
        if self.program == "torch":
            # PyTorch has its own threads beside those of OpenBLAS, unless both
            # use OpenMP's. OpenBLAS 0.3.21 may mistake a new processor for an
            # old one.
            return {
                "blas": ["openblas-pthread"]
                + ["openblas-openmp"] * (threads > 1),
                "OPENBLAS_CORETYPE": ["SkylakeX"] * has_avx512()
                + ["Haswell", "Zen"],
                "--matrices": ["out-in", "in-out"],
            }
        return {}

    def command(self, programs, folder, threads, settings):
        """(command, environment) of a process that runs this engine."""
        common = [
            "--model",
            str(folder / self.weights),
            "--threads",
            str(threads),
        ]
        words = [
            word
            for name, value in (*self.fixed, *settings.items())
            if name.startswith("--")
            for word in (name, value)
            if word
        ]
        environment = {
            name: value
            for name, value in settings.items()
            if not name.startswith("--")
        }
        if self.program == "kvlab":
            return [programs.kvlab, *common, *words], environment
        if self.program == "llama":
            return [
                programs.llama,
                *common,
                *words,
                "--backends",
                programs.llama_backends,
            ], environment
        if self.program == "onnx":
            return [programs.onnx, *common, *words], environment
        # The library is named, not left to the system's default.
        blas = environment.pop("blas")
        environment |= {
            "OPENBLAS_NUM_THREADS": str(threads),
            "OMP_NUM_THREADS": str(threads),
            "LD_LIBRARY_PATH": str(OPENBLAS / blas),
        }
        return [
            DEBIAN_PYTHON,
            "-B",
            str(HERE / "torch_engine.py"),
            *common,
            *words,
        ], environment


ENGINES = (
    Engine("kvlab-f32", "kvlab F32", "kvlab", "float32"),
    Engine("kvlab-f16", "kvlab F16", "kvlab", "float16"),
    Engine(
        "kvlab-f32-avx2",
        "kvlab F32, AVX2",
        "kvlab",
        "float32",
        fixed=(("--instructions", "avx2"),),
    ),
    Engine(
        "kvlab-f16-avx2",
        "kvlab F16, AVX2",
        "kvlab",
        "float16",
        fixed=(("--instructions", "avx2"),),
    ),
    Engine(
        "kvlab-f32-avx512",
        "kvlab F32, AVX-512",
        "kvlab",
        "float32",
        fixed=(("--instructions", "avx512"),),
    ),
    Engine(
        "kvlab-f16-avx512",
        "kvlab F16, AVX-512",
        "kvlab",
        "float16",
        fixed=(("--instructions", "avx512"),),
    ),
    Engine("llama-f32", "llama.cpp F32", "llama", "float32"),
    Engine("llama-f16", "llama.cpp F16", "llama", "float16"),
    Engine("onnx-f32", "onnxruntime F32", "onnx", "float32"),
    Engine(
        "torch-f32",
        "PyTorch F32",
        "torch",
        "float32",
        fixed=(("--cache", "on"),),
    ),
    Engine(
        "kvlab-recompute",
        "kvlab F32, no cache",
        "kvlab",
        "float32",
        recomputes=True,
        fixed=(("--recompute", ""),),
    ),
    Engine(
        "torch-recompute",
        "PyTorch F32, no cache",
        "torch",
        "float32",
        recomputes=True,
        fixed=(("--cache", "off"),),
    ),
)


class Process:
    """A running engine, which answers one request at a time."""

    def __init__(self, command):
        words, environment = command
        self.words = words
        # Its own session, so that Ctrl-C reaches only the parent process.
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
            start_new_session=True,
        )

    def ask(self, request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise EngineError(
                f"an engine ended, with status "
                f"{self.process.wait()}: {' '.join(self.words)}"
            )
        return json.loads(line)

    def peak_memory_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(
            encoding="ascii"
        )
        (line,) = (l for l in status.splitlines() if l.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def close(self):
        """Ends the engine by closing its input."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def pytorch_alone():
    """Peak bytes and seconds of Python with torch_engine.py's imports, doing
    nothing: a base that the other engines do not have."""
    start = time.perf_counter()
    with Process(
        (
            [
                DEBIAN_PYTHON,
                "-c",
                "import sys, torch, numpy; sys.stdin.readline(); "
                "print(0, flush=True); sys.stdin.readline()",
            ],
            {},
        )
    ) as process:
        process.ask(0)
        return {
            "seconds": time.perf_counter() - start,
            "bytes": process.peak_memory_bytes(),
        }
