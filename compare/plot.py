"""Pictures of results.json: one per shape, by gnuplot."""

import os
import pathlib
import subprocess
import tempfile

from compare import figures, measures

HERE = pathlib.Path(__file__).resolve().parent
# Order and colours in all pictures; float16 is dashed or hatched.
COLOURS = {
    "kvlab-f32": "#1f6fb4",
    "kvlab-f16": "#1f6fb4",
    "kvlab-f32-avx2": "#7db9e8",
    "kvlab-f16-avx2": "#7db9e8",
    "llama-f32": "#e08214",
    "llama-f16": "#e08214",
    "onnx-f32": "#3a9d5d",
    "torch-f32": "#c8435a",
    "kvlab-recompute": "#1c9c9c",
    "torch-recompute": "#b07aa1",
}
NAMES = {
    "distilgpt2": "DistilGPT2",
    "gpt2": "GPT-2",
    "shakespeare-gpt2": "the shipped model",
}
ROOF = "#8a8a8a"
LABEL_ROOM = 1.15  # above the highest bar or roof of a prefill
WIDTH, HEAD, ROW, LEGEND = 1100, 75, 385, 72  # pixels
LEGEND_COLUMNS, LEGEND_COLUMN, LEGEND_ROW = 4, 265, 22
DASH = {"float32": "", "float16": " dashtype (9,5)"}
TERMINALS = {
    "svg": ("svg", "Helvetica,Arial,sans-serif,14"),
    "png": ("pngcairo", "DejaVu Sans,11"),
}


def _write(path, rows):
    path.write_text(
        "".join(" ".join(map(str, row)) + "\n" for row in rows),
        encoding="ascii",
    )
    return f"'{path}'"


def _threads(run):
    return f"{run['threads']} thread{'s' * (run['threads'] > 1)}"


def _decode(run, folder):
    """gnuplot commands for the left panel."""
    parts = []
    for key, colour in COLOURS.items():
        engine = figures.engine_of(run, key)
        rates = engine and [
            (measure.split("_")[1], *engine["medians"][measure].values())
            for measure in figures.DECODE
            if measure in engine["medians"]
        ]
        if not rates:
            continue
        data = _write(folder / key, rates)
        symbol = 6 if engine["weights"] == "float16" else 7
        parts.append(
            f"{data} using 1:3:(0):($4-$3) with vectors nohead "
            f"linewidth 1.2 linecolor rgb '{colour}'"
        )
        parts.append(
            f"{data} using 1:2 with linespoints pointtype {symbol} "
            f"pointsize 0.7 linewidth 2{DASH[engine['weights']]} "
            f"linecolor rgb '{colour}'"
        )
    shape = figures.shape_of(run)
    for weights, dash in DASH.items():
        data = _write(
            folder / weights,
            [
                (
                    m.tokens,
                    roof["median"]
                    / measures.step_bytes(shape, weights, m.tokens),
                )
                for m in measures.MEASURES
                if m.kind == "decode"
                and (roof := figures.roof(run, weights, m.key))
            ],
        )
        parts.append(
            f"{data} using 1:2 with lines linewidth 1.4{dash} "
            f"linecolor rgb '{ROOF}'"
        )
    return ", ".join(parts)


def _prefill(run, folder):
    """gnuplot commands for the bars on the right: a group for each prompt."""
    engines = [
        engine
        for key in COLOURS
        if (engine := figures.engine_of(run, key))
        and any(m.startswith("prefill") for m in engine["medians"])
    ]
    keys = [
        m.key
        for m in measures.MEASURES
        if m.kind == "prefill"
        and any(m.key in engine["medians"] for engine in engines)
    ]
    shape = figures.shape_of(run)
    peak = figures.roof(run, "flop_per_s")["median"]
    bars, roofs, tics = [], [], []
    for group, key in enumerate(keys):
        begin = group * (len(engines) + 1.5)
        tokens = int(key.split("_")[1])
        for place, engine in enumerate(engines):
            rate = engine["medians"].get(key)
            if rate:
                colour = int(COLOURS[engine["key"]][1:], 16)
                bars.append(
                    (
                        begin + place,
                        *rate.values(),
                        colour,
                        int(engine["weights"] == "float16"),
                    )
                )
        roofs.append(
            (
                begin - 0.5,
                peak * tokens / measures.prefill_flop(shape, tokens),
                len(engines),
            )
        )
        tics.append(f"'{tokens}' {begin + (len(engines) - 1) / 2}")
    highest = max([column[3] for column in bars] + [roof[1] for roof in roofs])
    last_bar = len(keys) * (len(engines) + 1.5) - 1.6
    return "\n".join(
        [
            f'prefill = "{_write(folder / "prefill", bars)[1:-1]}"',
            f'roof = "{_write(folder / "roof", roofs)[1:-1]}"',
            f"peak = {roofs[0][1]}",
            f"ceiling = {LABEL_ROOM * highest}",
            f'tics = "{", ".join(tics)}"',
            f"last_bar = {last_bar}",
        ]
    )


def _legend(run, height):
    """One for the whole picture, below its panels."""
    entries = [
        (COLOURS[e["key"]], DASH[e["weights"]], e["label"])
        for key in COLOURS
        if (e := figures.engine_of(run, key))
    ]
    entries += [
        (ROOF, dash, f"read bandwidth, F{weights[-2:]}")
        for weights, dash in DASH.items()
    ]
    lines = []
    for i, (colour, dash, label) in enumerate(entries):
        left = 60 + LEGEND_COLUMN * (i % LEGEND_COLUMNS)
        place = (LEGEND - 14 - LEGEND_ROW * (i // LEGEND_COLUMNS)) / height
        lines += [
            f"set arrow from screen {left / WIDTH},screen {place} to "
            f"screen {(left + 32) / WIDTH},screen {place} nohead "
            f"linewidth 2{dash} linecolor rgb '{colour}'",
            f"set label '{label}' at screen {(left + 40) / WIDTH},"
            f"screen {place} font ',11'",
        ]
    return lines


def _script(results, runs, terminal, path, folder):
    shape, machine = runs[0]["shape"], results["machine"]
    height = HEAD + ROW * len(runs) + LEGEND - 40  # the last gap is smaller
    program, font = terminal
    lines = [
        f"set terminal {program} size {WIDTH},{height} font '{font}' "
        "background rgb 'white'",
        f"set output '{path}'",
        f"width = {WIDTH}.0",
        f"height = {height}.0",
        f"heading = \"{NAMES[shape['name']]}: {shape['parameters'] / 1e6:.1f} "
        f"million parameters, batch 1, on {machine['processor']}"
        f"{' with AVX-512' if machine['avx512'] else ''}\"",
        f"load '{HERE}/speed.gnuplot'",
        *_legend(runs[0], height),
    ]
    for row, run in enumerate(runs):
        own = folder / str(row)
        own.mkdir()
        lines += [
            f"top = {HEAD + ROW * row}.0",
            f"words = '{_threads(run)}'",
            f'decode = "{_decode(run, own)}"',
            _prefill(run, own),
            f"load '{HERE}/panel.gnuplot'",
        ]
    return "\n".join([*lines, "unset multiplot", ""])


def draw(results, out):
    """Writes SVG and PNG beside results.json; their paths."""
    pictures = []
    for name in dict.fromkeys(r["shape"]["name"] for r in results["runs"]):
        runs = [r for r in results["runs"] if r["shape"]["name"] == name]
        for kind, terminal in TERMINALS.items():
            path = out / f"{name}.{kind}"
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run(
                    ["gnuplot"],
                    check=True,
                    text=True,
                    input=_script(
                        results, runs, terminal, path, pathlib.Path(folder)
                    ),
                    env={**os.environ, "LC_ALL": "C"},
                )
            pictures.append(path)
    return pictures
