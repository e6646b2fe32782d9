// ./kvlab book: writes the book of the tree around this folder.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Book } from "./book.mjs";
import { memoFigure } from "./memo.mjs";
import { serve } from "./serve.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.dirname(HERE);
const PACKAGES = path.join(HERE, "node_modules");

const read = (name) => fs.readFileSync(path.join(HERE, name), "utf8");

// KaTeX's style sheet with its fonts inside: some browsers refuse a page that
// was opened from a file a font from another one.
function formulaStyle() {
  const css = path.join(PACKAGES, "katex/dist/katex.min.css");
  const font = (name) =>
    fs.readFileSync(path.join(path.dirname(css), name)).toString("base64");
  return fs
    .readFileSync(css, "utf8")
    .replace(/src:url\((fonts\/[^)]+\.woff2)\)[^;}]*/g, (_, name) => {
      return `src:url(data:font/woff2;base64,${font(name)}) format("woff2")`;
    });
}

// What the book is made with and contains parts of.
function licences() {
  return ["minisearch", "katex", "highlight.js", "markdown-it"]
    .map((name) => {
      const folder = path.join(PACKAGES, name);
      const file = fs
        .readdirSync(folder)
        .find((each) => /^licen[cs]e/i.test(each));
      return `${name}\n\n${fs.readFileSync(path.join(folder, file), "utf8").trim()}`;
    })
    .join("\n\n----\n\n");
}

function searchScript() {
  const engine = fs
    .readFileSync(path.join(PACKAGES, "minisearch/dist/umd/index.js"), "utf8")
    .replace(/\n\/\/# sourceMappingURL=.*/, "");
  return `${engine}\n${read("search.mjs")}`;
}

function write(folder, name, content) {
  const file = path.join(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
}

// A folder that was not made by this program is left alone.
function clear(folder) {
  if (!fs.existsSync(folder)) return;
  const isOurs = fs.existsSync(path.join(folder, "assets", "sections.js"));
  if (!isOurs && fs.readdirSync(folder).length > 0) {
    throw new Error(
      `${folder} is not empty and holds no book\n` +
        "  why: everything in the book's folder is replaced\n" +
        "  fix: name a new folder",
    );
  }
  fs.rmSync(folder, { recursive: true });
}

const USAGE = `usage: ./kvlab book [--out FOLDER] [--serve [--port PORT]]
Turns the pages and headers into a book to read without a network.
  --out FOLDER   where to, instead of .kvlab/book; any web server of static
                 files can serve this folder
  --serve        shows the book at an address of this machine, until Ctrl-C
  --port PORT    of this address, instead of a free one`;

// The page that ./kvlab lab has made, if it has: one file that needs no other.
const REPORT = {
  out: "report/index.html",
  label: "The laboratory's report",
};

function writeBook(folder) {
  const figure = memoFigure();
  const report = path.join(ROOT, REPORT.out);
  const hasReport = fs.existsSync(report);
  const book = new Book(ROOT, {
    figures: { memo: figure },
    others: hasReport ? [REPORT] : [],
  });
  const pages = book.render();
  if (book.problems.length > 0) throw new Error(book.problems.join("\n"));
  clear(folder);
  for (const { out, html } of pages) write(folder, out, html);
  for (const [source, out] of book.images) {
    write(folder, out, fs.readFileSync(path.join(ROOT, source)));
  }
  if (hasReport) write(folder, REPORT.out, fs.readFileSync(report));
  const sections = JSON.stringify(book.sections());
  write(folder, "assets/sections.js", `bookSections(${sections});\n`);
  write(folder, "assets/search.js", searchScript());
  write(folder, "assets/book.js", read("browser.mjs"));
  write(folder, figure.script, figure.source);
  write(folder, "assets/book.css", figure.style + read("book.css"));
  write(folder, "assets/formulas.css", formulaStyle());
  write(folder, "assets/licences.txt", `${licences()}\n`);
  return pages.length;
}

async function main() {
  const { values } = parseArgs({
    options: {
      help: { type: "boolean", short: "h" },
      out: { type: "string", default: path.join(ROOT, ".kvlab", "book") },
      port: { type: "string", default: "0" },
      serve: { type: "boolean" },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const folder = path.resolve(values.out);
  const pages = writeBook(folder);
  console.log(`kvlab book: ${pages} pages; open ${folder}/index.html`);
  if (values.serve) {
    const { address } = await serve(folder, Number(values.port));
    console.log(`kvlab book: served at ${address} until Ctrl-C`);
  }
}

try {
  await main();
} catch (error) {
  console.error(`kvlab book: ${error.message}`);
  process.exitCode = error.code?.startsWith("ERR_PARSE_ARGS") ? 2 : 1;
}
