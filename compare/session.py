"""Measures one shape with a number of threads: all engines, interleaved."""

import contextlib
import time

from compare import engines, measures
from compare.shape import SHAPES, read_shape

QUIET_S = 0.05  # between turns, until the last engine's threads sleep
ROOF_S = 0.2  # to measure the machine's limits
TUNING_TURNS = 4


class Run:
    """One shape with a number of threads: all engines, interleaved."""

    def __init__(self, name, folder, threads, setup):
        self.folder, self.threads, self.setup = folder, threads, setup
        self.shape = read_shape(folder / "float32")
        self.engines = setup.engines
        self.processes, self.settings = {}, {}
        self.prompts, self.forced, self.references = {}, {}, {}
        self.results = {
            "shape": {
                "name": name,
                "weights": "random" if name in SHAPES else "checkpoint",
                **{
                    k: v
                    for k, v in self.shape.config().items()
                    if k.startswith(("n_", "vocab"))
                },
                "parameters": measures.parameters(self.shape),
            },
            "threads": threads,
            "rounds": 0,
            "roofs": {measure.key: {} for measure in setup.measures},
            "engines": [],
        }
        self.entries = {}

    def start(self, engine, settings=None):
        if settings is None:
            settings = self.settings[engine.key]
        return engines.Process(
            engine.command(
                self.setup.programs, self.folder, self.threads, settings
            )
        )

    def prepare(self, stack):
        """Chooses settings, starts all engines and finds the tokens that they
        will be fed: those that kvlab would choose."""
        for engine in self.engines:
            self.setup.progress.show(
                f"{self.title()}: {engine.label}, trying " "its settings"
            )
            settings, tried = self.tune(engine)
            self.settings[engine.key] = settings
            self.entries[engine.key] = {
                "key": engine.key,
                "label": engine.label,
                "weights": engine.weights,
                "recomputes": engine.recomputes,
                "settings": settings,
                "tried": tried,
                "agreement": {"compared": 0, "differing": 0},
                "samples": {},
                "peak_memory_bytes": None,
                "first_token_s": [],
            }
            self.results["engines"].append(self.entries[engine.key])
            process = stack.enter_context(self.start(engine))
            self.processes[engine.key] = process
            if engine.is_kvlab:
                self.entries[engine.key]["kernels"] = process.ask(
                    {"kernels": True}
                )["kernels"]
        for kind in ("float32", "float16"):
            self.find_references(kind)

    def title(self):
        words = f"{self.threads} thread{'s' * (self.threads > 1)}"
        return f"{self.results['shape']['name']}, {words}"

    def tune(self, engine):
        """Chooses one setting after the other by the time of a prefill and of
        steps after it: (the best settings, all timings)."""
        choices = engine.choices(self.threads)
        settings = {name: values[0] for name, values in choices.items()}
        tried = []
        for name, values in choices.items():
            if len(values) == 1:
                continue
            timed = self.time_settings(
                engine, [{**settings, name: value} for value in values]
            )
            settings = min(timed, key=lambda t: t["step_s"] * t["prefill_s"])[
                "settings"
            ]
            tried += timed
        return settings, tried

    def time_settings(self, engine, candidates):
        """The candidates' shortest times over several turns."""
        request = {
            "prompt": measures.make_prompt(400, self.shape.vocab_size),
            "forced": [1] * (1 if engine.recomputes else 8),
        }
        replies = [[] for _ in candidates]
        with contextlib.ExitStack() as stack:
            processes = [
                stack.enter_context(self.start(engine, settings))
                for settings in candidates
            ]
            for _ in range(TUNING_TURNS):
                for process, reply in zip(processes, replies):
                    reply.append(process.ask(request))
                    time.sleep(QUIET_S)
        return [
            {
                "settings": settings,
                "step_s": min(min(r["step_s"]) for r in reply),
                "prefill_s": min(r["prefill_s"] for r in reply),
            }
            for settings, reply in zip(candidates, replies)
        ]

    def find_references(self, kind):
        process = self.processes[
            "kvlab-f32" if kind == "float32" else "kvlab-f16"
        ]
        for measure in self.setup.measures:
            key = measure.key
            prompt = measure.prompt(self.shape.vocab_size)
            self.prompts[key] = prompt
            if key not in self.forced:
                reply = process.ask(
                    {
                        "prompt": prompt,
                        "greedy": measures.STEPS
                        if measure.kind == "decode"
                        else 0,
                    }
                )
                self.forced[key] = reply["argmax"][:-1]
            else:
                reply = process.ask(
                    {"prompt": prompt, "forced": self.forced[key]}
                )
            self.references[kind, key] = reply

    def round(self, number):
        order = (
            self.engines[number % len(self.engines) :]
            + self.engines[: number % len(self.engines)]
        )
        for measure in self.setup.measures:
            for engine in order:
                if measure.applies_to(engine):
                    self.turn(engine, measure, number)
            self.measure_roofs(measure)
        for engine in order:
            self.fresh_start(engine, with_memory=number == 0)
        self.results["rounds"] = number + 1

    def turn(self, engine, measure, number):
        self.setup.progress.show(
            f"{self.title()}, round {number + 1}: " f"{engine.label}"
        )
        forced = self.forced[measure.key][: measure.steps(engine)]
        reply = self.processes[engine.key].ask(
            {"prompt": self.prompts[measure.key], "forced": forced}
        )
        entry = self.entries[engine.key]
        compared, differing = measures.disagreements(
            self.references[engine.weights, measure.key], reply, engine.weights
        )
        entry["agreement"]["compared"] += compared
        entry["agreement"]["differing"] += differing
        entry["samples"].setdefault(measure.key, []).append(
            measure.tokens_per_s(reply)
        )
        self.setup.progress.step(self.cost(engine, measure))
        time.sleep(QUIET_S)

    def cost(self, engine, measure):
        """The cost of a turn, in some unit."""
        tokens = measure.tokens * (
            measures.RECOMPUTE_STEPS + 1 if engine.recomputes else 1
        )
        return (
            self.shape.n_layer
            * self.shape.n_embd**2
            * (tokens + 300)
            / self.threads
        )

    def round_cost(self):
        return sum(
            self.cost(engine, measure)
            for measure in self.setup.measures
            for engine in self.engines
            if measure.applies_to(engine)
        )

    def measure_roofs(self, measure):
        """Measures the limit of this measure at the moment."""
        roofs = self.results["roofs"][measure.key]
        if measure.kind == "prefill":
            reply = self.processes["kvlab-f32"].ask(
                {"multiply_add": {"seconds": ROOF_S}}
            )
            roofs.setdefault("flop_per_s", []).append(reply["flop_per_s"])
            return
        for kind, key in (("float32", "kvlab-f32"), ("float16", "kvlab-f16")):
            reply = self.processes[key].ask(
                {
                    "read": {
                        "bytes": measures.step_bytes(
                            self.shape, kind, measure.tokens
                        ),
                        "seconds": ROOF_S,
                    }
                }
            )
            roofs.setdefault(kind, []).append(reply["bytes_per_s"])
            time.sleep(QUIET_S)

    def fresh_start(self, engine, with_memory):
        """The time from start to first token; then, once, the memory that a
        prompt of 500 tokens and 16 steps take."""
        vocab_size = self.shape.vocab_size
        begin = time.perf_counter()
        with self.start(engine) as process:
            process.ask(
                {
                    "prompt": measures.make_prompt(
                        measures.FIRST_TOKEN_PROMPT, vocab_size
                    ),
                    "forced": [],
                }
            )
            entry = self.entries[engine.key]
            entry["first_token_s"].append(time.perf_counter() - begin)
            if with_memory:
                steps = (
                    measures.RECOMPUTE_STEPS
                    if engine.recomputes
                    else measures.STEPS
                )
                process.ask(
                    {
                        "prompt": measures.make_prompt(
                            measures.MEMORY_PROMPT, vocab_size
                        ),
                        "forced": [1] * steps,
                    }
                )
                entry["peak_memory_bytes"] = process.peak_memory_bytes()
        time.sleep(QUIET_S)
