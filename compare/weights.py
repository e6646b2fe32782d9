"""One set of weights, in every format that an engine of the comparison reads.

A folder per shape and type holds config.json and model.safetensors (kvlab,
PyTorch), model.gguf (llama.cpp) and, for float32, model.onnx (onnxruntime),
whose tensors are read from model.safetensors. float16 is float32 rounded; for
the shipped checkpoint, float32 is its float16 widened.
"""

import hashlib
import json
import math
import pathlib
import shutil

import numpy

from compare import gguf_file, onnx_graph, safetensors_file
from compare.shape import SHAPES, read_shape

HERE = pathlib.Path(__file__).resolve().parent
NUMPY_TYPES = {"F32": numpy.float32, "F16": numpy.float16}
SEED = 20260101


def random_weights(shape):
    """{name: float32}, scaled so that every layer matters to the residual and
    the chosen tokens depend on the prompt."""
    random = numpy.random.Generator(numpy.random.PCG64(SEED))
    weights = {}
    for name, size in shape.tensor_shapes().items():
        numbers = random.standard_normal(size, dtype=numpy.float32)
        if len(size) == 2 and name.startswith("h."):
            numbers *= 1 / numpy.sqrt(numpy.float32(size[0]))
        elif name in ("wte.weight", "wpe.weight"):
            numbers *= numpy.float32(0.05)
        elif ".ln_" in "." + name and name.endswith("weight"):
            numbers = 1 + numpy.float32(0.1) * numbers
        else:
            numbers *= numpy.float32(0.05)
        weights[name] = numbers
    return weights


def read_weights(path):
    """(name, numbers) of each tensor, read on demand"""
    for name, (kind, size, offset, _) in safetensors_file.read_header(
        path
    ).items():
        numbers = numpy.fromfile(
            path, NUMPY_TYPES[kind], math.prod(size), offset=offset
        )
        yield name, numbers.reshape(size)


def _stored(numbers, kind):
    # ascontiguousarray would make a row of a single number
    numbers = numpy.ascontiguousarray(numbers, NUMPY_TYPES[kind])
    return kind, numbers.shape, numbers.reshape(-1).view(numpy.uint8).data


def write_gguf(path, shape, weights, kind):
    """With the names and types that llama.cpp's own converter gives: matrices
    [out, in] in the wanted type, all else float32. There is no vocabulary: the
    engines are handed numbers."""
    values = {
        "general.architecture": "gpt2",
        "gpt2.context_length": shape.n_positions,
        "gpt2.embedding_length": shape.n_embd,
        "gpt2.feed_forward_length": 4 * shape.n_embd,
        "gpt2.block_count": shape.n_layer,
        "gpt2.attention.head_count": shape.n_head,
        "gpt2.attention.layer_norm_epsilon": shape.layer_norm_epsilon,
        "gpt2.vocab_size": shape.vocab_size,
        "tokenizer.ggml.model": "no_vocab",
    }
    names = {
        "ln_1": "attn_norm",
        "attn.c_attn": "attn_qkv",
        "attn.c_proj": "attn_output",
        "ln_2": "ffn_norm",
        "mlp.c_fc": "ffn_up",
        "mlp.c_proj": "ffn_down",
    }
    tensors = {
        "token_embd.weight": _stored(weights["wte.weight"], kind),
        "position_embd.weight": _stored(weights["wpe.weight"], "F32"),
        "output_norm.weight": _stored(weights["ln_f.weight"], "F32"),
        "output_norm.bias": _stored(weights["ln_f.bias"], "F32"),
    }
    for layer in range(shape.n_layer):
        for ours, theirs in names.items():
            matrix = weights[f"h.{layer}.{ours}.weight"]
            bias = weights[f"h.{layer}.{ours}.bias"]
            tensors[f"blk.{layer}.{theirs}.weight"] = _stored(
                matrix.T, kind if matrix.ndim == 2 else "F32"
            )
            tensors[f"blk.{layer}.{theirs}.bias"] = _stored(bias, "F32")
    gguf_file.write(path, values, tensors)


def write_all(folder, shape, weights):
    """Writes folder/float32 and folder/float16."""
    for name, kind in (("float32", "F32"), ("float16", "F16")):
        target = folder / name
        target.mkdir(parents=True)
        (target / "config.json").write_text(
            json.dumps(shape.config(), indent=2), encoding="utf-8"
        )
        safetensors_file.write(
            target / "model.safetensors",
            {key: _stored(value, kind) for key, value in weights.items()},
        )
        write_gguf(target / "model.gguf", shape, weights, kind)
    onnx_graph.write(folder / "float32", shape)


def recipe(checkpoint):
    """A digest of everything that determines the files written."""
    digest = hashlib.sha256()
    for name in (
        "weights.py",
        "gguf_file.py",
        "onnx_graph.py",
        "safetensors_file.py",
    ):
        digest.update((HERE / name).read_bytes())
    if checkpoint:
        digest.update((checkpoint / "model.safetensors").read_bytes())
    return digest.hexdigest()


def prepare(cache, name, checkpoint=None):
    """Folder of the weights of this name, written unless they exist: random
    ones of SHAPES[name], or those of a checkpoint's folder."""
    folder, mark = cache / name, cache / name / "recipe"
    wanted = recipe(checkpoint)
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return folder
    if folder.exists():
        shutil.rmtree(folder)
    if checkpoint:
        shape = read_shape(checkpoint)
        stored = read_weights(checkpoint / "model.safetensors")
        weights = {
            key.removeprefix("transformer."): value.astype("float32")
            for key, value in stored
        }
    else:
        shape = SHAPES[name]
        weights = random_weights(shape)
    write_all(folder, shape, weights)
    mark.write_text(wanted, encoding="utf-8")
    return folder
