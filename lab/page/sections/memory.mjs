// Section: the memory of a cache.
import {
  dashes,
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
  powersOfTwo,
  secondsText,
  timesText,
} from "../quantities.mjs";

const LOG2 = { type: "log", base: 2 };

function bytesAxis(field, title, values) {
  const bytes = values.map((value) => value[field]);
  return {
    field,
    kind: "bytes",
    title: `${title} (bytes, logarithmic)`,
    scale: LOG2,
    values: powersOfTwo(Math.min(...bytes), Math.max(...bytes)),
  };
}

function tokensAxis(field, title, values) {
  const tokens = values.map((value) => value[field]);
  return {
    field,
    kind: "count",
    title: `${title} (logarithmic)`,
    scale: LOG2,
    values: powersOfTwo(Math.min(...tokens), Math.max(...tokens), 12),
  };
}

// For charts of many models.
const TALL = 460;

function sequencesText(batch) {
  return batch === 1 ? "1 sequence" : `${batch} sequences`;
}

const models = (values) => [...new Set(values.map((value) => value.model))];

function formulaChart(memory) {
  const values = memory.formula.map((entry) => ({
    ...entry,
    sequences: sequencesText(entry.batch),
    shown: bytesText(entry.bytes),
  }));
  const columns = [
    { field: "model", title: "Model" },
    { field: "batch", title: "Sequences" },
    { field: "seq_len", title: "Tokens each" },
    { field: "shown", title: "Cache, 2 bytes per element" },
  ];
  const by = { field: "model", domain: models(values) };
  const encoding = {
    x: position(tokensAxis("seq_len", "Tokens in the cache", values)),
    y: position(bytesAxis("bytes", "Cache", values)),
    color: series(by).color,
  };
  const batches = [...new Set(values.map((value) => value.sequences))];
  return {
    id: "cache-bytes",
    title: "Bytes of a cache, by the formula",
    see:
      "Straight lines of slope one: each token costs the same, and each " +
      "sequence of a batch costs it again (dashed). The lines of models " +
      "differ by layers times key/value heads times head_dim, not in " +
      "proportion to their parameters.",
    values,
    columns,
    spec: {
      height: TALL,
      layer: [
        {
          data: { values },
          mark: { type: "line" },
          encoding: {
            ...encoding,
            ...dashes({ field: "sequences", domain: batches }),
          },
        },
        {
          data: { values },
          mark: { type: "point", size: 30 },
          encoding: { ...encoding, tooltip: tooltip(columns) },
        },
      ],
    },
  };
}

function measuredChart(memory) {
  const values = memory.measured.map((entry) => ({
    ...entry,
    sequences: sequencesText(entry.batch),
    formula: bytesText(entry.formula_bytes),
    measured: bytesText(entry.measured_bytes),
    ratio: timesText(entry.measured_bytes / entry.formula_bytes),
  }));
  const columns = [
    { field: "model", title: "Model" },
    { field: "batch", title: "Sequences" },
    { field: "seq_len", title: "Tokens each" },
    { field: "formula", title: "By formula" },
    { field: "measured", title: "Measured" },
    { field: "ratio", title: "Measured / formula" },
  ];
  const x = position(tokensAxis("seq_len", "Tokens in the cache", values));
  const y = position(bytesAxis("formula_bytes", "Cache, float32", values));
  const { color } = series({ field: "model", domain: models(values) });
  const batches = [...new Set(values.map((value) => value.sequences))];
  const { shape } = series({ field: "sequences", domain: batches });
  return {
    id: "cache-measured",
    title: "Formula and measurement",
    see:
      "Lines: the formula, with 4 bytes per element. Points: the measured " +
      "growth of the heap when such a cache was made.",
    values,
    columns,
    spec: {
      height: TALL,
      layer: [
        {
          data: { values },
          mark: { type: "line", opacity: 0.8 },
          encoding: {
            x,
            y,
            color,
            ...dashes({ field: "sequences", domain: batches }),
          },
        },
        {
          data: { values },
          mark: { type: "point" },
          encoding: {
            x,
            y: { ...y, field: "measured_bytes" },
            color,
            shape,
            tooltip: tooltip(columns),
          },
        },
      ],
    },
  };
}

function layersChart(memory, model) {
  const names = ["keys", "values"];
  const values = memory.layers.flatMap((layer) =>
    names.map((what) => ({
      layer: String(layer.layer),
      what,
      bytes: layer[what],
      shown: bytesText(layer[what]),
    })),
  );
  const columns = [
    { field: "layer", title: "Layer" },
    { field: "what", title: "Kept" },
    { field: "shown", title: "Bytes" },
  ];
  const high = Math.max(...memory.layers.map((l) => l.keys + l.values));
  return {
    id: "cache-by-layer",
    title: `Layer by layer: ${model.name} at ${countText(model.max_positions)} tokens`,
    see:
      "Every layer keeps its own keys and values, all of the same size. " +
      "Queries are not kept: each is used once, in its own step.",
    values,
    columns,
    spec: {
      data: { values },
      mark: { type: "bar" },
      encoding: {
        x: {
          field: "layer",
          type: "ordinal",
          title: "Layer",
          sort: memory.layers.map((layer) => String(layer.layer)),
          axis: { labelAngle: 0 },
        },
        y: {
          ...position({
            field: "bytes",
            kind: "bytes",
            title: "Cache, float32 (bytes)",
            values: byteSteps(high),
          }),
          stack: "zero",
        },
        color: {
          field: "what",
          type: "nominal",
          scale: { domain: names, range: [PALETTE.blue, PALETTE.orange] },
        },
        tooltip: tooltip(columns),
      },
    },
  };
}

function besideWeightsChart(known) {
  const names = ["weights", "cache of 1 user", "cache of 8 users"];
  const values = known.flatMap((model) => {
    const at = (what, bytes) => ({
      model: model.name,
      what,
      bytes,
      shown: bytesText(bytes),
      context: model.context,
    });
    return [
      at(names[0], model.weights_bytes),
      at(names[1], model.cache_bytes),
      at(names[2], 8 * model.cache_bytes),
    ];
  });
  return dotChart({
    id: "cache-beside-weights",
    title: "The cache beside the weights",
    see:
      "One user at full context takes a fraction of the weights. Eight " +
      "users take as much as the weights or more, in some models: then the " +
      "cache, not the model, decides how many can be served.",
    values,
    columns: [
      { field: "model", title: "Model" },
      { field: "context", title: "Context (tokens)" },
      { field: "what", title: "What" },
      { field: "shown", title: "Bytes, 2 per element" },
    ],
    x: bytesAxis("bytes", "Size", values),
    rows: { field: "model", domain: known.map((model) => model.name) },
    by: {
      field: "what",
      domain: names,
      range: [PALETTE.grey, PALETTE.blue, PALETTE.orange],
    },
  });
}

const WAYS = {
  field: "way",
  domain: ["concatenation", "concatenation by memcpy", "preallocation"],
  range: [PALETTE.orange, PALETTE.violet, PALETTE.blue],
};
// Both concatenations write the same bytes.
const TWO_WAYS = {
  field: "way",
  domain: [WAYS.domain[0], WAYS.domain[2]],
  range: [WAYS.range[0], WAYS.range[2]],
};

function growthCharts(memory) {
  const values = memory.growth.map((entry) => ({
    ...entry,
    written: bytesText(entry.bytes_written),
    took: secondsText(entry.seconds),
    peak: bytesText(entry.peak_bytes),
  }));
  const columns = [
    { field: "way", title: "Growing by" },
    { field: "tokens", title: "Tokens" },
    { field: "written", title: "Bytes written" },
    { field: "took", title: "Time" },
    { field: "peak", title: "Peak memory" },
  ];
  const x = tokensAxis("tokens", "Tokens appended, one at a time", values);
  const two = {
    values: values.filter((value) => TWO_WAYS.domain.includes(value.way)),
    columns,
    x,
    by: TWO_WAYS,
  };
  return [
    lineChart({
      ...two,
      id: "growth-bytes",
      title: "Growing a cache: bytes written",
      see:
        "Concatenation copies all old tokens at each step, n(n+1)/2 in " +
        "all: the quadratic cost is back. One layer.",
      y: bytesAxis("bytes_written", "Written", values),
    }),
    lineChart({
      values,
      columns,
      x,
      by: WAYS,
      id: "growth-time",
      title: "Growing a cache: time",
      see:
        "The same copies by memcpy show how much of the time goes into moving " +
        "the bytes, and how much into a tensor library that concatenates " +
        "element by element.",
      y: {
        field: "seconds",
        kind: "seconds",
        title: "Time (seconds, logarithmic)",
        ...logarithmic(values, "seconds"),
      },
    }),
    lineChart({
      ...two,
      id: "growth-peak",
      title: "Growing a cache: peak memory, counted",
      see:
        "Counted, not measured: while a tensor is concatenated, the old and " +
        "the new one both exist, almost twice the memory.",
      y: bytesAxis("peak_bytes", "Peak", values),
    }),
  ];
}

function answer(memory, model) {
  const off = memory.measured.map((entry) =>
    Math.abs(entry.measured_bytes / entry.formula_bytes - 1),
  );
  const worst = Math.max(...off);
  const layers = memory.layers.reduce((sum, l) => sum + l.keys + l.values, 0);
  return (
    `${model.name} at ${countText(model.max_positions)} tokens keeps ` +
    `${bytesText(layers)} in float32. ${off.length} caches were made; the ` +
    "heap's growth for each is within " +
    `${(100 * worst).toFixed(2)} % of the formula.`
  );
}

export function section(results) {
  const { memory } = results;
  if (!memory) return null;
  const charts = [
    formulaChart(memory),
    measuredChart(memory),
    layersChart(memory, results.model),
  ];
  if (results.known_models) {
    charts.push(besideWeightsChart(results.known_models));
  }
  if (memory.growth.length > 0) charts.push(...growthCharts(memory));
  return {
    id: "memory",
    heading: "Memory",
    question: "How large is the cache, and does the formula hold?",
    answer: answer(memory, results.model),
    charts,
    tables: [],
  };
}
