"""The shapes of GPT-2 that are compared."""

import dataclasses
import json


@dataclasses.dataclass(frozen=True)
class Shape:
    """A GPT-2, in the names of its config.json."""

    n_layer: int
    n_head: int
    n_embd: int
    n_positions: int
    vocab_size: int
    layer_norm_epsilon: float = 1e-5

    @property
    def head_dim(self):
        return self.n_embd // self.n_head

    def config(self):
        return {
            **dataclasses.asdict(self),
            "model_type": "gpt2",
            "activation_function": "gelu_new",
            "tie_word_embeddings": True,
        }

    def tensor_shapes(self):
        """{name: shape}; Conv1D, as published checkpoints have it: [in, out]"""
        width = self.n_embd
        shapes = {
            "wte.weight": (self.vocab_size, width),
            "wpe.weight": (self.n_positions, width),
        }
        for layer in range(self.n_layer):
            block = f"h.{layer}."
            for norm in ("ln_1", "ln_2"):
                shapes[f"{block}{norm}.weight"] = (width,)
                shapes[f"{block}{norm}.bias"] = (width,)
            for name, rows, columns in (
                ("attn.c_attn", width, 3 * width),
                ("attn.c_proj", width, width),
                ("mlp.c_fc", width, 4 * width),
                ("mlp.c_proj", 4 * width, width),
            ):
                shapes[f"{block}{name}.weight"] = (rows, columns)
                shapes[f"{block}{name}.bias"] = (columns,)
        shapes["ln_f.weight"] = shapes["ln_f.bias"] = (width,)
        return shapes


SHAPES = {
    "distilgpt2": Shape(6, 12, 768, 1024, 50257),
    "gpt2": Shape(12, 12, 768, 1024, 50257),
}


def read_shape(folder):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return Shape(
        **{
            field.name: config[field.name]
            for field in dataclasses.fields(Shape)
        }
    )
