"""Google Benchmark's results as tables, one line for each benchmark."""

import dataclasses
import re
import statistics

SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
ROOFS = ("bandwidth", "flop_peak")
NOT_MEASURABLE = "not measurable now"


@dataclasses.dataclass(frozen=True)
class Result:
    """One benchmark: seconds for an iteration, and percent of each roof, None
    if it is not measurable now."""

    seconds: float
    percent: dict
    error: str = ""


def read_report(report):
    """The results in Google Benchmark's JSON, by name."""
    results = {}
    for entry in report["benchmarks"]:
        if entry.get("run_type") == "aggregate":
            continue
        name = re.sub(r"/iterations:\d+", "", entry["name"])
        name, manual = re.subn(r"/manual_time$", "", name)
        if entry.get("error_occurred"):
            results[name] = Result(0.0, {}, entry.get("error_message", ""))
            continue
        time = entry["real_time" if manual else "cpu_time"]
        results[name] = Result(
            time * SECONDS[entry["time_unit"]], percentages(entry)
        )
    return results


def percentages(entry):
    """Percent of the roofs that a benchmark has. kit/measure/benchmarking.h
    names in the label what it could not measure."""
    percent = {}
    for roof in ROOFS:
        name = "percent_of_" + roof
        if NOT_MEASURABLE in entry.get("label", "") and name in entry["label"]:
            percent[roof] = None
        elif name in entry:
            # A roof is never below what was measured under it.
            percent[roof] = entry[name] if 0 < entry[name] <= 100 else None
    return percent


def medians(runs):
    """One result for each benchmark from several runs of all of them."""
    merged = {}
    for name in runs[0]:
        results = [run[name] for run in runs if name in run]
        failed = next((r for r in results if r.error), None)
        if failed:
            merged[name] = failed
            continue
        merged[name] = Result(
            statistics.median(r.seconds for r in results),
            {
                roof: median_if_any(r.percent.get(roof) for r in results)
                for roof in results[0].percent
            },
        )
    return merged


def median_if_any(values):
    """The median of those that are not None; None if all are."""
    measured = [value for value in values if value is not None]
    return statistics.median(measured) if measured else None


def time_text(seconds):
    for unit in ("s", "ms", "us"):
        if seconds >= SECONDS[unit]:
            return f"{seconds / SECONDS[unit]:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def percent_text(percent, roof):
    if roof not in percent:
        return "-"
    if percent[roof] is None:
        return NOT_MEASURABLE
    return f"{percent[roof]:.1f}"


ROOF_TEXTS = {"bandwidth": "reading", "flop_peak": "arithmetic"}


def binding_roof(percent):
    """The roof that a benchmark is nearest to; None if none was measured."""
    measured = {roof: p for roof, p in percent.items() if p is not None}
    return max(measured, key=measured.get) if measured else None


def reference_table(results, reference):
    """What limits each benchmark, and the percentage of that limit beside what
    `reference` (by name, then by roof) reached of the same on its machine.

    A percentage of the other limit says nothing: a step that reads all weights
    for one token cannot use more of the arithmetic. Nothing if no benchmark
    has a limit.
    """
    width = max(len(name) for name in results)
    lines = [
        f"{'percent of the limit that binds':{width}}  "
        f"{'limit':>10}  {'yours':>17}  (reference)"
    ]
    for name, result in results.items():
        if result.error:
            lines.append(f"{name:{width}}  {result.error}")
        if not result.percent:
            continue
        theirs = reference.get(name, {})
        roof = binding_roof(theirs) or binding_roof(result.percent)
        if roof is None:
            lines.append(f"{name:{width}}  {'':>10}  {NOT_MEASURABLE:>17}")
            continue
        lines.append(
            f"{name:{width}}  {ROOF_TEXTS[roof]:>10}  "
            f"{percent_text(result.percent, roof):>17}  "
            f"({percent_text(theirs, roof)})"
        )
    return lines if len(lines) > 1 else []


# Generating with the cache, and without it by the student's own Generate.
_BOTH_WAYS = re.compile(r"GenerateBothWays/tokens:(\d+)/")
# Recomputing is a prefill for each token; this one is the longest.
_PREFILL = "Prefill/tokens:500"


def asked_speedup(tokens):
    """What gives full points at this length (module 3's README)."""
    return tokens / 10


def reference_is_faster(results, reference):
    """How many times as fast the reference recomputes, as far as percentages
    tell: they are comparable between machines. 1 if it is not faster, or if
    that is not known."""
    mine = results.get(_PREFILL, Result(0.0, {})).percent.get("flop_peak")
    theirs = reference.get(_PREFILL, {}).get("flop_peak")
    return max(1.0, theirs / mine) if mine and theirs else 1.0


def needed_table(report, results, reference):
    """For each length: what a token may take for full points, and takes.

    The grader's baseline is the reference's Generate. The student's own stands
    for it, divided by how much faster the reference recomputes. No lines if the
    report has no generation both ways.
    """
    faster = reference_is_faster(results, reference)
    lines = []
    for entry in report["benchmarks"]:
        found = _BOTH_WAYS.match(entry["name"])
        if not found or "tokens_per_second_recomputing" not in entry:
            continue
        tokens = int(found[1])
        baseline = 1 / entry["tokens_per_second_recomputing"] / faster
        cached = 1 / entry["tokens_per_second"]
        lines.append(
            f"{tokens:>10}  {asked_speedup(tokens):>6g}x"
            f"  {time_text(baseline):>10}"
            f"  {time_text(baseline / asked_speedup(tokens)):>10}"
            f"  {time_text(cached):>10}"
        )
    if lines:
        lines.insert(
            0,
            f"{'new tokens':>10}  {'asked':>7}  {'baseline':>10}"
            f"  {'at most':>10}  {'yours':>10}   a token",
        )
        lines.append(
            "The baseline is your own Generate"
            + (
                f", divided by {faster:.2f}: the reference recomputes that "
                "much faster."
                if faster > 1
                else "; the grader's is the reference's."
            )
        )
    return lines


def times_as_fast(name, student, reference):
    """The median of the ratios, one for each round: what slowed a round slowed
    both runs of it. 1 is as fast as the reference, 2 twice as fast."""
    return statistics.median(
        theirs[name].seconds / ours[name].seconds
        for ours, theirs in zip(student, reference)
        if name in ours and name in theirs
    )


def speed_ratio_table(student_runs, reference_runs):
    """Medians of the times of both, and how fast the student's code is. Run i
    of both is round i."""
    student, reference = medians(student_runs), medians(reference_runs)
    width = max(len(name) for name in reference)
    lines = [
        f"{'':{width}}  {'student':>10}  {'reference':>10}"
        f"  {'times as fast':>13}"
    ]
    for name, theirs in reference.items():
        mine = student.get(name)
        if mine is None or mine.error or theirs.error:
            why = (mine.error if mine else "") or theirs.error or "did not run"
            lines.append(f"{name:{width}}  {why}")
            continue
        ratio = times_as_fast(name, student_runs, reference_runs)
        lines.append(
            f"{name:{width}}  {time_text(mine.seconds):>10}"
            f"  {time_text(theirs.seconds):>10}  {ratio:>13.2f}"
        )
    return lines
