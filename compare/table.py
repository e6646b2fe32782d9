"""The results of ./kvlab compare as text and tables."""

from compare import figures

MIB = figures.MIB


def _columns(run):
    keys = []
    for engine in run["engines"]:
        keys += [k for k in engine["samples"] if k not in keys]
    return keys


def _lines(rows):
    """Columns as wide as necessary; the first is left-aligned."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    ]


def _number(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def _heading(key):
    return key.replace("_", " ")


def rates(run):
    """Medians, and beside them memory and the time to the first token."""
    columns = _columns(run)
    rows = [
        [
            "tokens per second",
            *map(_heading, columns),
            "memory MiB",
            "beyond weights",
            "first token ms",
        ]
    ]
    for engine in run["engines"]:
        peak = engine["peak_memory_bytes"]
        beyond = peak and (peak - engine["weights_and_cache_bytes"]) / MIB
        first = engine["first_token_median_s"]
        rows.append(
            [
                engine["label"],
                *(
                    _number(engine["medians"].get(c, {}).get("median"))
                    for c in columns
                ),
                _number(peak and peak / MIB),
                _number(beyond),
                _number(first and 1000 * first),
            ]
        )
    return _lines(rows)


def _ratio(ratio):
    return (
        f"{ratio['median']:.2f} ({ratio['low']:.2f}-{ratio['high']:.2f})"
        if ratio
        else "-"
    )


def ratios(run):
    columns = _columns(run)
    rows = [["times as fast (quartiles)", *map(_heading, columns)]]
    pairs = list(dict.fromkeys((r["engine"], r["peer"]) for r in run["ratios"]))
    for pair in pairs:
        by_measure = {
            r["measure"]: r
            for r in run["ratios"]
            if (r["engine"], r["peer"]) == pair
        }
        labels = [figures.engine_of(run, key)["label"] for key in pair]
        rows.append(
            [" / ".join(labels), *(_ratio(by_measure.get(c)) for c in columns)]
        )
    return _lines(rows) if pairs else []


def shares(run):
    columns = _columns(run)
    rows = [["share of the machine's limit", *map(_heading, columns)]]
    for engine in run["engines"]:
        if engine["recomputes"]:
            continue
        cells = []
        for column in columns:
            share = (
                figures.bandwidth_share
                if column.startswith("decode")
                else figures.flop_share
            )(run, engine["key"], column)
            cells.append(
                f"{100 * share['median']:.0f} %"
                if figures.measurable(share)
                else share or "-"
            )
        rows.append([engine["label"], *cells])
    return _lines(rows)


def _amount(value, unit):
    if unit == "part":
        return f"{100 * value:.1f} %"
    return f"{value:.1f} MiB" if unit == "MiB" else f"{value:.2f}x"


def target_lines(run):
    rows = [["target", "wanted", "measured", "", "at"]]
    for target in run["targets"]:
        unit = target["unit"]
        rows.append(
            [
                target["target"],
                f"{target['sense']} {_amount(target['bound'], unit)}",
                _amount(target["figure"], unit),
                "holds" if target["holds"] else "falls short",
                _heading(target["where"]),
            ]
        )
    return _lines(rows)


def settings(run):
    lines = []
    for engine in run["engines"]:
        if engine["tried"]:
            words = " ".join(
                f"{name} {value}" for name, value in engine["settings"].items()
            )
            lines.append(
                f"  {engine['label']}: {words} "
                f"(best of {len(engine['tried'])})"
            )
        if engine.get("kernels"):
            lines.append(f"  {engine['label']}: {'; '.join(engine['kernels'])}")
    return lines


def agreement(run):
    lines = []
    for engine in run["engines"]:
        compared = engine["agreement"]["compared"]
        differing = engine["agreement"]["differing"]
        if differing:
            lines.append(
                f"  {engine['label']} chose ANOTHER token at "
                f"{differing} of {compared} clear steps"
            )
    compared = sum(e["agreement"]["compared"] for e in run["engines"])
    if not lines:
        lines.append(
            f"  all engines chose the same tokens, at {compared} "
            "steps with a clear margin"
        )
    return lines


def tell(results):
    machine = results["machine"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores"
        f"{', AVX-512' if machine['avx512'] else ''}; "
        + ", ".join(f"{k} {v}" for k, v in results["versions"].items())
    ]
    for run in results["runs"]:
        shape, threads = run["shape"], run["threads"]
        roofs = {
            name: figures.roof(run, name)["median"] / 1e9
            for name in ("float32", "float16", "flop_per_s")
        }
        lines += [
            "",
            f"{shape['name']}, {shape['parameters']:,} parameters, "
            f"{threads} thread{'s' * (threads > 1)}, {run['rounds']} rounds",
            f"  this machine reads a step's bytes at {roofs['float32']:.0f} "
            f"GB/s (weights in F32), {roofs['float16']:.0f} (F16), and "
            "multiplies and adds "
            f"{roofs['flop_per_s']:.0f} GFLOP/s",
        ]
        for part in (rates, ratios, shares, target_lines, settings, agreement):
            lines += ["", *part(run)]
    alone = results["pytorch_alone"]
    lines += [
        "",
        f"Python with PyTorch imported takes "
        f"{alone['bytes'] / MIB:.0f} MiB and {alone['seconds']:.1f} s "
        "before it loads anything",
    ]
    return "\n".join(lines)
