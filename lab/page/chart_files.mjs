// Charts as Vega specifications, SVG and PNG.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import * as vega from "vega";
import { compile } from "vega-lite";
import { CONFIG_OF_ALL } from "./chart_kinds.mjs";

// A warning from Vega is a bug here: a scale without a domain, a missing field.
function strictLogger(id) {
  const refuse = (...words) => {
    throw new Error(`chart ${id}: ${words.join(" ")}`);
  };
  return {
    level: () => vega.Warn,
    error: refuse,
    warn: refuse,
    info: () => {},
    debug: () => {},
  };
}

export function compileChart(chart) {
  const spec = { ...CONFIG_OF_ALL, ...chart.spec };
  return compile(spec, { logger: strictLogger(chart.id) }).spec;
}

// The same picture on white, for use outside the page.
export async function svgOf(vegaSpec) {
  const view = new vega.View(vega.parse(vegaSpec), { renderer: "none" })
    .background("white")
    .padding(12);
  // Once to measure the legend, once to fit beside it.
  await view.runAsync();
  await view.resize().runAsync();
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}

// DIR/ID.svg and DIR/ID.png of each chart; deletes those of an earlier run.
export async function writePictures(charts, folder) {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  for (const { id, vega: spec } of charts) {
    const svg = path.join(folder, `${id}.svg`);
    fs.writeFileSync(svg, await svgOf(spec));
    execFileSync("rsvg-convert", [
      "--zoom",
      "2",
      "--output",
      path.join(folder, `${id}.png`),
      svg,
    ]);
  }
}
