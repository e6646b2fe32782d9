#!/usr/bin/python3
"""PyTorch as an engine of the comparison: GPT-2 written by hand, with a cache
that is filled in place, or without one.

Usage: torch_engine.py --model FOLDER --threads N --cache on|off
         --matrices in-out|out-in
Speaks the protocol of compare/README.md.
"""

import argparse
import json
import pathlib
import sys
import time

import torch
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

# pylint: disable=wrong-import-position
from compare import weights as stored
from compare.shape import read_shape


class Gpt2:
    """One row of text."""

    def __init__(self, folder, matrices, caching):
        self.caching = caching
        self.shape = read_shape(folder)
        self.weights = {}
        for name, numbers in stored.read_weights(folder / "model.safetensors"):
            tensor = torch.from_numpy(numbers)
            if matrices == "out-in" and tensor.ndim == 2 and name[0] == "h":
                tensor = tensor.t().contiguous()
            self.weights[name] = tensor
        self.matrices = matrices
        shape = self.shape
        # [layer, keys or values, head, position, head_dim]
        if caching:
            self.cache = torch.zeros(
                shape.n_layer,
                2,
                shape.n_head,
                shape.n_positions,
                shape.head_dim,
            )

    def norm(self, x, name):
        return functional.layer_norm(
            x,
            (self.shape.n_embd,),
            self.weights[name + ".weight"],
            self.weights[name + ".bias"],
            self.shape.layer_norm_epsilon,
        )

    def linear(self, x, name):
        weight = self.weights[name + ".weight"]
        bias = self.weights[name + ".bias"]
        if x.shape[0] == 1:  # matrix times vector: half the time of a gemm
            matrix = weight if self.matrices == "out-in" else weight.t()
            return torch.addmv(bias, matrix, x[0]).unsqueeze(0)
        if self.matrices == "out-in":
            return functional.linear(x, weight, bias)
        return torch.addmm(bias, x, weight)

    def attention(self, x, layer, past_len):
        new_len = x.shape[0]
        total_len = past_len + new_len
        qkv = self.linear(x, f"h.{layer}.attn.c_attn")
        # [3, head, new_len, head_dim]
        qkv = qkv.view(
            new_len, 3, self.shape.n_head, self.shape.head_dim
        ).permute(1, 2, 0, 3)
        if self.caching:
            self.cache[layer, :, :, past_len:total_len] = qkv[1:]
            keys, values = self.cache[layer, :, :, :total_len]
        else:
            keys, values = qkv[1:]
        scores = torch.matmul(
            qkv[0] * self.shape.head_dim**-0.5, keys.transpose(1, 2)
        )
        if new_len > 1:
            future = torch.ones(new_len, total_len, dtype=torch.bool).triu(
                past_len + 1
            )
            scores.masked_fill_(future, -torch.inf)
        mixed = torch.matmul(torch.softmax(scores, -1), values)
        return self.linear(
            mixed.transpose(0, 1).reshape(new_len, -1), f"h.{layer}.attn.c_proj"
        )

    def mlp(self, x, layer):
        wide = self.linear(x, f"h.{layer}.mlp.c_fc")
        return self.linear(
            functional.gelu(wide, approximate="tanh"), f"h.{layer}.mlp.c_proj"
        )

    def forward(self, tokens, past_len):
        """Logits after the last of these tokens."""
        places = torch.arange(past_len, past_len + len(tokens))
        x = (
            self.weights["wte.weight"][torch.tensor(tokens)]
            + self.weights["wpe.weight"][places]
        )
        for layer in range(self.shape.n_layer):
            x = x + self.attention(
                self.norm(x, f"h.{layer}.ln_1"), layer, past_len
            )
            x = x + self.mlp(self.norm(x, f"h.{layer}.ln_2"), layer)
        x = self.norm(x[-1], "ln_f")
        return torch.mv(self.weights["wte.weight"], x)


def answer(model, request):
    prompt, forced = request["prompt"], request["forced"]
    reply = {"step_s": [], "argmax": []}

    def timed(tokens, past_len):
        start = time.perf_counter()
        logits = model.forward(tokens, past_len)
        seconds = time.perf_counter() - start
        reply["argmax"].append(int(torch.argmax(logits)))
        return seconds

    reply["prefill_s"] = timed(prompt, 0)
    for i, token in enumerate(forced):
        if model.caching:
            reply["step_s"].append(timed([token], len(prompt) + i))
        else:
            reply["step_s"].append(timed(prompt + forced[: i + 1], 0))
    return reply


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", choices=("on", "off"), default="on")
    parser.add_argument(
        "--matrices", choices=("in-out", "out-in"), default="out-in"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = Gpt2(options.model, options.matrices, options.cache == "on")
    with torch.inference_mode():
        for line in sys.stdin:
            print(json.dumps(answer(model, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
