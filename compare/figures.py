"""Medians, ratios and targets from the samples of a run.

Samples of a round belong together: the engines took turns in it, while the
machine was equally busy. So ratios are taken within each round, and the median
of the ratios is reported, not the ratio of the medians.
"""

import itertools
import math
import statistics

from compare import measures
from compare.shape import Shape

DECODE = [m.key for m in measures.MEASURES if m.kind == "decode"]
MIB = 1 << 20
NOT_MEASURABLE = "not measurable now"
ROOF_TOLERANCE = 1.05
ROUNDS_AGREE = 1.25


def spread(samples):
    """{median, low, high}: low and high are the quartiles. None for none."""
    samples = sorted(s for s in samples if s is not None)
    if not samples:
        return None
    if len(samples) == 1:
        return dict.fromkeys(("median", "low", "high"), samples[0])
    low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
    return {"median": median, "low": low, "high": high}


def per_round(ours, theirs):
    return spread([a / b for a, b in zip(ours, theirs)])


def engine_of(run, key):
    """The engine's entry, or None if it was not measured."""
    return next((e for e in run["engines"] if e["key"] == key), None)


def _samples(run, key, measure):
    engine = engine_of(run, key)
    return engine["samples"].get(measure, []) if engine else []


def _limits(run, measure, name):
    return run["roofs"].get(measure, {}).get(name, [])


def is_held(key):
    return key.endswith(("-avx2", "-avx512"))


def is_peer(ours, theirs):
    """Whether a ratio of the two is meaningful: another engine, or kvlab held
    to one set of instructions, on the same weights, both with or without a
    cache.
    """
    held = [is_held(e["key"]) for e in (ours, theirs)]
    return (
        ours["key"].startswith("kvlab")
        and not held[0]
        and (not theirs["key"].startswith("kvlab") or held[1])
        and ours["weights"] == theirs["weights"]
        and ours["recomputes"] == theirs["recomputes"]
    )


def ratios(run):
    """How many times as fast as each of its peers kvlab is."""
    found = []
    for ours, peer in itertools.product(run["engines"], repeat=2):
        if not is_peer(ours, peer):
            continue
        for measure, samples in ours["samples"].items():
            ratio = per_round(samples, peer["samples"].get(measure, []))
            if ratio:
                found.append(
                    {
                        "measure": measure,
                        "engine": ours["key"],
                        "peer": peer["key"],
                        **ratio,
                    }
                )
    return found


def shape_of(run):
    return Shape(
        **{
            name: run["shape"][name]
            for name in (
                "n_layer",
                "n_head",
                "n_embd",
                "n_positions",
                "vocab_size",
            )
        }
    )


def roof(run, name, measure=None):
    """Spread over the rounds of one measure, or of all, of "float32" or
    "float16", bytes per second at which as much as a step reads can be read,
    or of "flop_per_s"."""
    measured = [measure] if measure else run["roofs"]
    return spread(
        [value for key in measured for value in _limits(run, key, name)]
    )


def share_of_roof(shares):
    """The spread of what was reached divided by the limit of the same round;
    NOT_MEASURABLE if the rounds disagree or the limit was beaten, None for no
    round. The rule, and the reasons, are those of kit/measure/share_of_roof.h.
    """
    if not shares:
        return None
    ordered = sorted(shares)
    outside = (len(ordered) - 1) // 4
    low, high = ordered[outside], ordered[-1 - outside]
    if (
        len(ordered) < 2
        or not all(0 < share < math.inf for share in ordered)
        or high > ROUNDS_AGREE * low
        or statistics.median(ordered) > ROOF_TOLERANCE
    ):
        return NOT_MEASURABLE
    return {k: min(v, 1.0) for k, v in spread(ordered).items()}


def measurable(share):
    return share not in (None, NOT_MEASURABLE)


def bandwidth_share(run, key, measure):
    """The share of the read bandwidth that a decode step used: see
    share_of_roof."""
    engine = engine_of(run, key)
    if not engine:
        return None
    step = measures.step_bytes(
        shape_of(run), engine["weights"], int(measure.split("_")[1])
    )
    return share_of_roof(
        [
            rate * step / limit
            for rate, limit in zip(
                _samples(run, key, measure),
                _limits(run, measure, engine["weights"]),
            )
        ]
    )


def flop_share(run, key, measure):
    """The share of the multiply-add peak that a prefill used: see
    share_of_roof."""
    tokens = int(measure.split("_")[1])
    flop = measures.prefill_flop(shape_of(run), tokens) / tokens
    return share_of_roof(
        [
            rate * flop / limit
            for rate, limit in zip(
                _samples(run, key, measure), _limits(run, measure, "flop_per_s")
            )
        ]
    )


def _least_ratio(run, ours, peer):
    """Over the lengths that were measured: (figure, where)."""
    found = [
        (r["median"], r["measure"])
        for r in ratios(run)
        if (r["engine"], r["peer"]) == (ours, peer) and r["measure"] in DECODE
    ]
    return min(found, default=None)


def _chosen_against_held(run, ours):
    """The least ratio of the chosen kernels to those of one set, of all
    measures: (figure, where)."""
    found = [
        (r["median"], f"{r['measure']}, {engine_of(run, r['peer'])['label']}")
        for r in ratios(run)
        if r["engine"] == ours and is_held(r["peer"])
    ]
    return min(found, default=None)


def _least_bandwidth_share(run, key):
    found = [
        (share["median"], measure)
        for measure in DECODE
        if measurable(share := bandwidth_share(run, key, measure))
    ]
    return min(found, default=None)


def _prefill_against_fastest(run, measure="prefill_500"):
    """By round, against the peer with the highest median."""
    peers = [
        e
        for e in run["engines"]
        if not e["key"].startswith("kvlab") and e["samples"].get(measure)
    ]
    ours = _samples(run, "kvlab-f32", measure)
    if not peers or not ours:
        return None
    fastest = max(peers, key=lambda e: spread(e["samples"][measure])["median"])
    ratio = per_round(ours, fastest["samples"][measure])
    return ratio and (ratio["median"], f"{measure}, {fastest['label']}")


def _prefill_flop_share(run, measure="prefill_500"):
    share = flop_share(run, "kvlab-f32", measure)
    return (share["median"], measure) if measurable(share) else None


def _memory_beyond(run, key):
    """MiB above weights and cache."""
    engine = engine_of(run, key)
    if not engine or not engine.get("peak_memory_bytes"):
        return None
    shape = shape_of(run)
    needed = measures.weight_bytes(
        shape, engine["weights"]
    ) + measures.cache_bytes(shape, shape.n_positions)
    return (engine["peak_memory_bytes"] - needed) / MIB, "peak_memory"


# (words, unit, bound, whether the figure must reach it or stay below, figure)
TARGETS = (
    (
        "decode, F32, against llama.cpp",
        "x",
        1.2,
        "at least",
        lambda run: _least_ratio(run, "kvlab-f32", "llama-f32"),
    ),
    (
        "decode, F16, against llama.cpp",
        "x",
        1.0,
        "at least",
        lambda run: _least_ratio(run, "kvlab-f16", "llama-f16"),
    ),
    (
        "decode, F32, against onnxruntime",
        "x",
        1.05,
        "at least",
        lambda run: _least_ratio(run, "kvlab-f32", "onnx-f32"),
    ),
    (
        "decode, F32, against PyTorch",
        "x",
        2.0,
        "at least",
        lambda run: _least_ratio(run, "kvlab-f32", "torch-f32"),
    ),
    (
        "decode, F32, of read bandwidth",
        "part",
        0.9,
        "at least",
        lambda run: _least_bandwidth_share(run, "kvlab-f32"),
    ),
    (
        "decode, F16, of read bandwidth",
        "part",
        0.9,
        "at least",
        lambda run: _least_bandwidth_share(run, "kvlab-f16"),
    ),
    (
        "chosen kernels, F32, against each set alone",
        "x",
        0.97,
        "at least",
        lambda run: _chosen_against_held(run, "kvlab-f32"),
    ),
    (
        "chosen kernels, F16, against each set alone",
        "x",
        0.97,
        "at least",
        lambda run: _chosen_against_held(run, "kvlab-f16"),
    ),
    (
        "prefill, F32, against the fastest peer",
        "x",
        1.0,
        "at least",
        _prefill_against_fastest,
    ),
    (
        "prefill, F32, of the multiply-add peak",
        "part",
        0.7,
        "at least",
        _prefill_flop_share,
    ),
    (
        "memory, F32, beyond weights and cache",
        "MiB",
        32,
        "at most",
        lambda run: _memory_beyond(run, "kvlab-f32"),
    ),
    (
        "memory, F16, beyond weights and cache",
        "MiB",
        32,
        "at most",
        lambda run: _memory_beyond(run, "kvlab-f16"),
    ),
)


def targets(run):
    """kvlab's targets, and whether it meets them. A target whose engines were
    not measured is left out, and so is a share that is not measurable now."""
    found = []
    for words, unit, bound, sense, figure_of in TARGETS:
        figure = figure_of(run)
        if figure is None:
            continue
        value, where = figure
        found.append(
            {
                "target": words,
                "unit": unit,
                "bound": bound,
                "sense": sense,
                "figure": value,
                "where": where,
                "holds": value >= bound
                if sense == "at least"
                else value <= bound,
            }
        )
    return found


def derive(run):
    """Adds the figures computed from its samples to a run."""
    for engine in run["engines"]:
        engine["medians"] = {
            measure: spread(samples)
            for measure, samples in engine["samples"].items()
            if spread(samples)
        }
        engine["first_token_median_s"] = (
            spread(engine["first_token_s"]) or {}
        ).get("median")
        shape = shape_of(run)
        engine["weights_and_cache_bytes"] = measures.weight_bytes(
            shape, engine["weights"]
        ) + measures.cache_bytes(shape, shape.n_positions) * (
            not engine["recomputes"]
        )
    run["ratios"] = ratios(run)
    run["targets"] = targets(run)
    return run
