// Section: what sets the speed of a cached step.
import { lineChart, logarithmic, PALETTE } from "../chart_kinds.mjs";
import { bytesText, numberText, powersOfTwo } from "../quantities.mjs";

const LOG2 = { type: "log", base: 2 };
const BY = {
  field: "what",
  domain: ["measured", "roofline"],
  range: [PALETTE.blue, PALETTE.grey],
};
const COLUMNS_OF_SPEED = [
  { field: "what", title: "Speed" },
  { field: "shown", title: "Tokens per second" },
];

function rateText(bytesPerSecond) {
  return `${numberText(bytesPerSecond / 1e9)} GB/s`;
}

function machineChart(machine) {
  const values = machine.bandwidth.map((at) => ({
    ...at,
    what: "read by one thread",
    size: bytesText(at.working_set_bytes),
    rate: rateText(at.bytes_per_s),
  }));
  const sizes = values.map((value) => value.working_set_bytes);
  return lineChart({
    id: "machine-bandwidth",
    title: "How fast this machine reads",
    see:
      "The steps down are the caches of the processor: data that fits in " +
      "the first is read fastest, data that fits in none comes from memory.",
    values,
    columns: [
      { field: "size", title: "Working set" },
      { field: "rate", title: "Read bandwidth" },
    ],
    x: {
      field: "working_set_bytes",
      kind: "bytes",
      scale: LOG2,
      title: "Working set (bytes, logarithmic)",
      values: powersOfTwo(Math.min(...sizes), Math.max(...sizes)),
    },
    y: {
      field: "bytes_per_s",
      kind: "bandwidth",
      title: "Read bandwidth (bytes per second)",
    },
    by: {
      field: "what",
      domain: ["read by one thread"],
      range: [PALETTE.green],
    },
  });
}

// How much of the roofline was reached, or null if that is not measurable now:
// a roof is never below what was measured under it.
export function shareOf({ tokens_per_s, roofline_tokens_per_s }) {
  const share = tokens_per_s / roofline_tokens_per_s;
  // Dividing and multiplying again may round upwards.
  return share > 0 && share < 1 + 1e-9 ? Math.min(share, 1) : null;
}

// The points of a chart; a roofline that is not measurable has none.
function pairs(entries, keep) {
  return entries.flatMap((entry) =>
    [entry.tokens_per_s, entry.roofline_tokens_per_s]
      .slice(0, shareOf(entry) === null ? 1 : 2)
      .map((speed, i) => ({
        ...keep(entry),
        what: BY.domain[i],
        speed,
        shown: numberText(speed),
      })),
  );
}

const NOT_MEASURABLE = "not measurable now";

function gapNote(entries) {
  return entries.some((entry) => shareOf(entry) === null)
    ? ` Where the grey line has no point, the roof was ${NOT_MEASURABLE}: ` +
        "its rounds disagreed."
    : "";
}

function modelsChart(bandwidth) {
  const values = pairs(bandwidth.models, (model) => ({
    name: model.name,
    bytes: model.weights_bytes,
    size: bytesText(model.weights_bytes),
  }));
  const sizes = values.map((value) => value.bytes);
  return lineChart({
    id: "speed-by-model-size",
    title: "Tokens per second against the size of the model",
    see:
      "A cached step reads every weight once, so the speed falls with the " +
      "size. The grey line is the limit set by the bandwidth at this size; " +
      `the distance to it is everything else.${gapNote(bandwidth.models)}`,
    values,
    columns: [
      { field: "name", title: "Random model" },
      { field: "size", title: "Weights, float32" },
      ...COLUMNS_OF_SPEED,
    ],
    x: {
      field: "bytes",
      kind: "bytes",
      scale: LOG2,
      title: "Weights (bytes, logarithmic)",
      values: powersOfTwo(Math.min(...sizes), Math.max(...sizes)),
    },
    y: {
      field: "speed",
      kind: "count",
      ...logarithmic(values, "speed"),
      title: "Tokens per second (logarithmic)",
    },
    by: BY,
  });
}

function batchChart(bandwidth, model) {
  const values = pairs(bandwidth.batches, (entry) => ({ batch: entry.batch }));
  return lineChart({
    id: "speed-by-batch",
    title: `Tokens per second against the batch: ${model.name}`,
    see:
      "Sequences of a batch share each read of the weights, so the " +
      "roof rises until the multiplications take as long as the reading; " +
      "from there on it is flat. The measured speed rises less where a step " +
      `has other costs for each sequence.${gapNote(bandwidth.batches)}`,
    values,
    columns: [{ field: "batch", title: "Sequences" }, ...COLUMNS_OF_SPEED],
    x: {
      field: "batch",
      kind: "count",
      scale: LOG2,
      title: "Sequences in the batch (logarithmic)",
      values: bandwidth.batches.map((entry) => entry.batch),
    },
    y: {
      field: "speed",
      kind: "count",
      title: "Tokens per second, all together",
    },
    by: BY,
  });
}

function recomputeTable({ recompute }) {
  return {
    name: "recomputing",
    caption:
      "Would it pay to recompute keys and values instead of reading " +
      "them? Only on a machine whose ridge is above the last line.",
    head: ["On this machine and model", "Measured"],
    rows: [
      [
        "Ridge: FLOP that take as long as reading a byte",
        `${numberText(recompute.ridge_flop_per_byte)} FLOP/byte`,
      ],
      [
        "Tokens that a step can compute in the time its weights are read " +
          `(${recompute.bytes_per_weight} bytes each)`,
        numberText(recompute.free_tokens),
      ],
      [
        "FLOP to recompute one byte of keys and values",
        `${numberText(recompute.wins_above_flop_per_byte)} FLOP/byte`,
      ],
    ],
  };
}

function reached(models) {
  const shares = models.map(shareOf).filter((share) => share !== null);
  if (shares.length === 0) {
    return (
      "How much of what the machine's memory allows a cached step reaches is " +
      `${NOT_MEASURABLE}: the rounds disagree, so other programs may be running.`
    );
  }
  const percents = [Math.min(...shares), Math.max(...shares)].map(
    (share) => `${Math.round(100 * share)} %`,
  );
  const missing = models.length - shares.length;
  return (
    `A cached step reaches ${percents[0]} to ${percents[1]} of what the ` +
    "machine's memory allows" +
    (missing > 0
      ? ` (${missing} of ${models.length} models: ${NOT_MEASURABLE}).`
      : ".")
  );
}

function answer({ models, recompute }) {
  if (models.length === 0) return "Nothing was measured.";
  const factor =
    recompute.wins_above_flop_per_byte / recompute.ridge_flop_per_byte;
  return (
    `${reached(models)} Recomputing would win if its arithmetic were ` +
    `${numberText(factor)} times as fast beside its memory.`
  );
}

export function section(results) {
  const { bandwidth } = results;
  if (!bandwidth) return null;
  const charts = [machineChart(results.machine)];
  if (bandwidth.models.length > 0) charts.push(modelsChart(bandwidth));
  if (bandwidth.batches.length > 0) {
    charts.push(batchChart(bandwidth, results.model));
  }
  return {
    id: "bandwidth",
    heading: "Bandwidth",
    question: "What holds a cached step back?",
    answer: answer(bandwidth),
    charts,
    tables: [recomputeTable(bandwidth)],
  };
}
