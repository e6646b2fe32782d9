"""Pictures of results.json: one a shape, by gnuplot."""

import os
import pathlib
import subprocess
import tempfile

from compare import figures, measures

HERE = pathlib.Path(__file__).resolve().parent
# Order and colours in all pictures; float16 is dashed.
STYLES = {
    "kvlab-f32": "#1f6fb4", "kvlab-f16": "#1f6fb4",
    "llama-f32": "#e08214", "llama-f16": "#e08214",
    "onnx-f32": "#3a9d5d", "torch-f32": "#c8435a",
    "kvlab-recompute": "#7fa9cf", "torch-recompute": "#e3a0ab"}


def _decode_lines(run, engine):
    """tokens, median, low, high"""
    for key in figures.DECODE:
        rate = engine["medians"].get(key)
        if rate:
            yield f"{key.split('_')[1]} {rate['median']} {rate['low']} " \
                  f"{rate['high']}"


def _roof_lines(run, kind):
    """tokens, tokens per second that the read bandwidth allows"""
    roof = figures.spread(run["roofs"][kind])["median"]
    shape = figures.shape_of(run)
    for tokens in (20, 200, 500, 800, 1020):
        yield f"{tokens} {roof / measures.step_bytes(shape, kind, tokens)}"


def _panel(run, folder, number):
    """Writes the data of one number of threads; gnuplot's words for it."""
    engines = [e for e in run["engines"] if e["key"] in STYLES]
    words = [f"threads = '{run['threads']}'"]
    decode = []
    for kind in ("float32", "float16"):
        path = folder / f"roof-{kind}-{number}"
        path.write_text("\n".join(_roof_lines(run, kind)), encoding="ascii")
    for engine in engines:
        path = folder / f"{engine['key']}-{number}"
        lines = list(_decode_lines(run, engine))
        if not lines:
            continue
        path.write_text("\n".join(lines), encoding="ascii")
        dash = " dashtype (9,5)" if engine["weights"] == "float16" else ""
        colour = STYLES[engine["key"]]
        symbol = 6 if engine["weights"] == "float16" else 7
        decode.append(f"'{path}' using 1:2:3:4 with yerrorbars pt 7 ps 0.2 "
                      f"lc rgb '{colour}' notitle")
        decode.append(f"'{path}' using 1:2 with linespoints pt {symbol} ps 0.7 "
                      f"lw 2{dash} lc rgb '{colour}' title "
                      f"'{engine['label']}'")
    for kind, dash in (("float32", ""), ("float16", " dashtype (9,5)")):
        title = f"read bandwidth, F{kind[-2:]}"
        decode.append(f"'{folder}/roof-{kind}-{number}' using 1:2 with lines "
                      f"lw 1.2{dash} lc rgb '#8a8a8a' title '{title}'")
    words.append("decode = \"" + ", ".join(decode) + "\"")

    prefilled = [e for e in engines if not e["recomputes"]]
    path = folder / f"prefill-{number}"
    lines = []
    keys = [m.key for m in measures.MEASURES if m.kind == "prefill"]
    keys = [k for k in keys if any(k in e["medians"] for e in prefilled)]
    for place, engine in enumerate(prefilled):
        for group, key in enumerate(keys):
            rate = engine["medians"].get(key)
            if rate:
                colour = STYLES[engine["key"]].replace("#", "0x")
                lines.append(
                    f"{group * (len(prefilled) + 1.5) + place} "
                    f"{rate['median']} {rate['low']} {rate['high']} {colour} "
                    f"{int(engine['weights'] == 'float16')}")
    path.write_text("\n".join(lines), encoding="ascii")
    tics = ", ".join(
        f"'{k.split('_')[1]} tokens' "
        f"{g * (len(prefilled) + 1.5) + (len(prefilled) - 1) / 2}"
        for g, k in enumerate(keys))
    words += [f"prefill = '{path}'", f"set_tics = \"set xtics ({tics})\"",
              f"last_bar = {len(keys) * (len(prefilled) + 1.5) - 1.7}"]
    shape = figures.shape_of(run)
    peak = figures.spread(run["roofs"]["flop_per_s"])["median"]
    words.append(
        "peak = " +
        str(peak * 500 / measures.prefill_flop(shape, 500)))
    return "\n".join([*words, f"load '{HERE}/panel.gnuplot'"])


def _words(results, runs, out_words, folder):
    shape, machine = runs[0]["shape"], results["machine"]
    title = (f"{shape['name']}: {shape['parameters'] / 1e6:.1f} million "
             f"parameters, batch 1, on {machine['processor']}"
             f"{' with AVX-512' if machine['avx512'] else ''}")
    words = [out_words, f"rows = {len(runs)}", f"heading = '{title}'",
             f"load '{HERE}/speed.gnuplot'"]
    words += [_panel(run, folder, i) for i, run in enumerate(runs)]
    return "\n".join([*words, "unset multiplot"])


def draw(results, out):
    """Writes SVG and PNG beside results.json; their paths."""
    pictures = []
    names = dict.fromkeys(run["shape"]["name"] for run in results["runs"])
    for name in names:
        runs = [r for r in results["runs"] if r["shape"]["name"] == name]
        height = 90 + 400 * len(runs)
        for kind, terminal in (("svg", "svg"), ("png", "pngcairo")):
            path = out / f"{name}.{kind}"
            font = "Helvetica,Arial,sans-serif,14" if kind == "svg" \
                else "DejaVu Sans,11"
            with tempfile.TemporaryDirectory() as folder:
                script = _words(
                    results, runs,
                    f"set terminal {terminal} size 1100,{height} "
                    f"font '{font}' background rgb 'white'\n"
                    f"set output '{path}'", pathlib.Path(folder))
                subprocess.run(["gnuplot"], input=script, text=True,
                               check=True, env={**os.environ, "LC_ALL": "C"})
            pictures.append(path)
    return pictures
