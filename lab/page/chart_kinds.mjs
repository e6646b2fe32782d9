// The few kinds of chart that the page uses, as Vega-Lite specifications. A
// chart is { id, title, see, spec, columns, values }: `see` says what to look
// for, `columns` which of its values are in the table below it.
import { decades, TICK_LABELS } from "./quantities.mjs";

// Each has 3:1 against the page by day and by night (page_test.mjs).
export const PALETTE = {
  orange: "#d95f02",
  blue: "#2f81f7",
  green: "#1a9850",
  violet: "#a05bd8",
  pink: "#d6408a",
  grey: "#7d8590",
  ochre: "#a6761d",
};

export const CACHING_COLORS = {
  domain: ["without a cache", "with a cache"],
  range: [PALETTE.orange, PALETTE.blue],
};

export function cachingName(caching) {
  return CACHING_COLORS.domain[caching === "uncached" ? 0 : 1];
}

const HEIGHT = 360;
// Pixels between the outermost points and the frame of a logarithmic axis.
const AIR = 12;

export const THEME = {
  font: "sans-serif",
  background: "transparent",
  aria: false, // the figure has its own name and a table
  view: { stroke: null },
  range: { category: Object.values(PALETTE) },
  axis: {
    domainColor: "currentColor",
    domainOpacity: 0.6,
    gridColor: "currentColor",
    gridOpacity: 0.13,
    labelColor: "currentColor",
    labelFontSize: 12,
    tickColor: "currentColor",
    tickOpacity: 0.6,
    titleColor: "currentColor",
    titleFontSize: 13,
    titleFontWeight: "normal",
    titlePadding: 10,
    labelOverlap: true,
    labelSeparation: 6,
  },
  legend: {
    labelColor: "currentColor",
    labelFontSize: 12,
    labelLimit: 260,
    orient: "top",
    symbolSize: 90,
    symbolStrokeWidth: 2,
    title: null,
    columns: { expr: "width < 420 ? 1 : width < 560 ? 2 : 3" },
  },
  line: { strokeWidth: 2.5 },
  point: { filled: true, size: 70 },
};

export const CONFIG_OF_ALL = {
  $schema: "https://vega.github.io/schema/vega-lite/v6.json",
  width: 680,
  height: HEIGHT,
  autosize: { type: "fit", contains: "padding" },
  config: THEME,
};

// Characters of an axis's title that a phone has room for in one line.
export const LONGEST_TITLE = 36;

// The title in two lines, the second in brackets, if one is too long.
function titleLines(title) {
  if (title.length <= LONGEST_TITLE) return title;
  const [, words, unit] = title.match(/^(.*) (\([^()]*\))$/) ?? [];
  return unit === undefined ? title : [words, unit];
}

// axis: { field, title, kind, scale, values }; kind: of TICK_LABELS.
export function position(axis) {
  const scale = { ...axis.scale };
  const log = scale.type === "log" || scale.type === "symlog";
  if (log) Object.assign(scale, { nice: false, padding: AIR });
  else scale.zero = true;
  return {
    field: axis.field,
    type: "quantitative",
    title: titleLines(axis.title),
    scale,
    axis: {
      labelExpr: TICK_LABELS[axis.kind],
      ...(axis.values ? { values: axis.values } : {}),
    },
  };
}

export function tooltip(columns) {
  return columns.map(({ field, title }) => ({ field, title, type: "nominal" }));
}

// Series differ in colour, in the shape of their points and in the dashes of
// their lines, so they can be told apart without colours.
export function series({ field, domain, range }) {
  const scale = { domain, ...(range ? { range } : {}) };
  return {
    color: { field, type: "nominal", scale },
    shape: { field, type: "nominal", scale: { domain } },
  };
}

const DASHES = [
  [1, 0],
  [7, 4],
  [2, 3],
  [10, 3, 2, 3],
  [4, 2],
  [1, 4],
  [12, 4],
];

const dash = (i) => DASHES[i % DASHES.length];

// Without a legend: a dashed symbol cannot be read.
function dashesUnseen({ field, domain }) {
  return {
    strokeDash: {
      condition: domain.map((name, i) => ({
        test: { field, equal: name },
        value: dash(i),
      })),
      value: dash(0),
    },
  };
}

export function dashes({ field, domain }) {
  return {
    strokeDash: {
      field,
      type: "nominal",
      scale: { domain, range: domain.map((_, i) => dash(i)) },
    },
  };
}

// Settings of an axis of type log with its ticks at powers of ten.
export function logarithmic(values, ...fields) {
  const all = values.flatMap((value) => fields.map((field) => value[field]));
  return {
    scale: { type: "log" },
    values: decades(Math.min(...all), Math.max(...all)),
  };
}

// Points joined by lines, one colour for each series. `bars`: { low, high },
// fields of an interval around each point. `layers`: drawn below.
export function lineChart({
  id,
  title,
  see,
  values,
  columns,
  x,
  y,
  by,
  bars,
  points = true,
  layers = [],
}) {
  const encoding = { x: position(x), y: position(y) };
  const drawn = [...layers];
  if (bars) {
    drawn.push({
      data: { values },
      mark: { type: "rule", strokeWidth: 1.5, opacity: 0.7 },
      encoding: {
        x: encoding.x,
        y: { ...encoding.y, field: bars.low },
        y2: { field: bars.high },
        color: series(by).color,
      },
    });
  }
  drawn.push({
    data: { values },
    mark: { type: "line" },
    encoding: { ...encoding, color: series(by).color, ...dashesUnseen(by) },
  });
  drawn.push({
    data: { values },
    mark: { type: "point", opacity: points ? 1 : 0, size: points ? 70 : 30 },
    encoding: {
      ...encoding,
      ...(points ? series(by) : { color: series(by).color }),
      tooltip: tooltip(columns),
    },
  });
  return { id, title, see, columns, values, spec: { layer: drawn } };
}

// Height of a chart with this many rows, including legend and axis.
export function heightOfRows(count) {
  return 42 * count + 100;
}

// One row for each name, its values as points on a scale. The scale's title may
// reach below the names, which take half of a phone.
export function dotChart({
  id,
  title,
  see,
  values,
  columns,
  x: axis,
  rows,
  by,
}) {
  const x = position(axis);
  return {
    id,
    title,
    see,
    columns,
    values,
    spec: {
      height: heightOfRows(rows.domain.length),
      data: { values },
      mark: { type: "point", size: 120, filled: true, opacity: 0.9 },
      encoding: {
        x: { ...x, axis: { ...x.axis, titleAnchor: "end" } },
        y: {
          field: rows.field,
          type: "nominal",
          title: null,
          sort: rows.domain,
          axis: { labelLimit: 320, grid: true, labelPadding: 8 },
        },
        ...series(by),
        tooltip: tooltip(columns),
      },
    },
  };
}
