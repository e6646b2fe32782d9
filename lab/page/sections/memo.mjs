// Section: generation as a memoized recurrence.
import { heightOfRows, lineChart, PALETTE, tooltip } from "../chart_kinds.mjs";
import { countText } from "../quantities.mjs";

const NAMES = ["without a memo", "with a memo: computed", "with a memo: found"];

function stepsChart(memo) {
  const values = memo.steps.flatMap((step) => [
    { step: step.step, what: NAMES[0], entries: step.computed_without },
    { step: step.step, what: NAMES[1], entries: step.computed_with },
    { step: step.step, what: NAMES[2], entries: step.hits },
  ]);
  return lineChart({
    id: "memo-steps",
    title: "Entries of the memo, step by step",
    see:
      "Every step needs the keys and values of all tokens so far. Without " +
      "a memo all are computed; with one, only those of the new token are, " +
      "and the others are found.",
    values,
    columns: [
      { field: "step", title: "Step" },
      { field: "what", title: "Generation" },
      { field: "entries", title: "Entries (layer, position)" },
    ],
    x: {
      field: "step",
      title: "Step (tokens so far)",
      kind: "count",
      values: memo.steps.map((step) => step.step),
    },
    y: {
      field: "entries",
      title: "Entries computed or found (count)",
      kind: "count",
    },
    by: {
      field: "what",
      domain: NAMES,
      range: [PALETTE.orange, PALETTE.blue, PALETTE.green],
    },
  });
}

function editChart(memo) {
  const { edit } = memo;
  const names = ["the same", "changed"];
  const values = edit.same_entries.flatMap((row, layer) =>
    row.map((same, at) => ({
      layer: String(layer),
      position: String(at),
      kept: same ? names[0] : names[1],
      sign: same ? "" : "×",
      edited: at === edit.changed ? "this token was replaced" : "",
    })),
  );
  const columns = [
    { field: "layer", title: "Layer" },
    { field: "position", title: "Position" },
    { field: "kept", title: "Keys and values" },
    { field: "edited", title: "Edit" },
  ];
  const x = {
    field: "position",
    type: "ordinal",
    title: `Position (token ${edit.changed} was replaced)`,
    sort: edit.same_entries[0].map((_, at) => String(at)),
    axis: { labelAngle: 0 },
  };
  const y = {
    field: "layer",
    type: "ordinal",
    title: "Layer",
    sort: "descending",
  };
  return {
    id: "memo-edit",
    title: "What an edit in the middle of the prompt invalidates",
    see:
      "Before the edit everything stays the same: causality. At layer 0 only " +
      "the replaced token changes, since keys and values there depend on one " +
      "token. From layer 1 on everything after it changes, because " +
      "attention has mixed it in. So a cache can be kept up to the edit, and " +
      "no further.",
    values,
    columns,
    spec: {
      height: heightOfRows(edit.same_entries.length),
      data: { values },
      layer: [
        {
          mark: { type: "rect", stroke: "currentColor", strokeOpacity: 0.5 },
          encoding: {
            x,
            y,
            color: {
              field: "kept",
              type: "nominal",
              scale: { domain: names, range: [PALETTE.green, PALETTE.pink] },
            },
            tooltip: tooltip(columns),
          },
        },
        {
          mark: { type: "text", fontSize: 16, color: "white" },
          encoding: { x, y, text: { field: "sign" } },
        },
      ],
    },
  };
}

function answer(memo) {
  const sum = (field) =>
    memo.steps.reduce((total, step) => total + step[field], 0);
  const without = sum("computed_without");
  const computed = sum("computed_with");
  return (
    `${memo.tokens} tokens through ${memo.num_layers} layers make ` +
    `${countText(computed)} entries. Without a memo ${countText(without)} are ` +
    `computed; with one ${countText(computed)}, and ` +
    `${countText(sum("hits"))} are found. Replacing token ` +
    `${memo.edit.changed} of ${memo.edit.tokens} invalidates ` +
    `${memo.edit.changed_entries} of ${countText(computed)} entries.`
  );
}

export function section(results) {
  const { memo } = results;
  if (!memo) return null;
  return {
    id: "memo",
    heading: "Dynamic programming",
    question: "Which entries are computed, found and lost?",
    answer: answer(memo),
    memoFigure: {
      json: JSON.stringify({ numLayers: memo.num_layers, steps: memo.steps }),
    },
    charts: [stepsChart(memo), editChart(memo)],
    tables: [],
  };
}
