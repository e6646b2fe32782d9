// Section: generation without a cache against one with it.
import {
  CACHING_COLORS,
  cachingName,
  lineChart,
  logarithmic,
  PALETTE,
  position,
  series,
} from "../chart_kinds.mjs";
import {
  countText,
  numberText,
  secondsText,
  timesText,
} from "../quantities.mjs";

const BY_CACHING = { field: "caching", ...CACHING_COLORS };

const TOTAL_COLUMNS = [
  { field: "new_tokens", title: "New tokens" },
  { field: "caching", title: "Generation" },
  { field: "median", title: "Total time, median" },
  { field: "quartiles", title: "Quartiles" },
  { field: "pairs", title: "Trials" },
];

function totals(section) {
  return section.lengths.flatMap((length) =>
    ["uncached", "cached"].map((caching) => {
      const { low, median, high } = length[caching].total_s;
      return {
        new_tokens: length.new_tokens,
        caching: cachingName(caching),
        seconds: median,
        low,
        high,
        median: secondsText(median),
        quartiles: `${secondsText(low)} to ${secondsText(high)}`,
        pairs: length.trials.length,
      };
    }),
  );
}

const NEW_TOKENS = { field: "new_tokens", title: "New tokens", kind: "count" };

// A logarithmic axis with its ticks at the measured values.
function newTokensLog(section) {
  return {
    ...NEW_TOKENS,
    title: "New tokens (logarithmic)",
    scale: { type: "log" },
    values: section.lengths.map((length) => length.new_tokens),
  };
}

// The measured law as a line, and one through its middle with the exponent of
// the exact work.
function laws(section) {
  const lengths = section.lengths.map((length) => length.new_tokens);
  const ends = [lengths[0], lengths[lengths.length - 1]];
  const middle = Math.sqrt(ends[0] * ends[1]);
  return section.fits
    .filter((fit) => fit.quantity === "total time")
    .flatMap((fit) => {
      const atMiddle = fit.factor * middle ** fit.exponent;
      return ends.map((n) => ({
        new_tokens: n,
        caching: cachingName(fit.caching),
        seconds: atMiddle * (n / middle) ** fit.predicted,
      }));
    });
}

function totalCharts(section) {
  const values = totals(section);
  const bars = { low: "low", high: "high" };
  const linear = lineChart({
    id: "total-time",
    title: "Total time of a generation",
    see:
      "Without a cache the curve bends upwards: twice the tokens take more " +
      "than twice the time. With one it is almost a straight line at the " +
      "bottom. Bars: quartiles over trials.",
    values,
    columns: TOTAL_COLUMNS,
    by: BY_CACHING,
    bars,
    x: NEW_TOKENS,
    y: { field: "seconds", kind: "seconds", title: "Total time (seconds)" },
  });
  const axes = {
    x: newTokensLog(section),
    y: {
      field: "seconds",
      kind: "seconds",
      title: "Total time (seconds, logarithmic)",
      ...logarithmic(values, "low", "high"),
    },
  };
  const predicted = {
    data: { values: laws(section) },
    mark: { type: "line", strokeDash: [3, 4], strokeWidth: 1.5, opacity: 0.8 },
    encoding: {
      x: position(axes.x),
      y: position(axes.y),
      color: series(BY_CACHING).color,
    },
  };
  const log = lineChart({
    id: "total-time-log",
    title: "The same, both axes logarithmic",
    see:
      "A power law is a straight line here and its exponent the slope. " +
      "Dotted: the slope that the exact count of multiplications predicts.",
    values,
    columns: TOTAL_COLUMNS,
    by: BY_CACHING,
    bars,
    layers: section.fits.length > 0 ? [predicted] : [],
    ...axes,
  });
  return [linear, log];
}

function stepCharts(section) {
  const values = section.steps.map((step) => ({
    position: step.position,
    caching: cachingName(step.caching),
    seconds: step.seconds,
    shown: secondsText(step.seconds),
  }));
  const columns = [
    { field: "position", title: "Position" },
    { field: "caching", title: "Generation" },
    { field: "shown", title: "Time of the step, median" },
  ];
  const chart = (id, title, see, log) =>
    lineChart({
      id,
      title,
      see,
      values,
      columns,
      points: false,
      by: BY_CACHING,
      x: {
        field: "position",
        kind: "count",
        title: `Position of the token${log ? " (logarithmic)" : ""}`,
        ...(log ? logarithmic(values, "position") : {}),
      },
      y: {
        field: "seconds",
        kind: "seconds",
        title: `Time per token (seconds${log ? ", logarithmic" : ""})`,
        ...(log ? logarithmic(values, "seconds") : {}),
      },
    });
  return [
    chart(
      "time-per-token",
      "Time of each token",
      "Without a cache each token costs more than the one before it: the " +
        "whole prefix is computed again. With one the line is almost flat; " +
        "its slope comes from attention over a longer past.",
      false,
    ),
    chart(
      "time-per-token-log",
      "The same, both axes logarithmic",
      "Where the upper line becomes straight, the prefix dominates the " +
        "fixed cost of each step.",
      true,
    ),
  ];
}

function speedupChart(section) {
  const names = ["measured speedup", "ratio of work"];
  const values = section.lengths.flatMap((length) => [
    {
      new_tokens: length.new_tokens,
      what: names[0],
      ratio: length.speedup.median,
      low: length.speedup.low,
      high: length.speedup.high,
      shown: timesText(length.speedup.median),
    },
    {
      new_tokens: length.new_tokens,
      what: names[1],
      ratio: length.work_ratio,
      low: length.work_ratio,
      high: length.work_ratio,
      shown: timesText(length.work_ratio),
    },
  ]);
  return lineChart({
    id: "speedup",
    title: "Speedup, and the work that is saved",
    see:
      "The ratio of multiplications is the work that the cache saves. " +
      "The clock shows less, because a cached step waits for memory while " +
      "a recomputing one multiplies. Bars: quartiles over trials.",
    values,
    columns: [
      { field: "new_tokens", title: "New tokens" },
      { field: "what", title: "Ratio" },
      { field: "shown", title: "Without a cache / with one" },
    ],
    x: newTokensLog(section),
    y: {
      field: "ratio",
      title: "Times as fast (ratio, logarithmic)",
      kind: "times",
      ...logarithmic(values, "low", "high"),
    },
    by: { field: "what", domain: names, range: [PALETTE.green, PALETTE.grey] },
    bars: { low: "low", high: "high" },
  });
}

function fitTable(section) {
  return {
    name: "exponents",
    caption:
      "Exponents of n: 1 is linear, 2 quadratic. Predicted: the " +
      "exponent of the exact work over the same lengths, which is below 2 " +
      "and 1 while the prompt and the logits still matter.",
    head: ["Quantity", "Generation", "Exponent", "95 % interval", "Predicted"],
    rows: section.fits.map((fit) => [
      fit.quantity,
      cachingName(fit.caching),
      fit.exponent.toFixed(2),
      `${fit.exponent_low.toFixed(2)} to ${fit.exponent_high.toFixed(2)}`,
      fit.predicted.toFixed(2),
    ]),
  };
}

function phaseTable(section) {
  const phases = (length, caching) => {
    const summary = length[caching];
    return [
      cachingName(caching),
      secondsText(summary.prefill_s.median),
      secondsText(summary.decode_s.median),
      secondsText(summary.per_token_s.median),
      numberText(1 / summary.per_token_s.median),
    ];
  };
  return {
    name: "prefill and decode",
    caption:
      "Prefill is the time to the first token, decode that of all " +
      "others, in total and per token. Medians.",
    head: [
      "New tokens",
      "Generation",
      "Prefill",
      "Decode",
      "Per token",
      "Tokens per second",
    ],
    rows: section.lengths.flatMap((length) =>
      ["uncached", "cached"].map((caching) => [
        countText(length.new_tokens),
        ...phases(length, caching),
      ]),
    ),
  };
}

function answer(section) {
  const longest = section.lengths[section.lengths.length - 1];
  if (!longest) return "Nothing was measured.";
  const differing = section.lengths.reduce(
    (sum, length) => sum + length.differing_pairs,
    0,
  );
  const outputs =
    differing === 0
      ? "Both gave the same tokens in every trial."
      : `The tokens differed in ${differing} trials.`;
  return (
    `At ${countText(longest.new_tokens)} new tokens the cache makes generation ` +
    `${timesText(longest.speedup.median)} as fast; it saves ` +
    `${timesText(longest.work_ratio)} the multiplications. ${outputs}`
  );
}

export function section(results) {
  const measured = results.control_against_cache;
  if (!measured) return null;
  const tables = [phaseTable(measured)];
  if (measured.fits.length > 0) tables.unshift(fitTable(measured));
  const charts = [];
  if (measured.lengths.length > 0) {
    charts.push(...totalCharts(measured), speedupChart(measured));
  }
  if (measured.steps.length > 0) charts.push(...stepCharts(measured));
  return {
    id: "control",
    heading: "Control against cache",
    question: "What does a generation cost with and without a cache?",
    answer: answer(measured),
    charts,
    tables,
  };
}
