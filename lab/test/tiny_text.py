"""A text that the tokenizer of kit/testdata/tiny-gpt2-random can read. It has
few letters, so these are random words, the same at every call. Run it to print
them."""

import random

WORDS = [" low", " lower", " newer", " wide", " risen", " tender", " noon"]


def text(words=30_000):
    """About 5 tokens a word; the last 5 % are several windows of 1,024."""
    drawn = random.Random(5)
    return "".join(drawn.choice(WORDS) for _ in range(words))


if __name__ == "__main__":
    print(text(), end="")
