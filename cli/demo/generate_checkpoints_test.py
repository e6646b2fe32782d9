"""Checkpoints as published: ./kvlab generate continues a text with each, or
reports what is wrong with a file."""

import json
import pathlib
import struct
import subprocess
import tempfile
import unittest

GENERATE = "cli/generate"
D, POSITIONS, PADDED = 8, 16, 320
VISIBLE = [*range(33, 127), *range(161, 173), *range(174, 256)]


def alphabet():
    """GPT-2's characters for the 256 bytes, in the order of the bytes."""
    hidden = [b for b in range(256) if b not in VISIBLE]
    return [
        chr(b if b in VISIBLE else 256 + hidden.index(b)) for b in range(256)
    ]


TOKENS = [*alphabet(), "th", "the", "<|endoftext|>"]
MERGES = [["t", "h"], ["th", "e"]]
CONFIG = {
    "model_type": "gpt2",
    "activation_function": "gelu_new",
    "n_layer": 1,
    "n_head": 2,
    "n_embd": D,
    "n_positions": POSITIONS,
    "vocab_size": len(TOKENS),
}


def shapes(rows):
    layer = {
        "ln_1.weight": [D],
        "ln_1.bias": [D],
        "attn.c_attn.weight": [D, 3 * D],
        "attn.c_attn.bias": [3 * D],
        "attn.c_proj.weight": [D, D],
        "attn.c_proj.bias": [D],
        "ln_2.weight": [D],
        "ln_2.bias": [D],
        "mlp.c_fc.weight": [D, 4 * D],
        "mlp.c_fc.bias": [4 * D],
        "mlp.c_proj.weight": [4 * D, D],
        "mlp.c_proj.bias": [D],
    }
    return (
        {"wte.weight": [rows, D], "wpe.weight": [POSITIONS, D]}
        | {"h.0." + name: shape for name, shape in layer.items()}
        | {"ln_f.weight": [D], "ln_f.bias": [D]}
    )


def element(name, index):
    """ln_f is all bias, so that a row of wte decides alone: the larger its
    number, the larger its logit."""
    if name == "ln_f.bias":
        return 1.0
    if name == "wte.weight":
        return index // D / 100
    return 0.0


def tensors(rows=len(TOKENS)):
    result = {}
    for name, shape in shapes(rows).items():
        count = 1
        for axis in shape:
            count *= axis
        values = [element(name, i) for i in range(count)]
        result[name] = (shape, struct.pack(f"<{count}f", *values))
    return result


def safetensors(content, metadata=None, padding=b""):
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, (shape, values) in content.items():
        header[name] = {
            "dtype": "F32",
            "shape": shape,
            "data_offsets": [len(data), len(data) + len(values)],
        }
        data += values
    text = json.dumps(header).encode() + padding
    return struct.pack("<Q", len(text)) + text + data


def tokenizer_json(merges):
    return {
        "added_tokens": [
            {"id": TOKENS.index("<|endoftext|>"), "content": "<|endoftext|>"}
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False},
        "decoder": {"type": "ByteLevel"},
        "model": {
            "type": "BPE",
            "merges": merges,
            "vocab": {t: i for i, t in enumerate(TOKENS)},
        },
    }


class Checkpoint:
    """A folder, valid until a test changes it."""

    def __init__(self, test):
        self.path = pathlib.Path(
            test.enterContext(tempfile.TemporaryDirectory())
        )
        self.write("config.json", CONFIG)
        self.write("model.safetensors", safetensors(tensors()))
        self.write("vocab.json", {t: i for i, t in enumerate(TOKENS)})
        self.write("merges.txt", "\n".join(" ".join(m) for m in MERGES))

    def write(self, name, content):
        if isinstance(content, dict):
            content = json.dumps(content)
        if isinstance(content, str):
            content = content.encode()
        (self.path / name).write_bytes(content)

    def remove(self, *names):
        for name in names:
            (self.path / name).unlink()

    def generate(self, *options):
        return subprocess.run(
            [
                GENERATE,
                "the",
                "--model",
                str(self.path),
                "--tokens",
                "9",
                *options,
            ],
            capture_output=True,
            check=False,
        )


class GenerateCheckpointsTest(unittest.TestCase):
    def assert_writes(self, checkpoint, text, *options):
        for cache in [[], ["--no-cache"]]:
            run = checkpoint.generate(*options, *cache)
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual(run.stdout.split(b"\n\n")[0], text)
        return run

    def assert_refused(self, checkpoint, *words):
        run = checkpoint.generate()
        self.assertEqual((run.returncode, run.stdout), (2, b""))
        for word in words:
            self.assertIn(word, run.stderr.decode())

    def test_greedy_takes_the_last_row(self):
        self.assert_writes(
            Checkpoint(self),
            b"the" + 9 * b"<|endoftext|>",
            "--temperature",
            "0",
        )

    # The likeliest of all rows has no token.
    def test_ids_without_a_token_are_never_chosen(self):
        found = Checkpoint(self)
        found.write("config.json", CONFIG | {"vocab_size": PADDED})
        found.write("model.safetensors", safetensors(tensors(PADDED)))
        run = self.assert_writes(
            found, b"the" + 9 * b"<|endoftext|>", "--temperature", "0"
        )
        self.assertIn(b"61 of the model's 320 ids have no token", run.stderr)
        for seed in range(5):
            run = found.generate(
                "--temperature", "9", "--top-k", "0", "--seed", str(seed)
            )
            self.assertEqual(run.returncode, 0, run.stderr)

    def test_added_tokens_are_chosen_and_written(self):
        found = Checkpoint(self)
        found.write("config.json", CONFIG | {"vocab_size": PADDED})
        found.write("model.safetensors", safetensors(tensors(PADDED)))
        found.write("added_tokens.json", {"<|im_end|>": len(TOKENS)})
        self.assert_writes(
            found, b"the" + 9 * b"<|im_end|>", "--temperature", "0"
        )

    def test_a_tied_model_stored_as_its_head(self):
        content = tensors()
        content["lm_head.weight"] = content.pop("wte.weight")
        found = Checkpoint(self)
        found.write(
            "model.safetensors",
            safetensors(content, {"transformer.wte.weight": "lm_head.weight"}),
        )
        self.assert_writes(
            found, b"the" + 9 * b"<|endoftext|>", "--temperature", "0"
        )

    def test_an_untied_head(self):
        content = tensors()
        shape, values = content["wte.weight"]
        backwards = b"".join(
            values[i : i + 4 * D]
            for i in reversed(range(0, len(values), 4 * D))
        )
        content["lm_head.weight"] = (shape, backwards)
        found = Checkpoint(self)
        found.write("model.safetensors", safetensors(content))
        self.assert_refused(found, "'lm_head.weight' is not the same")
        found.write("config.json", CONFIG | {"tie_word_embeddings": False})
        self.assert_writes(found, b"the" + 9 * b"\0", "--temperature", "0")

    def test_tokenizer_json_alone(self):
        for merges in [MERGES, [" ".join(merge) for merge in MERGES]]:
            found = Checkpoint(self)
            found.remove("vocab.json", "merges.txt")
            self.assert_refused(found, "/vocab.json, and no tokenizer.json")
            found.write("tokenizer.json", tokenizer_json(merges))
            run = self.assert_writes(
                found, b"the" + 9 * b"<|endoftext|>", "--temperature", "0"
            )
            self.assertIn(b"after a prompt of 1:", run.stdout)

    def test_another_tokenizer(self):
        found = Checkpoint(self)
        found.remove("vocab.json", "merges.txt")
        other = tokenizer_json(MERGES)
        other["pre_tokenizer"] = {"type": "Metaspace"}
        found.write("tokenizer.json", other)
        self.assert_refused(
            found, "'pre_tokenizer' is not that of GPT-2", "'Metaspace'"
        )

    def test_shards(self):
        found = Checkpoint(self)
        found.remove("model.safetensors")
        content = tensors()
        names = list(content)
        files = {
            name: f"model-0000{1 + (i > 4)}-of-00002.safetensors"
            for i, name in enumerate(names)
        }
        for file in set(files.values()):
            found.write(
                file,
                safetensors({n: content[n] for n in names if files[n] == file}),
            )
        found.write("model.safetensors.index.json", {"weight_map": files})
        self.assert_writes(
            found, b"the" + 9 * b"<|endoftext|>", "--temperature", "0"
        )
        found.remove("model-00002-of-00002.safetensors")
        self.assert_refused(
            found,
            "1 of 2 shards are missing",
            "model-00002-of-00002.safetensors",
        )
        found.write(
            "model.safetensors.index.json",
            {"weight_map": {"wte.weight": "../x.safetensors"}},
        )
        self.assert_refused(found, "'../x.safetensors'")

    def test_a_git_lfs_pointer(self):
        pointer = (
            "version https://git-lfs.github.com/spec/v1\n"
            f"oid sha256:{64 * '0'}\nsize 548105171\n"
        )
        for name in [
            "config.json",
            "model.safetensors",
            "vocab.json",
            "merges.txt",
        ]:
            found = Checkpoint(self)
            found.write(name, pointer)
            self.assert_refused(found, name, "Git LFS pointer", "git lfs pull")

    def test_weights_that_kvlab_does_not_read(self):
        found = Checkpoint(self)
        found.remove("model.safetensors")
        found.write("pytorch_model.bin", b"PK\x03\x04")
        self.assert_refused(found, "pytorch_model.bin", "save_pretrained")

    def test_json_that_goes_on_after_a_nul(self):
        found = Checkpoint(self)
        found.write(
            "model.safetensors", safetensors(tensors(), padding=b"\0" * 8)
        )
        self.assert_refused(found, "the header: has a NUL byte")
        for name in ["config.json", "vocab.json"]:
            found = Checkpoint(self)
            text = (found.path / name).read_bytes()
            found.write(name, text + b"\0{}")
            self.assert_refused(found, name + ": has a NUL byte")

    def test_names_of_one_formula(self):
        for name in ["gelu_fast", "gelu_accurate", "gelu_pytorch_tanh"]:
            found = Checkpoint(self)
            found.write("config.json", CONFIG | {"activation_function": name})
            self.assert_writes(
                found, b"the" + 9 * b"<|endoftext|>", "--temperature", "0"
            )
        for name in ["gelu", "gelu_10", "relu", "silu"]:
            found.write("config.json", CONFIG | {"activation_function": name})
            self.assert_refused(found, "activation_function", f"'{name}'")


if __name__ == "__main__":
    unittest.main()
