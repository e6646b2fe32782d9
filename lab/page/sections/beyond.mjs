// Section: caches that keep less, on held-out text, and what pages save.
import {
  dotChart,
  lineChart,
  logarithmic,
  PALETTE,
  position,
  series,
  tooltip,
} from "../chart_kinds.mjs";
import {
  byteSteps,
  bytesText,
  countText,
  errorText,
  numberText,
  ROUNDING,
  secondsText,
  timesText,
} from "../quantities.mjs";

const KINDS = {
  full: "full cache",
  paged: "pages",
  recompute: "inputs, recomputed",
  int8: "eight bits",
  window: "window",
  sinks: "window with sinks",
  evict: "eviction",
};
const COLUMNS = [
  { field: "policy", title: "Cache" },
  { field: "memory", title: "Memory" },
  { field: "smaller", title: "Times smaller" },
  { field: "loss_text", title: "Loss (nats per token)" },
  { field: "increase_text", title: "More than with the full cache" },
  { field: "error", title: "Error of the logits" },
  { field: "time", title: "Time per token" },
];

const kindOf = (policy) => KINDS[policy.split(":")[0]];

// "0.058 ± 0.020", and the sign of a difference.
function intervalText({ mean, plus_or_minus: doubt }) {
  return `${mean.toFixed(3)} ± ${doubt.toFixed(3)}`;
}

function differenceText(interval) {
  return `${interval.mean < 0 ? "−" : "+"}${intervalText({
    ...interval,
    mean: Math.abs(interval.mean),
  })}`;
}

// Whether the interval of a difference leaves out 0.
const isClear = ({ mean, plus_or_minus: doubt }) => Math.abs(mean) > doubt;

function rows(policies) {
  const full = policies[0].cache_bytes;
  return policies.map((entry) => ({
    policy: entry.policy,
    kind: kindOf(entry.policy),
    cache_bytes: entry.cache_bytes,
    times_smaller: full / entry.cache_bytes,
    loss: entry.loss.mean,
    increase: entry.increase.mean,
    low: entry.increase.mean - entry.increase.plus_or_minus,
    high: entry.increase.mean + entry.increase.plus_or_minus,
    relative_error: entry.relative_error,
    seconds_per_token: entry.seconds_per_token,
    memory: bytesText(entry.cache_bytes),
    smaller: timesText(full / entry.cache_bytes),
    loss_text: intervalText(entry.loss),
    increase_text: differenceText(entry.increase),
    error: errorText(entry.relative_error),
    time: secondsText(entry.seconds_per_token),
  }));
}

const byKind = (values) => ({
  field: "kind",
  domain: [...new Set(values.map((value) => value.kind))],
  range: Object.values(PALETTE),
});

// Policies of the same bytes are drawn beside each other, this many pixels from
// where they are.
const ASIDE = {
  full: -8,
  paged: 8,
  recompute: 0,
  int8: 0,
  window: -16,
  sinks: 0,
  evict: 16,
};

function asideOf(values, kind) {
  const [name] = Object.entries(KINDS).find(([, words]) => words === kind);
  const crowded = values.some(
    (value) =>
      value.kind !== kind &&
      values.some(
        (own) => own.kind === kind && own.cache_bytes === value.cache_bytes,
      ),
  );
  return crowded ? ASIDE[name] : 0;
}

function lossChart(measured, values) {
  const by = byKind(values);
  const x = position({
    field: "times_smaller",
    kind: "times",
    title: "Times fewer bytes (logarithmic)",
    scale: { type: "log", base: 2 },
    values: [1, 2, 4, 8, 16, 32, 64].filter(
      (at) => at <= Math.max(...values.map((value) => value.times_smaller)),
    ),
  });
  x.scale.padding = 30;
  const y = position({
    field: "increase",
    kind: "loss",
    title: "Loss added (nats per token)",
  });
  const layers = by.domain.flatMap((kind) => {
    const xOffset = asideOf(values, kind);
    const transform = [{ filter: { field: "kind", equal: kind } }];
    return [
      {
        transform,
        mark: { type: "rule", strokeWidth: 1.5, opacity: 0.7, xOffset },
        encoding: {
          x,
          y: { ...y, field: "low" },
          y2: { field: "high" },
          color: series(by).color,
        },
      },
      {
        transform,
        mark: { type: "point", size: 120, filled: true, opacity: 0.9, xOffset },
        encoding: { x, y, ...series(by), tooltip: tooltip(COLUMNS) },
      },
    ];
  });
  return {
    id: "beyond-loss",
    title: "Loss added against bytes saved",
    see:
      "The full cache is the origin, at the lower left. To the right the cache " +
      "is smaller, upwards the model predicts worse. At the bottom something " +
      "is saved for nothing; of points above each other the lower is better. " +
      "Those of the same bytes are moved apart a little. Bars: 95 % " +
      `confidence, over ${countText(measured.windows)} windows of held-out ` +
      "text.",
    values,
    columns: COLUMNS,
    spec: { data: { values }, layer: layers },
  };
}

function timeChart(values) {
  return dotChart({
    id: "beyond-time",
    title: "Time of a token",
    see:
      "A smaller cache is read faster, but a step reads the weights as well. " +
      "What is exact and smaller has to multiply for it: all keys and values, " +
      "anew for each token.",
    values,
    columns: COLUMNS,
    x: {
      field: "seconds_per_token",
      kind: "seconds",
      title: "Time per token (logarithmic)",
      ...logarithmic(values, "seconds_per_token"),
    },
    rows: { field: "policy", domain: values.map((value) => value.policy) },
    by: byKind(values),
  });
}

const WAYS = [
  ["reserved_slots", "the whole context reserved"],
  ["paged_slots", "pages"],
  ["tokens", "tokens of all requests"],
  ["shared_slots", "pages, prompts shared"],
];

function pagesChart({ pages }) {
  const values = pages.trace.flatMap((at) =>
    WAYS.map(([field, way]) => ({
      requests: at.requests,
      way,
      slots: at[field],
      bytes: at[field] * pages.bytes_per_slot,
      memory: bytesText(at[field] * pages.bytes_per_slot),
    })),
  );
  return lineChart({
    id: "beyond-pages",
    title: "What pages waste and share",
    see:
      `Requests that begin with one of ${pages.common_prompts} prompts come ` +
      "one after the other, and stay. Pages lie just above the tokens that " +
      `they hold: each request wastes fewer than ${pages.block_tokens} slots. ` +
      "With shared prompts they take less than the tokens, since a prompt is " +
      "held once.",
    values,
    columns: [
      { field: "requests", title: "Requests" },
      { field: "way", title: "Memory for" },
      { field: "slots", title: "Slots" },
      { field: "memory", title: "Memory" },
    ],
    points: false,
    x: { field: "requests", title: "Requests held", kind: "count" },
    y: {
      field: "bytes",
      kind: "bytes",
      title: "Memory (bytes)",
      values: byteSteps(Math.max(...values.map((value) => value.bytes))),
    },
    by: {
      field: "way",
      domain: WAYS.map(([, way]) => way),
      range: [PALETTE.orange, PALETTE.blue, PALETTE.grey, PALETTE.green],
    },
  });
}

// Of the policies with the largest budget, the one that adds least.
function bestThatForgets(policies) {
  const largest = Math.max(...policies.map((entry) => entry.budget_tokens));
  return policies
    .filter((entry) => entry.budget_tokens === largest && largest > 0)
    .sort((a, b) => a.increase.mean - b.increase.mean)[0];
}

// "sinks lower the loss at 1 of 3 budgets and raise it at 0", by intervals that
// leave out 0. Nothing if none were compared.
function paysText(policies, kind, words) {
  const clear = policies
    .filter((entry) => entry.policy.startsWith(kind))
    .flatMap((entry) => entry.over_window ?? [])
    .map((interval) => (isClear(interval) ? Math.sign(interval.mean) : 0));
  if (clear.length === 0) return [];
  const count = (sign) => clear.filter((one) => one === sign).length;
  return [
    `${words} lower the loss at ${count(-1)} of ${clear.length} budgets and ` +
      `raise it at ${count(1)}`,
  ];
}

// What a cache does to the loss, which is not written as 0.000 +- 0.000.
function lossText({ mean, plus_or_minus: doubt }, full) {
  const [whole, least] = [full.loss.mean.toFixed(2), 0.001];
  return Math.abs(mean) + doubt < least
    ? `change the loss of ${whole} nats per token by less than ${least}`
    : `change the loss of ${whole} nats per token by ` +
        `${differenceText({ mean, plus_or_minus: doubt })}`;
}

function answer({ policies }) {
  const [full] = policies;
  const of = (name) => policies.find((entry) => entry.policy === name);
  const smaller = (entry) => timesText(full.cache_bytes / entry.cache_bytes);
  const slower = (entry) =>
    timesText(entry.seconds_per_token / full.seconds_per_token);
  const found = [];
  const int8 = of("int8");
  if (int8) {
    found.push(
      `Eight bits make the cache ${smaller(int8)} smaller, ` +
        `${lossText(int8.increase, full)}, and take ${slower(int8)} the time ` +
        "of a token.",
    );
  }
  const recompute = of("recompute");
  if (recompute) {
    found.push(
      "Inputs in place of keys and values make it " +
        `${smaller(recompute)} smaller and change nothing, for ` +
        `${slower(recompute)} the time.`,
    );
  }
  const paged = of("paged");
  if (paged) {
    found.push(`Pages change nothing, for ${slower(paged)} the time.`);
  }
  const best = bestThatForgets(policies);
  if (best) {
    found.push(
      `Of the caches that are ${smaller(best)} smaller since they forget, ` +
        `${best.policy} adds least to the loss: ` +
        `${differenceText(best.increase)}.`,
    );
  }
  const pays = [
    ...paysText(policies, "sinks", "sinks"),
    ...paysText(policies, "evict", "heavy hitters"),
  ];
  if (pays.length > 0) {
    found.push(`Beside a plain window of the same bytes, ${pays.join("; ")}.`);
  }
  return found.join(" ");
}

// The last point of the trace.
function pagesTable({ pages }) {
  const last = pages.trace[pages.trace.length - 1];
  return {
    name: "pages",
    caption:
      `After ${countText(last.requests)} requests, in slots of ` +
      `${bytesText(pages.bytes_per_slot)}: what is reserved and holds no token, ` +
      "and what a prompt that is shared saves.",
    head: ["Memory for", "Slots", "Of the reservation"],
    rows: WAYS.map(([field, way]) => [
      way,
      countText(last[field]),
      `${numberText((100 * last[field]) / last.reserved_slots)} %`,
    ]),
  };
}

export function section(results) {
  const { beyond } = results;
  // The full cache alone is nothing to compare.
  if (!beyond || beyond.policies.length < 2) return null;
  const wrong = beyond.policies.find(
    (entry) => entry.exact && entry.relative_error > ROUNDING,
  );
  if (wrong) {
    throw new Error(
      `beyond: ${wrong.policy} should be exact and is off by ` +
        `${errorText(wrong.relative_error)}`,
    );
  }
  const values = rows(beyond.policies);
  const { pages, not_implemented: missing } = beyond;
  return {
    id: "beyond",
    heading: "Beyond the plain cache",
    question: "Which smaller cache is worth its loss on this model?",
    answer: answer(beyond),
    charts: [
      lossChart(beyond, values),
      timeChart(values),
      ...(pages ? [pagesChart(beyond)] : []),
    ],
    tables: pages ? [pagesTable(beyond)] : [],
    note:
      "Held-out text: the last 5 % of Shakespeare, which the shipped model was " +
      `not trained on, in windows of ${countText(beyond.window)} tokens that ` +
      "each begin with an empty cache. Another checkpoint may have seen it. A " +
      "difference is taken window by window, since windows differ more than " +
      "caches do. Times are of steps at a window's end." +
      (missing.length > 0
        ? ` Not measured, since module 5 lacks them: ${missing.join(", ")}.`
        : ""),
  };
}
