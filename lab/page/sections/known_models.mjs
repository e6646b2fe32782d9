// Section: published models, their caches, and how many users fit.
import { dotChart, PALETTE } from "../chart_kinds.mjs";
import { bytesText, countText, powersOfTwo } from "../quantities.mjs";

function perTokenChart(models) {
  const values = models.map((model) => ({
    model: model.name,
    bytes: model.bytes_per_token,
    shown: bytesText(model.bytes_per_token),
    what: "one token",
  }));
  const bytes = values.map((value) => value.bytes);
  return dotChart({
    id: "bytes-per-token",
    title: "The bytes of one token",
    see:
      "Grouped queries show here: Llama 3 and Mistral keep 8 key/value " +
      "heads where Llama 2 keeps 32, and pay a quarter.",
    values,
    columns: [
      { field: "model", title: "Model" },
      { field: "shown", title: "Keys and values of one token, float16" },
    ],
    x: {
      field: "bytes",
      kind: "bytes",
      scale: { type: "log", base: 2 },
      title: "Keys and values of one token (bytes, logarithmic)",
      values: powersOfTwo(Math.min(...bytes), Math.max(...bytes)),
    },
    rows: { field: "model", domain: models.map((model) => model.name) },
    by: { field: "what", domain: ["one token"], range: [PALETTE.blue] },
  });
}

function usersTable(models) {
  return {
    name: "users that fit",
    caption:
      "Users of full context that fit beside the weights, both with 2 " +
      "bytes per element. Arithmetic, not a measurement: a server needs some " +
      "memory itself, and some of what it reserves stays unused.",
    head: [
      "Model",
      "Context (tokens)",
      "Weights",
      "Cache of one user",
      ...models[0].fits.map((fit) => `Users in ${bytesText(fit.memory_bytes)}`),
    ],
    rows: models.map((model) => [
      model.name,
      countText(model.context),
      bytesText(model.weights_bytes),
      bytesText(model.cache_bytes),
      ...model.fits.map((fit) => countText(fit.users)),
    ]),
  };
}

export function section(results) {
  const models = results.known_models;
  if (!models) return null;
  const dearest = models.reduce((a, b) =>
    a.bytes_per_token > b.bytes_per_token ? a : b,
  );
  return {
    id: "known-models",
    heading: "Known models",
    question: "What do published models pay for their context?",
    answer:
      `${dearest.name} pays ${bytesText(dearest.bytes_per_token)} for ` +
      "each token of each user.",
    charts: [perTokenChart(models)],
    tables: [usersTable(models)],
  };
}
