"""The peers' npm packages, and the programs that call their libraries."""

import hashlib
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
PEERS = HERE / "peers"
MODULES = PEERS / "node_modules"
LLAMA = MODULES / "@node-llama-cpp" / "linux-x64" / "bins" / "linux-x64"
ONNXRUNTIME = MODULES / "onnxruntime-node" / "bin" / "napi-v6" / "linux" / "x64"


class PeerError(Exception):
    """A peer is not available; the message is for the user."""


def _library(folder, name):
    """The library, whose file name may include its version."""
    found = sorted(folder.glob(f"{name}.so*")) + sorted(
        folder.glob(f"{name}.v*.so")
    )
    if not found:
        raise PeerError(
            f"{folder} has no {name}; remove {MODULES} to " "fetch it again"
        )
    return found[0]


def _run(*words):
    done = subprocess.run(
        words,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        raise PeerError(f"{' '.join(map(str, words))} failed\n{done.stdout}")


def _made_of(*paths):
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _llama_headers(cache):
    """Unpacks the headers from node-llama-cpp's Git bundle."""
    headers = cache / "llama.cpp"
    if headers.exists():
        shutil.rmtree(headers)
    _run(
        "git",
        "clone",
        "--quiet",
        "--no-checkout",
        MODULES / "node-llama-cpp" / "llama" / "gitRelease.bundle",
        headers,
    )
    _run(
        "git",
        "-C",
        headers,
        "checkout",
        "--quiet",
        "HEAD",
        "--",
        "include",
        "ggml/include",
    )
    return headers / "include", headers / "ggml" / "include"


def _compile(program, source, includes, folder, libraries):
    _run(
        "g++",
        "-std=c++20",
        "-O2",
        *(f"-I{path}" for path in includes),
        source,
        "-o",
        program,
        f"-Wl,-rpath,{folder}",
        *(_library(folder, name) for name in libraries),
    )


def build(cache):
    """Compiles the programs that call the libraries of llama.cpp and
    onnxruntime, unless they exist; returns their paths."""
    llama, onnx = cache / "llama_engine", cache / "onnx_engine"
    mark = cache / "engines.made_of"
    made_of = _made_of(
        HERE / "llama_engine.cc",
        HERE / "onnx_engine.cc",
        HERE / "onnxruntime_interface.h",
        PEERS / "package-lock.json",
    )
    if not mark.exists() or mark.read_text(encoding="ascii") != made_of:
        _compile(
            llama,
            HERE / "llama_engine.cc",
            _llama_headers(cache),
            LLAMA,
            ("libllama", "libggml", "libggml-base"),
        )
        _compile(
            onnx,
            HERE / "onnx_engine.cc",
            (HERE,),
            ONNXRUNTIME,
            ("libonnxruntime",),
        )
        mark.write_text(made_of, encoding="ascii")
    return llama, onnx
