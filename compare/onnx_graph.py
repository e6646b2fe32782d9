"""Writes GPT-2 as an ONNX graph whose past keys and values are inputs.

The operators are onnxruntime's own fused ones (domain com.microsoft), the
fastest that it has for a processor:
- GroupQueryAttention, with as many groups as heads. It takes queries, keys and
  values in one piece and appends to a cache in place, if past and present are
  the same buffer; all other attention operators copy the cache each step.
- SkipLayerNormalization: residual, bias and layer norm in one.
- FastGelu: the tanh form, with its bias.
Logits are computed for the last position only.

Weights are not written again: the graph points into model.safetensors.
"""

import onnx
from onnx import TensorProto, helper

from compare import safetensors_file

WEIGHTS = "model.safetensors"
FUSED = "com.microsoft"


def _initializers(folder):
    for name, (kind, shape, offset, size) in safetensors_file.read_header(
        folder / WEIGHTS
    ).items():
        assert kind == "F32", kind
        tensor = TensorProto(
            name=name,
            dims=shape,
            data_type=TensorProto.FLOAT,
            data_location=TensorProto.EXTERNAL,
        )
        for key, value in (
            ("location", WEIGHTS),
            ("offset", offset),
            ("length", size),
        ):
            tensor.external_data.add(key=key, value=str(value))
        yield tensor


class _Graph:
    def __init__(self, shape):
        self.shape = shape
        self.nodes = []

    def add(self, operator, inputs, outputs, domain="", **attributes):
        self.nodes.append(
            helper.make_node(
                operator, inputs, outputs, domain=domain, **attributes
            )
        )
        return outputs[0]

    def embed(self):
        tokens = self.add("Gather", ["wte.weight", "input_ids"], ["tokens"])
        places = self.add("Gather", ["wpe.weight", "position_ids"], ["places"])
        return self.add("Add", [tokens, places], ["embedded"])

    def block(self, layer, residual, normed):
        """Sums and layer norms are fused across blocks: a block gets the
        residual and its layer norm, and returns those of the next."""
        name = f"h.{layer}."
        shape = self.shape
        product = self.add(
            "MatMul",
            [normed, name + "attn.c_attn.weight"],
            [name + "qkv_product"],
        )
        qkv = self.add(
            "Add", [product, name + "attn.c_attn.bias"], [name + "qkv"]
        )
        attended = self.add(
            "GroupQueryAttention",
            [
                qkv,
                "",
                "",
                f"past_key.{layer}",
                f"past_value.{layer}",
                "last_position",
                "total_len",
            ],
            [
                name + "attended",
                f"present_key.{layer}",
                f"present_value.{layer}",
            ],
            FUSED,
            num_heads=shape.n_head,
            kv_num_heads=shape.n_head,
            do_rotary=0,
        )
        projected = self.add(
            "MatMul",
            [attended, name + "attn.c_proj.weight"],
            [name + "projected"],
        )
        residual, normed = self.skip_norm(
            residual, projected, name + "attn.c_proj.bias", name + "ln_2"
        )
        wide = self.add(
            "MatMul", [normed, name + "mlp.c_fc.weight"], [name + "wide"]
        )
        active = self.add(
            "FastGelu", [wide, name + "mlp.c_fc.bias"], [name + "active"], FUSED
        )
        narrow = self.add(
            "MatMul", [active, name + "mlp.c_proj.weight"], [name + "narrow"]
        )
        following = (
            f"h.{layer + 1}.ln_1" if layer + 1 < shape.n_layer else "ln_f"
        )
        return self.skip_norm(
            residual, narrow, name + "mlp.c_proj.bias", following
        )

    def skip_norm(self, residual, added, bias, norm):
        normed, total = norm + ".normed", norm + ".residual"
        self.add(
            "SkipLayerNormalization",
            [added, residual, norm + ".weight", norm + ".bias", bias],
            [normed, "", "", total],
            FUSED,
            epsilon=self.shape.layer_norm_epsilon,
        )
        return total, normed

    def build(self):
        residual = self.embed()
        normed = self.add(
            "LayerNormalization",
            [residual, "h.0.ln_1.weight", "h.0.ln_1.bias"],
            ["h.0.ln_1.normed"],
            axis=-1,
            epsilon=self.shape.layer_norm_epsilon,
        )
        for layer in range(self.shape.n_layer):
            residual, normed = self.block(layer, residual, normed)
        last = self.add("Gather", [normed, "last_row"], ["last"], axis=1)
        # Gemm reads the tied head as it is stored, [vocab_size, n_embd].
        self.add("Gemm", [last, "wte.weight"], ["logits"], transB=1)


def write(folder, shape):
    graph = _Graph(shape)
    graph.build()
    cache = [1, shape.n_head, shape.n_positions, shape.head_dim]
    of, int64, int32 = (
        helper.make_tensor_value_info,
        TensorProto.INT64,
        TensorProto.INT32,
    )
    inputs = [
        of("input_ids", int64, [1, "new_len"]),
        of("position_ids", int64, [1, "new_len"]),
        of("last_position", int32, [1]),  # total_len - 1
        of("total_len", int32, []),
    ]
    outputs = [of("logits", TensorProto.FLOAT, [1, shape.vocab_size])]
    for layer in range(shape.n_layer):
        for what in ("key", "value"):
            inputs.append(of(f"past_{what}.{layer}", TensorProto.FLOAT, cache))
            outputs.append(
                of(f"present_{what}.{layer}", TensorProto.FLOAT, cache)
            )
    initializers = list(_initializers(folder))
    initializers.append(helper.make_tensor("last_row", int64, [], [-1]))
    model = helper.make_model(
        helper.make_graph(graph.nodes, "gpt2", inputs, outputs, initializers),
        opset_imports=[
            helper.make_opsetid("", 17),
            helper.make_opsetid(FUSED, 1),
        ],
        producer_name="kvlab",
    )
    model.ir_version = 8
    onnx.save(model, folder / "model.onnx")
