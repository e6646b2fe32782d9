#!/usr/bin/env python3
"""Draws the picture at the beginning of each module's README.

Usage: docs/draw_modules.py    writes modules/NN_name/picture.svg

Every number in a picture is computed here. docs/draw_modules_test.py compares
the committed files with what this program draws.
"""

import math
import pathlib
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).resolve().parent.parent

WIDTH = 480  # so that 15 px stay legible on a phone

STYLE = """
text { font: 15px system-ui, sans-serif; fill: #1f2328; }
.paper { fill: #ffffff; }
.soft { fill: #57606a; }
.small { font-size: 13px; }
.strong { font-weight: 600; }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
.box { fill: #f6f8fa; stroke: #8c959f; }
.hidden { fill: none; stroke: #8c959f; stroke-dasharray: 4 4; }
.line { fill: none; stroke: #57606a; stroke-width: 1.5; }
.head { fill: #57606a; }
.grid { fill: none; stroke: #d0d7de; }
.computed { fill: #b34a00; }
.from { fill: none; stroke: #b34a00; }
.found { fill: none; stroke: #1a7f37; stroke-width: 2; }
.green { fill: #1a7f37; }
.roof { fill: none; stroke: #0550ae; stroke-width: 3; }
.blue { fill: #0550ae; }
.gap { fill: none; stroke: #57606a; stroke-dasharray: 3 4; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .paper { fill: #0d1117; }
  .soft { fill: #a5b1bd; }
  .box { fill: #161b22; stroke: #768390; }
  .hidden { stroke: #768390; }
  .line, .gap { stroke: #a5b1bd; }
  .head { fill: #a5b1bd; }
  .grid { stroke: #3d444d; }
  .computed { fill: #f0883e; }
  .from { stroke: #f0883e; }
  .found { stroke: #56d364; }
  .green { fill: #56d364; }
  .roof { stroke: #79c0ff; }
  .blue { fill: #79c0ff; }
}
"""


def text(x, y, words, kind=""):
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(words)}</text>'


def box(x, y, width, height, kind="box"):
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
        f'rx="4" class="{kind}"/>'
    )


def circle(x, y, radius, kind):
    return f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" class="{kind}"/>'


def path(steps, kind="line", width=None):
    stroke = "" if width is None else f' style="stroke-width: {width:.1f}px"'
    return f'<path d="{steps}" class="{kind}"{stroke}/>'


def arrow(x, y, turn=0):
    """An arrow's head with its tip at (x, y); 0 degrees is to the right."""
    return (
        f'<path d="M 0 0 L -9 -5 L -9 5 Z" class="head" '
        f'transform="translate({x:g} {y:g}) rotate({turn})"/>'
    )


def labelled(x, y, width, height, words, kind="box"):
    return box(x, y, width, height, kind) + text(
        x + width / 2, y + height / 2 + 5, words, "middle"
    )


def picture(height, title, shapes):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH * 1.5:g}" '
        f'height="{height * 1.5:g}" role="img">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>{STYLE}</style>\n"
        f'<rect width="{WIDTH}" height="{height}" rx="8" class="paper"/>\n'
        + "\n".join(shapes)
        + "\n</svg>\n"
    )


def attention():
    """One query, the keys that it sees, and the mean of their values."""
    tokens = ["To", "be", "or", "not", "to", "be"]
    scores = [0.4, 1.6, 0.1, 1.0]  # of the query "not" with the keys up to it
    query = len(scores) - 1
    total = sum(math.exp(score) for score in scores)
    weights = [math.exp(score) / total for score in scores]
    width, gap, left, top = 66, 10, 17, 128

    def middle(token):
        return left + token * (width + gap) + width / 2

    shapes = [
        text(left, 30, "“not” asks every token up to itself", "strong"),
        text(left, 50, "weights: softmax(q kᵀ / √D)", "soft"),
    ]
    for token, weight in enumerate(weights[:-1]):
        here, there = middle(token), middle(query)
        bow = top - 24 - 14 * (query - token)
        shapes.append(
            path(
                f"M {there:g} {top} C {there:g} {bow:g} {here:g} {bow:g} "
                f"{here:g} {top}",
                "from",
                16 * weight,
            )
        )
    shapes.append(
        path(
            f"M {middle(query) + 8:g} {top} c 24 -34 -36 -34 -12 0",
            "from",
            16 * weights[-1],
        )
    )
    for token, word in enumerate(tokens):
        x = left + token * (width + gap)
        seen = token <= query
        shapes.append(
            labelled(x, top, width, 34, word, "box" if seen else "hidden")
        )
        words = f"{100 * weights[token]:.0f} %" if seen else "not yet"
        kind = "computed" if seen else "soft"
        shapes.append(text(middle(token), top + 54, words, f"middle {kind}"))
    whole = WIDTH - 2 * left
    shapes.append(text(left, 222, "its new vector: the mean of their values"))
    x = left
    for word, weight in zip(tokens, weights):
        part = whole * weight
        shapes.append(box(x, 234, part, 30))
        shapes.append(text(x + part / 2, 254, f"v({word})", "middle small"))
        x += part
    title = (
        "Attention: a query sees the keys of its own token and of those "
        "before it; softmax turns scores into weights, and the result is the "
        "weighted mean of the values."
    )
    return picture(282, title, shapes)


def transformer():
    """Tokens in, one token out, and back to the beginning."""
    words = ["To", "be", "or"]
    chances = [("not", 0.55), ("to", 0.25), ("I", 0.12), ("…", 0.08)]
    middle = 124
    shapes = [
        text(17, 30, "From tokens to the next token", "strong"),
    ]
    for index, word in enumerate(words):
        shapes.append(labelled(17, 66 + 38 * index, 50, 30, word))
    shapes.append(box(17, 66 + 38 * len(words), 50, 30, "hidden"))
    shapes.append(
        text(42, 86 + 38 * len(words), chances[0][0], "middle computed")
    )
    stages = [
        (92, 52, ("wte +", "wpe")),
        (166, 52, ("block", "0")),
        (260, 52, ("block", "L−1")),
        (334, 46, ("head", "")),
    ]
    for x, width, (above, below) in stages:
        shapes.append(path(f"M {x - 19} {middle} h 12"))
        shapes.append(arrow(x - 2, middle))
        shapes.append(box(x, middle - 45, width, 90))
        lines = [above, below] if below else [above]
        for line, word in enumerate(lines):
            y = middle + 5 + 18 * (line - (len(lines) - 1) / 2)
            shapes.append(text(x + width / 2, y, word, "middle small"))
    shapes.append(text(227, middle - 12, "…", "middle"))
    shapes.append(text(227, 66, "each: attention, MLP", "middle small soft"))
    shapes.append(path(f"M 382 {middle} h 12"))
    shapes.append(arrow(398, middle))
    for index, (word, chance) in enumerate(chances):
        y = middle - 52 + 27 * index
        kind = "computed" if index == 0 else "head"
        shapes.append(box(402, y, 42 * chance / chances[0][1], 20, kind))
        x = 406 + 42 * chance / chances[0][1]
        shapes.append(text(x, y + 15, word, "small"))
    shapes.append(path("M 423 186 V 226 H 42 V 218"))
    shapes.append(arrow(42, 214, -90))
    shapes.append(
        text(
            234,
            250,
            "the chosen token is appended, and everything runs again",
            "middle small",
        )
    )
    title = (
        "The transformer: token ids and positions go through L blocks and the "
        "head; one of the likely tokens is chosen and appended, and the whole "
        "row runs again."
    )
    return picture(270, title, shapes)


def memoization():
    """Which entries a step computes, without and with the memo."""
    steps, cell, top = 6, 32, 84
    shapes = []
    counts = {}
    for left, memo in ((44, False), (276, True)):
        counts[memo] = {"computed": 0, "found": 0}
        for step in range(steps):
            y = top + step * cell + cell / 2
            if not memo:
                shapes.append(
                    text(left - 10, y + 5, str(step + 1), "end small soft")
                )
            for token in range(steps):
                x = left + token * cell + cell / 2
                shapes.append(box(x - 15, y - 15, cell - 2, cell - 2, "grid"))
                if token > step:
                    continue
                kind = "found" if memo and token < step else "computed"
                counts[memo][kind] += 1
                shapes.append(
                    circle(x, y, 9 if kind == "computed" else 8, kind)
                )
        words = "with a cache" if memo else "without a cache"
        shapes.append(text(left, 30, words, "strong"))
        shapes.append(
            text(left, 52, f"{counts[memo]['computed']} computed", "computed")
        )
        if memo:
            shapes.append(
                text(left + 98, 52, f"{counts[memo]['found']} found", "green")
            )
        shapes.append(text(left, 74, "token →", "small soft"))
    shapes.append(text(17, top + steps * cell + 22, "step ↓", "small soft"))
    title = (
        f"Keys and values of one layer over {steps} steps: without a cache "
        f"{counts[False]['computed']} entries are computed; with a cache "
        f"{counts[True]['computed']} are computed and "
        f"{counts[True]['found']} found."
    )
    return picture(top + steps * cell + 38, title, shapes)


def profiling():
    """A step and a prefill below the roofs of a machine."""
    left, right, bottom, top = 46, 462, 236, 78
    ridge = 290  # where bandwidth ends and the peak begins

    def slope(x):
        return bottom - 14 - (bottom - 14 - top) * (x - left) / (ridge - left)

    step, prefill = 118, 384
    shapes = [
        text(17, 30, "What the machine allows, and what you reach", "strong"),
        path(f"M {left} 60 V {bottom} H {right}"),
        arrow(left, 54, -90),
        arrow(right + 6, bottom),
        text(17, 50, "FLOP/s: measured", "small soft"),
        text(right, bottom + 22, "FLOP per byte: counted", "small soft end"),
        path(f"M {left} {slope(left):g} L {ridge} {top} H {right}", "roof"),
        text(ridge + 8, top - 10, "peak: arithmetic limits", "small blue"),
        (
            f'<text class="small blue" transform="translate(98 '
            f"{slope(98) - 12:g}) rotate("
            f"{math.degrees(math.atan2(top - slope(left), ridge - left)):.1f}"
            f')">bandwidth limits</text>'
        ),
        path(f"M {ridge} {top} V {bottom}", "gap"),
        text(ridge + 6, bottom - 8, "ridge", "small soft"),
    ]
    for x, roof, below, name, note in (
        (step, slope(step), 26, "a cached step", "a weight is used once"),
        (prefill, top, 40, "a prefill", "a weight is used T times"),
    ):
        shapes.append(path(f"M {x} {roof:g} V {roof + below:g}", "gap"))
        shapes.append(circle(x, roof + below, 7, "computed"))
        aside = x + 14 if x == step else x
        kind = "small" if x == step else "small middle"
        drop = 5 if x == step else 26
        shapes.append(text(aside, roof + below + drop, name, kind + " strong"))
        shapes.append(text(aside, roof + below + drop + 18, note, kind))
    title = (
        "The roofline: bandwidth limits a cached step, which uses a weight "
        "once; the peak of the arithmetic limits a prefill, which uses it T "
        "times. How far a point is below the roof is what is left to gain."
    )
    return picture(270, title, shapes)


def beyond():
    """Two pieces of the keys, merged: the sums under one maximum."""
    pieces = [[1.0, 2.0, 0.5], [3.0, 0.2]]
    maxima = [max(piece) for piece in pieces]
    sums = [
        sum(math.exp(score - top) for score in piece)
        for piece, top in zip(pieces, maxima)
    ]
    largest = max(maxima)
    factors = [math.exp(top - largest) for top in maxima]
    total = sum(s * factor for s, factor in zip(sums, factors))
    assert math.isclose(
        total, sum(math.exp(s - largest) for piece in pieces for s in piece)
    )
    shapes = [
        text(
            17,
            30,
            "Two pieces of the keys, each a softmax of its own",
            "strong",
        ),
        text(17, 50, "scores of one query; the bars are e^(score − m)", "soft"),
    ]
    base, height, width, gap = 140, 64, 56, 8
    left = 24
    middles = []
    for piece, top, s in zip(pieces, maxima, sums):
        begin = left
        for score in piece:
            tall = height * math.exp(score - top)
            shapes.append(
                box(left, base - tall, width, tall, "box")
                + text(
                    left + width / 2, base + 18, f"{score:g}", "middle small"
                )
            )
            left += width + gap
        middle = (begin + left - gap) / 2
        middles.append(middle)
        shapes.append(
            labelled(middle - 82, 170, 164, 30, f"m = {top:g}, s = {s:.2f}")
        )
        left += 44
    for middle, factor in zip(middles, factors):
        shapes.append(path(f"M {middle:g} 200 V 240"))
        shapes.append(arrow(middle, 246, 90))
        shapes.append(
            text(middle + 10, 226, f"× {factor:.2f}", "small computed")
        )
    shapes += [
        box(24, 248, 432, 32),
        text(
            240,
            269,
            f"m′ = {largest:g},  s′ = {factors[0]:.2f} · {sums[0]:.2f} + "
            f"{factors[1]:g} · {sums[1]:.2f} = {total:.2f}",
            "middle strong",
        ),
        text(240, 304, "as over all five keys at once", "middle small soft"),
    ]
    title = (
        f"Two pieces of the keys: the first has maximum {maxima[0]:g} and sum "
        f"{sums[0]:.2f}, the second {maxima[1]:g} and {sums[1]:.2f}. Rescaled "
        f"to the larger maximum the sums add up to {total:.2f}, that of all "
        f"keys."
    )
    return picture(322, title, shapes)


PICTURES = {
    "01_attention": attention,
    "02_transformer": transformer,
    "03_memoization": memoization,
    "04_profiling": profiling,
    "05_beyond": beyond,
}


def main():
    for name, draw in PICTURES.items():
        target = ROOT / "modules" / name / "picture.svg"
        target.write_text(draw(), encoding="utf-8")
        print(target.relative_to(ROOT))


if __name__ == "__main__":
    main()
