"""Writes the golden logits: PyTorch's results for our checkpoints.

An independent implementation to compare with: nothing here is shared with the
C++ code, neither the reader, nor the tokenizer, nor the model. Sums run in
float64 from the stored weights, so the error of these numbers is far below
that of any float32 implementation.

Usage, from the root of the repository (needs Debian's python3-torch):

    /usr/bin/python3 kit/testdata/golden/make_logits.py

Writes NAME.safetensors beside this script for every model below. For prompt i
the file holds

    i.text       U8  [bytes]            the prompt
    i.tokens     I32 [tokens]           its ids
    i.positions  I32 [positions]        where logits were kept
    i.logits     F32 [positions, vocab]
    i.greedy     I32 [new tokens]       the greedy continuation
    i.margins    F32 [new tokens]       largest logit minus the second largest
"""

import json
import re
import struct
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
CONTEXT = 1024
KEPT = 5  # positions whose logits are kept, per prompt
GREEDY_TOKENS = 24

SHAKESPEARE = (ROOT / "kit/testdata/tinyshakespeare/input.txt").read_text(
    encoding="utf-8"
)
MODELS = {
    "shakespeare-gpt2": (
        ROOT / "models/shakespeare-gpt2",
        [
            "ROMEO:\n",
            "First Citizen:\nBefore we proceed any further, hear me speak.\n",
            "  To be, or not to be?   That's the question: 1 or 2?\n\n\n",
            SHAKESPEARE[:4000],
        ],
    ),
    "tiny-gpt2-random": (
        ROOT / "kit/testdata/tiny-gpt2-random",
        [" l", " lower newest", " wider lowest newer" * 400],
    ),
}

NUMPY_TYPES = {"F32": "<f4", "F16": "<f2"}


def read_tensors(path):
    blob = path.read_bytes()
    (length,) = struct.unpack("<Q", blob[:8])
    header, data = json.loads(blob[8 : 8 + length]), blob[8 + length :]
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        array = numpy.frombuffer(data[begin:end], NUMPY_TYPES[entry["dtype"]])
        tensor = torch.from_numpy(array.astype("<f8")).view(entry["shape"])
        tensors[name.removeprefix("transformer.")] = tensor
    return tensors


def write_tensors(path, arrays):
    names = {"uint8": "U8", "int32": "I32", "float32": "F32"}
    header, data = {}, b""
    for name, array in arrays.items():
        begin = len(data)
        data += array.tobytes()
        header[name] = {
            "dtype": names[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [begin, len(data)],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Bpe:
    """GPT-2's encoding of ASCII text, merge by merge."""

    WORDS = re.compile(
        r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+"
        r"| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+"
    )

    def __init__(self, folder):
        self.ids = json.loads(
            (folder / "vocab.json").read_text(encoding="utf-8")
        )
        lines = (
            (folder / "merges.txt").read_text(encoding="utf-8").splitlines()[1:]
        )
        self.merges = [tuple(line.split()) for line in lines]

    @staticmethod
    def symbol(byte):
        # Of ASCII only space and control characters have stand-ins.
        return byte if "!" <= byte <= "~" else chr(256 + ord(byte))

    def encode(self, text):
        known = {}
        for word in set(self.WORDS.findall(text)):
            symbols = [self.symbol(byte) for byte in word]
            for left, right in self.merges:
                i = 0
                while i + 1 < len(symbols):
                    if symbols[i] == left and symbols[i + 1] == right:
                        symbols[i : i + 2] = [left + right]
                    i += 1
            known[word] = [self.ids[symbol] for symbol in symbols]
        return [t for word in self.WORDS.findall(text) for t in known[word]]


class Gpt2:
    def __init__(self, folder):
        self.config = json.loads(
            (folder / "config.json").read_text(encoding="utf-8")
        )
        self.weights = read_tensors(folder / "model.safetensors")

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def norm(self, x, name):
        weight, bias = (
            self.weights[name + ".weight"],
            self.weights[name + ".bias"],
        )
        epsilon = self.config["layer_norm_epsilon"]
        return F.layer_norm(x, x.shape[-1:], weight, bias, epsilon)

    def attention(self, x, name):
        length, width = x.shape
        heads = self.config["n_head"]
        q, k, v = (
            part.view(length, heads, width // heads).transpose(0, 1)
            for part in self.linear(x, name + ".c_attn").split(width, -1)
        )
        scores = q @ k.transpose(1, 2) / (width // heads) ** 0.5
        mask = torch.ones(length, length, dtype=torch.bool).triu(1)
        probs = scores.masked_fill(mask, float("-inf")).softmax(-1)
        merged = (probs @ v).transpose(0, 1).reshape(length, width)
        return self.linear(merged, name + ".c_proj")

    def mlp(self, x, name):
        hidden = F.gelu(self.linear(x, name + ".c_fc"), approximate="tanh")
        return self.linear(hidden, name + ".c_proj")

    def logits(self, tokens):
        """[tokens, vocab]"""
        x = self.weights["wte.weight"][tokens]
        x = x + self.weights["wpe.weight"][: len(tokens)]
        for layer in range(self.config["n_layer"]):
            h = f"h.{layer}."
            x = x + self.attention(self.norm(x, h + "ln_1"), h + "attn")
            x = x + self.mlp(self.norm(x, h + "ln_2"), h + "mlp")
        return self.norm(x, "ln_f") @ self.weights["wte.weight"].T

    def greedy(self, tokens, count):
        tokens, margins = list(tokens), []
        for _ in range(count):
            best = self.logits(tokens)[-1].topk(2)
            tokens.append(best.indices[0].item())
            margins.append((best.values[0] - best.values[1]).item())
        return tokens[len(tokens) - count :], margins


def golden(model, bpe, texts):
    arrays = {}
    for i, text in enumerate(texts):
        tokens = bpe.encode(text)[:CONTEXT]
        positions = sorted(
            {round(p) for p in numpy.linspace(0, len(tokens) - 1, KEPT)}
        )
        room = min(GREEDY_TOKENS, CONTEXT - len(tokens))
        continuation, margins = model.greedy(tokens, room)
        arrays |= {
            f"{i}.text": numpy.frombuffer(text.encode(), "u1"),
            f"{i}.tokens": numpy.array(tokens, "<i4"),
            f"{i}.positions": numpy.array(positions, "<i4"),
            f"{i}.logits": model.logits(tokens)[positions]
            .numpy()
            .astype("<f4"),
            f"{i}.greedy": numpy.array(continuation, "<i4"),
            f"{i}.margins": numpy.array(margins, "<f4"),
        }
    return arrays


def main():
    for name, (folder, texts) in MODELS.items():
        arrays = golden(Gpt2(folder), Bpe(folder), texts)
        write_tensors(HERE / (name + ".safetensors"), arrays)


if __name__ == "__main__":
    main()
