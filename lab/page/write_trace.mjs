// write_trace.mjs FOLDER: makes the page FOLDER/trace.html from
// FOLDER/trace.json, which ./kvlab trace wrote.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import mustache from "mustache";
import { numberText } from "./trace_figure.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const beside = (name) => path.join(here, name);
const read = (name) => fs.readFileSync(beside(name), "utf8");

function pageScript() {
  const built = buildSync({
    entryPoints: [beside("trace_browser.mjs")],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    write: false,
    absWorkingDir: here,
    logLevel: "error",
  });
  return built.outputFiles[0].text.replace(/<(?=\/script|!--)/gi, "\\x3c");
}

function numbersOf({ seen, right }) {
  return right.map((number, index) => {
    const yours = seen[index] ?? null;
    return {
      index,
      seen: numberText(yours),
      right: numberText(number),
      apart:
        yours === null || number === null ? "" : numberText(yours - number),
    };
  });
}

function sideText(numbers, text) {
  if (numbers.length === 0) return text;
  const few = 8;
  const shown = numbers.slice(0, few).map(numberText).join(", ");
  return `[${shown}${numbers.length > few ? ", …" : ""}]`;
}

export function pageOf(trace) {
  const { finding, table } = trace;
  return mustache.render(read("trace.mustache"), {
    ...trace,
    heading: trace.headline[0].toUpperCase() + trace.headline.slice(1),
    css: ["memo_figure.css", "page.css", "trace.css"].map(read).join(""),
    script: pageScript(),
    finding: finding && {
      ...finding,
      yours: sideText(finding.seen, finding.seen_text),
      correct: sideText(finding.right, finding.right_text),
    },
    table: finding &&
      table && {
        ...table,
        json: JSON.stringify({ finding, table }).replaceAll("<", "\\u003c"),
      },
    hasNumbers: finding !== undefined && finding.right.length > 0,
    numbers: finding ? numbersOf(finding) : [],
  });
}

export function writeTrace(folder) {
  const file = path.join(folder, "trace.json");
  const trace = JSON.parse(fs.readFileSync(file, "utf8"));
  if (trace.format !== "kvlab trace" || trace.version !== 1) {
    throw new Error(`${file} is not from this version of ./kvlab trace`);
  }
  const page = path.join(folder, "trace.html");
  fs.writeFileSync(page, pageOf(trace));
  return page;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder] = process.argv.slice(2);
  if (!folder) {
    console.error("usage: write_trace.mjs FOLDER");
    process.exit(2);
  }
  try {
    console.log(`  page     ${writeTrace(folder)}`);
  } catch (error) {
    console.error(`kvlab trace: ${error.message}`);
    process.exit(1);
  }
}
