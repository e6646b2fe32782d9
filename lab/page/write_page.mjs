// write_page.mjs FOLDER: makes the page FOLDER/index.html from
// FOLDER/results.json and, beside it, plots/ (SVG and PNG) and csv/.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { csvFormat } from "d3-dsv";
import { buildSync } from "esbuild";
import mustache from "mustache";
import { compileChart, writePictures } from "./chart_files.mjs";
import { bytesText, countText, flopText } from "./quantities.mjs";
import { sectionsOf } from "./sections/all.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const beside = (name) => path.join(here, name);

// JSON and scripts inside HTML: they must not end their element.
function insideScript(text) {
  return text.replace(/<(?=\/script|!--)/gi, "\\x3c");
}

function jsonInsideScript(value) {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

// The page contains the packages it was bundled from, so also their licences.
function licencesOf(inputs) {
  const folders = new Set(
    inputs
      .map(
        (input) => input.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//)?.[1],
      )
      .filter((folder) => folder !== undefined),
  );
  return [...folders]
    .sort()
    .map((folder) => {
      const file = fs
        .readdirSync(beside(folder))
        .find((name) => /^licen[cs]e/i.test(name));
      const text =
        file === undefined
          ? JSON.parse(fs.readFileSync(beside(`${folder}/package.json`)))
              .license
          : fs.readFileSync(beside(`${folder}/${file}`), "utf8");
      return `${path.basename(folder)}\n\n${text.trim()}`;
    })
    .join("\n\n----\n\n");
}

function pageScript() {
  const built = buildSync({
    entryPoints: [beside("browser.mjs")],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    write: false,
    metafile: true,
    absWorkingDir: here,
    logLevel: "error",
  });
  return {
    script: insideScript(built.outputFiles[0].text),
    licences: insideScript(licencesOf(Object.keys(built.metafile.inputs))),
  };
}

// The table below a chart has a row for each of its points.
function withTable(chart) {
  return {
    ...chart,
    vega: compileChart(chart),
    head: chart.columns.map((column) => column.title),
    rows: chart.values.map((value) => ({
      cells: chart.columns.map((column) => String(value[column.field])),
    })),
  };
}

function modelText(model) {
  return {
    name: model.name,
    weightsAre:
      model.weights === "random"
        ? "random weights of this shape"
        : "a trained checkpoint",
    shape:
      `${countText(model.parameters)} parameters, ` +
      `${bytesText(model.weights_bytes)} of weights, ` +
      `${model.num_layers} layers, ${model.num_heads} heads, ` +
      `width ${model.d_model}, context ${countText(model.max_positions)}`,
  };
}

function machineText(machine) {
  return {
    ...machine,
    text: `${machine.processor} with ${machine.cores} cores`,
    memory: bytesText(machine.memory_bytes),
    flop: flopText(machine.flop_per_s),
  };
}

function notesOn(results) {
  const notes = [];
  if (!results.complete) {
    notes.push(
      "The run was stopped before its end: this page shows only " +
        "what was measured.",
    );
  }
  if (results.quick) {
    notes.push("A quick run: fewer lengths and trials than ./kvlab lab makes.");
  }
  return notes;
}

function pageOf(results, sections) {
  return mustache.render(fs.readFileSync(beside("page.mustache"), "utf8"), {
    ...results,
    css: ["memo_figure.css", "page.css"]
      .map((name) => fs.readFileSync(beside(name), "utf8"))
      .join(""),
    ...pageScript(),
    madeAt: `${results.made_at.slice(0, 16).replace("T", " ")} UTC`,
    model: modelText(results.model),
    machine: machineText(results.machine),
    notes: notesOn(results),
    sections: sections.map((section) => ({
      ...section,
      tables: section.tables.map((table) => ({
        ...table,
        rows: table.rows.map((cells) => ({ cells })),
      })),
      charts: section.charts.map((chart) => ({
        ...chart,
        vega: jsonInsideScript(chart.vega),
      })),
    })),
  });
}

// Raw numbers, with the units that results.schema.json gives them.
function writeTables(charts, folder) {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  for (const { id, values } of charts) {
    const file = path.join(folder, `${id}.csv`);
    fs.writeFileSync(file, `${csvFormat(values)}\n`);
  }
}

function readResults(folder) {
  const file = path.join(folder, "results.json");
  if (!fs.existsSync(file)) {
    throw new Error(`${file} is missing; ./kvlab lab writes it`);
  }
  const results = JSON.parse(fs.readFileSync(file, "utf8"));
  if (results.format !== "kvlab lab results" || results.version !== 1) {
    throw new Error(`${file} is not from this version of ./kvlab lab`);
  }
  return results;
}

export async function writePage(folder) {
  const results = readResults(folder);
  const sections = sectionsOf(results).map((section) => ({
    ...section,
    charts: section.charts.map(withTable),
  }));
  const charts = sections.flatMap((section) => section.charts);
  writeTables(charts, path.join(folder, "csv"));
  await writePictures(charts, path.join(folder, "plots"));
  fs.writeFileSync(path.join(folder, "index.html"), pageOf(results, sections));
  return charts.length;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder] = process.argv.slice(2);
  if (!folder) {
    console.error("usage: write_page.mjs FOLDER");
    process.exit(2);
  }
  try {
    const charts = await writePage(folder);
    console.log(
      `kvlab lab: ${charts} charts and all numbers in ` +
        path.join(folder, "index.html"),
    );
  } catch (error) {
    console.error(`kvlab lab: ${error.message}`);
    process.exit(1);
  }
}
