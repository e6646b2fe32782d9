"""The measures of ./kvlab compare, and the limits they are compared with."""

import dataclasses
import random
import statistics

STEPS = 16  # decode steps timed after each prompt
RECOMPUTE_STEPS = 2  # without a cache each costs a whole prefill
FIRST_TOKEN_PROMPT = 16
MEMORY_PROMPT = 500
SEED = 7

# Engines must agree on a token if its logit leads by more than rounding may
# change it. float32 sums in another order moved logits of
# these models by less than 1e-3; llama.cpp rounds activations and the cache to
# float16 where weights are float16, which moves them by a few hundredths.
CLEAR_MARGIN = {"float32": 0.01, "float16": 0.1}


@dataclasses.dataclass(frozen=True)
class Measure:
    """decode: tokens per second of the steps around `tokens` in the cache.
    prefill: tokens per second of a prompt of `tokens`."""

    kind: str
    tokens: int

    @property
    def key(self):
        return f"{self.kind}_{self.tokens}"

    @property
    def prompt_len(self):
        # The steps are centred on the length that they represent.
        return (
            self.tokens - STEPS // 2 if self.kind == "decode" else self.tokens
        )

    def applies_to(self, engine):
        # Without a cache a step is a prefill: one kind of figure is enough.
        return self.kind == "decode" or not engine.recomputes

    def prompt(self, vocab_size):
        return make_prompt(self.prompt_len, vocab_size)

    def steps(self, engine):
        if self.kind == "prefill":
            return 0
        return RECOMPUTE_STEPS if engine.recomputes else STEPS

    def tokens_per_s(self, reply):
        if self.kind == "prefill":
            return self.tokens / reply["prefill_s"]
        return 1 / statistics.median(reply["step_s"])


MEASURES = tuple(Measure("decode", n) for n in (50, 200, 500, 1000)) + tuple(
    Measure("prefill", n) for n in (128, 500)
)
QUICK_MEASURES = (
    Measure("decode", 50),
    Measure("decode", 500),
    Measure("prefill", 500),
)


def make_prompt(length, vocab_size):
    """Arbitrary tokens, the same in each run."""
    numbers = random.Random(SEED + length)
    return [numbers.randrange(vocab_size) for _ in range(length)]


def disagreements(reference, reply, weights):
    """(compared, differing): steps where the reference's margin is clear, and
    those of them where an engine prefers another token."""
    clear = [
        (ours, theirs)
        for ours, theirs, margin in zip(
            reference["argmax"], reply["argmax"], reference["margin"]
        )
        if margin > CLEAR_MARGIN[weights]
    ]
    return len(clear), sum(ours != theirs for ours, theirs in clear)


# Formulas; docs/theory.md derives them.
ELEMENT_BYTES = {"float32": 4, "float16": 2}


def parameters(shape):
    width = shape.n_embd
    block = 12 * width * width + 13 * width
    return (
        (shape.vocab_size + shape.n_positions) * width
        + shape.n_layer * block
        + 2 * width
    )


def weight_bytes(shape, weights):
    return parameters(shape) * ELEMENT_BYTES[weights]


def cache_bytes(shape, tokens):
    """kvlab keeps keys and values in float32."""
    return 2 * shape.n_layer * shape.n_embd * tokens * 4


def step_bytes(shape, weights, tokens):
    """Bytes that a decode step must read: all weights except the table of
    positions, and the keys and values of the tokens before."""
    read = parameters(shape) - shape.n_positions * shape.n_embd
    return read * ELEMENT_BYTES[weights] + cache_bytes(shape, tokens)


def prefill_flop(shape, tokens):
    """FLOP that a prefill needs: without the masked half of the attention, and
    with logits for the last token only."""
    width = shape.n_embd
    linear = 24 * width * width * tokens
    attention = 2 * width * tokens * (tokens + 1)
    return shape.n_layer * (linear + attention) + 2 * width * shape.vocab_size
