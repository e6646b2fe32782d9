"""Where npm's packages of the peers lie, and the program that calls llama.cpp."""

import hashlib
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
PEERS = HERE / "peers"
MODULES = PEERS / "node_modules"
BACKENDS = MODULES / "@node-llama-cpp" / "linux-x64" / "bins" / "linux-x64"


class PeerError(Exception):
    """A peer that cannot be had, in words for the user."""


def _library(name):
    """The library that carries its version in its name."""
    found = sorted(BACKENDS.glob(f"{name}.*so")) + sorted(
        BACKENDS.glob(f"{name}.so"))
    if not found:
        raise PeerError(f"{BACKENDS} has no {name}; remove {MODULES}, and it "
                        "will be fetched again")
    return found[0]


def _run(*words):
    done = subprocess.run(words, check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise PeerError(f"{' '.join(map(str, words))} failed\n{done.stdout}")


def build_llama(cache):
    """Compiles llama_engine.cc against the headers that node-llama-cpp carries
    in a Git bundle; the path of the program."""
    source = HERE / "llama_engine.cc"
    program, mark = cache / "llama_engine", cache / "llama_engine.made_of"
    made_of = hashlib.sha256(
        source.read_bytes() +
        (PEERS / "package-lock.json").read_bytes()).hexdigest()
    if mark.exists() and mark.read_text(encoding="ascii") == made_of:
        return program
    headers = cache / "llama.cpp"
    if headers.exists():
        shutil.rmtree(headers)
    _run("git", "clone", "--quiet", "--no-checkout",
         MODULES / "node-llama-cpp" / "llama" / "gitRelease.bundle", headers)
    _run("git", "-C", headers, "checkout", "--quiet", "HEAD", "--", "include",
         "ggml/include")
    _run("g++", "-std=c++20", "-O2", f"-I{headers}/include",
         f"-I{headers}/ggml/include", source, "-o", program,
         f"-Wl,-rpath,{BACKENDS}", _library("libllama"), _library("libggml"),
         _library("libggml-base"))
    mark.write_text(made_of, encoding="ascii")
    return program
