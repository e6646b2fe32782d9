// The figure of the laboratory: a generation with and without the memo, step by
// step, here with the counts of the formula, which the figure checks.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const LAB = path.join(
  path.dirname(fileURLToPath(import.meta.url)),
  "../lab/page",
);
const LAYERS = 4; // as the model in models/
const STEPS = 8;

function counts() {
  return Array.from({ length: STEPS }, (_, index) => ({
    step: index + 1,
    computed_without: LAYERS * (index + 1),
    computed_with: LAYERS,
    hits: LAYERS * index,
  }));
}

// {html, script, source, style}: the HTML of the page, the address of its
// script in the book, the script's text, and its style sheet.
export function memoFigure() {
  const data = JSON.stringify({ numLayers: LAYERS, steps: counts() });
  // A module would not load into a page that was opened from a file.
  const drawing = fs
    .readFileSync(path.join(LAB, "memo_figure.mjs"), "utf8")
    .replace(/^export /gm, "");
  return {
    html:
      '<figure class="memo"><figcaption>Step through a generation of ' +
      `${STEPS} tokens in a model of ${LAYERS} layers, with and without the ` +
      `memo.</figcaption><script type="application/json">${data}</script>` +
      "<noscript><p>This figure needs JavaScript.</p></noscript></figure>\n",
    script: "assets/memo.js",
    source:
      `(() => {\n${drawing}\nfor (const figure of ` +
      'document.querySelectorAll("figure.memo")) drawMemoFigure(figure);\n})();\n',
    style: fs.readFileSync(path.join(LAB, "memo_figure.css"), "utf8"),
  };
}
