// Section: less memory for more time, and less memory for a different answer.
import {
  dotChart,
  logarithmic,
  PALETTE,
  position,
  series,
  tooltip,
} from "../chart_kinds.mjs";
import {
  bytesText,
  countText,
  errorText,
  numberText,
  ROUNDING,
  secondsText,
  timesText,
} from "../quantities.mjs";

const WAYS = [
  "full cache",
  "sqrt(n) kept, rest recomputed",
  "no cache",
  "window of sqrt(n)",
  "window of constant size",
];
const SHORT = {
  [WAYS[0]]: "full cache",
  [WAYS[1]]: "√n kept, rest recomputed",
  [WAYS[2]]: "no cache",
  [WAYS[3]]: "window of √n, forgets",
  [WAYS[4]]: "constant window, forgets",
};
const COLUMNS = [
  { field: "name", title: "What is kept" },
  { field: "length", title: "Length" },
  { field: "kept_tokens", title: "Tokens kept" },
  { field: "memory", title: "Memory" },
  { field: "work", title: "Multiplications per token" },
  { field: "time", title: "Time per token" },
  { field: "error", title: "Error of the logits" },
];

function rows(runs) {
  return runs.map((run) => ({
    ...run,
    name: SHORT[run.way],
    length: `${countText(run.tokens)} tokens`,
    memory: bytesText(run.cache_bytes),
    work: `${numberText(run.macs_per_token / 1e6)} M`,
    time: secondsText(run.seconds_per_token),
    error: errorText(run.relative_error),
    answer: run.exact ? "exact answer" : "another answer",
  }));
}

// Logarithmic, with a place for 0.
const MEMORY = {
  field: "cache_bytes",
  kind: "bytes",
  title: "Memory for keys and values (bytes, logarithmic)",
  scale: { type: "symlog", constant: 16384 },
  values: [0, 2 ** 15, 2 ** 18, 2 ** 21, 2 ** 24, 2 ** 27, 2 ** 30],
};
function timeAxis(values) {
  return {
    field: "seconds_per_token",
    kind: "seconds",
    title: "Time per token (seconds, logarithmic)",
    ...logarithmic(values, "seconds_per_token"),
  };
}

function tradeChart(values, tokens) {
  const shown = values.filter((value) => value.tokens === tokens);
  const names = shown.map((value) => value.name);
  const by = { field: "name", domain: names };
  const x = position({
    ...MEMORY,
    values: MEMORY.values.filter(
      (at) => at <= 2 * Math.max(...shown.map((v) => v.cache_bytes)),
    ),
  });
  const y = position(timeAxis(shown));
  return {
    id: "space-against-time",
    title: `Memory against time at ${countText(tokens)} tokens`,
    see:
      "Among the filled points, which give the exact answer, less memory " +
      "costs more time. The hollow ones at the bottom are fast because they " +
      "compute something else: attention over fewer tokens.",
    values: shown,
    columns: COLUMNS,
    spec: {
      data: { values: shown },
      layer: [
        {
          transform: [{ filter: "datum.exact" }],
          mark: {
            type: "line",
            color: "currentColor",
            opacity: 0.4,
            strokeDash: [4, 4],
          },
          encoding: { x, y, order: { field: "cache_bytes" } },
        },
        {
          mark: { type: "point", size: 200, strokeWidth: 3, filled: false },
          encoding: {
            x,
            y,
            ...series(by),
            fill: {
              condition: {
                test: "datum.exact",
                field: "name",
                type: "nominal",
                scale: { domain: names, range: Object.values(PALETTE) },
              },
              value: "transparent",
            },
            tooltip: tooltip(COLUMNS),
          },
        },
      ],
    },
  };
}

function dots(values, id, title, see, x) {
  const lengths = [...new Set(values.map((value) => value.length))];
  return dotChart({
    id,
    title,
    see,
    values,
    columns: COLUMNS,
    x,
    rows: { field: "name", domain: WAYS.map((way) => SHORT[way]) },
    by: { field: "length", domain: lengths },
  });
}

function ratio(runs, way, other, field) {
  const tokens = Math.max(...runs.map((run) => run.tokens));
  const at = (name) =>
    runs.find((run) => run.tokens === tokens && run.way === name)?.[field];
  return at(way) / at(other);
}

function answer(runs) {
  const tokens = Math.max(...runs.map((run) => run.tokens));
  const done = runs.filter((run) => run.tokens === tokens).length;
  if (done < WAYS.length) return "This experiment was stopped before its end.";
  const slower = ratio(runs, WAYS[1], WAYS[0], "seconds_per_token");
  const smaller = ratio(runs, WAYS[0], WAYS[1], "cache_bytes");
  const error = (way) =>
    runs.find((run) => run.tokens === tokens && run.way === way).relative_error;
  return (
    `At ${countText(tokens)} tokens, keeping √n of them and recomputing the rest ` +
    `takes ${timesText(smaller)} less memory and ${timesText(slower)} the ` +
    "time, for the same logits. Windows are faster than the full cache, and " +
    `their logits are off by ${errorText(error(WAYS[3]))} (√n) and ` +
    `${errorText(error(WAYS[4]))} (constant).`
  );
}

const CLAIM = {
  said:
    "Smaller caches are faster: a full cache, √n and a constant one are " +
    "1, 6.8 and 21.2 times as fast.",
  found:
    "The experiment behind these figures kept no full cache at all. It " +
    "recomputed keys and values in all three modes, and the two smaller ones " +
    "forgot the tokens outside their window. It measured that attention over " +
    "fewer tokens takes less time. With the error of the output beside the " +
    "time, the charts above tell the two apart: recomputing what was not kept " +
    "is exact and slow; forgetting it is fast and gives a different answer.",
};

export function section(results) {
  const measured = results.space_against_time;
  if (!measured || measured.runs.length === 0) return null;
  const values = rows(measured.runs);
  const exact = values.filter((v) => v.exact && v.relative_error > ROUNDING);
  if (exact.length > 0) {
    throw new Error(
      `space_against_time: ${exact[0].way} should be exact and is off by ` +
        `${exact[0].error}`,
    );
  }
  const largest = Math.max(...values.map((value) => value.tokens));
  const memoryTicks = MEMORY.values.filter(
    (at) => at <= 2 * Math.max(...values.map((v) => v.cache_bytes)),
  );
  return {
    id: "space",
    heading: "Space against time",
    question: "Can a cache be smaller, and at what price?",
    answer: answer(measured.runs),
    charts: [
      tradeChart(values, largest),
      dots(
        values,
        "space-memory",
        "The memory of each way",
        "Keeping √n tokens takes little memory, keeping none takes none.",
        { ...MEMORY, values: memoryTicks },
      ),
      dots(
        values,
        "space-work",
        "The work of each way",
        "Whatever was not kept is computed again at every step, so keeping √n " +
          "does almost as much work as no cache at all.",
        {
          field: "macs_per_token",
          kind: "macs",
          title: "Multiply-accumulates per token (logarithmic)",
          ...logarithmic(values, "macs_per_token"),
        },
      ),
      dots(
        values,
        "space-time",
        "The time of a token",
        "Compare the full cache with the windows: they save some time, and " +
          "the next chart shows the price.",
        timeAxis(values),
      ),
      dots(
        values,
        "space-error",
        "The error of the answer",
        "Root mean square of the difference of the logits over that of the " +
          "exact logits. Recomputing is exact up to float32's rounding; " +
          "forgetting is off by a large part of the answer.",
        {
          field: "relative_error",
          kind: "error",
          title: "Error of the logits (share of their size, logarithmic)",
          scale: { type: "symlog", constant: 1e-7 },
          values: [0, 1e-6, 1e-4, 0.01, 1],
        },
      ),
    ],
    tables: [],
    claim: CLAIM,
    note:
      "Random weights of the model's shape with " +
      `${countText(measured.max_positions)} positions; the last tokens of each length ` +
      "are timed. How far a window errs depends on how far a model looks " +
      "back; these weights look everywhere.",
  };
}
