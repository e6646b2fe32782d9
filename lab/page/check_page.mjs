// check_page.mjs FOLDER [PICTURES]: checks FOLDER/index.html in every view.
// Exit status 1 if something is wrong with it: a chart that is not drawn, words
// that are cut off, an interactive figure that ignores the keyboard, or a fault
// that third_party/chromium/look.mjs finds; or if this program does not find
// the faults of planted.html.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  AXE_VERSION,
  expectEyes,
  look,
  openBrowser,
  VIEWS,
} from "../../third_party/chromium/look.mjs";

const PLANTED = [
  "asks for",
  "axe color-contrast",
  "chart empty-chart: has no marks",
  "chart never-drawn: is not drawn",
  "chart cut-off: its words are cut off: Seconds",
  "console: ",
  "error: ",
  "figure: the right arrow key does not step",
  "wider than its window",
];

const PATIENCE_MS = 10000;

// Every chart is drawn, has marks, and none of its words reaches beyond it.
async function chartFaults(page) {
  await page
    .waitForFunction(
      () =>
        [...document.querySelectorAll(".chart")].every(
          (chart) => chart.dataset.drawn === "yes",
        ),
      undefined,
      { timeout: page.isPlanted ? 1 : PATIENCE_MS },
    )
    .catch(() => {});
  return page.evaluate(() => {
    const faults = [];
    if (!document.querySelector(".chart")) faults.push("there is no chart");
    for (const chart of document.querySelectorAll(".chart")) {
      const title = chart.closest("figure")?.querySelector("h3");
      const name = `chart ${title?.id.replace(/-title$/, "") ?? "?"}`;
      const svg = chart.querySelector("svg");
      if (chart.dataset.drawn !== "yes" || !svg) {
        faults.push(`${name}: is not drawn`);
        continue;
      }
      const marks = svg.querySelectorAll(
        ".mark-symbol path, .mark-rect path, .mark-line path",
      );
      if (marks.length === 0) faults.push(`${name}: has no marks`);
      const frame = svg.getBoundingClientRect();
      const slack = 2;
      const cut = [...svg.querySelectorAll("text")].filter((text) => {
        const box = text.getBoundingClientRect();
        return (
          text.textContent.trim() !== "" &&
          (box.left < frame.left - slack ||
            box.right > frame.right + slack ||
            box.top < frame.top - slack ||
            box.bottom > frame.bottom + slack)
        );
      });
      if (cut.length > 0) {
        faults.push(
          `${name}: its words are cut off: ` +
            cut.map((text) => text.textContent).join(", "),
        );
      }
    }
    return faults;
  });
}

// Steps through the figure by keyboard and counts its cells.
async function figureFaults(page) {
  if ((await page.locator(".memo").count()) === 0) {
    return page.hasMemo ? ["figure: it is missing"] : [];
  }
  const count = (kind) => page.locator(`.memo td.${kind}`).count();
  const layers = await page.locator(".memo tbody tr").count();
  const faults = [];
  const expect = async (what, computed, found) => {
    if (
      (await count("computed")) !== computed * layers ||
      (await count("found")) !== found * layers
    ) {
      faults.push(`figure: ${what}`);
    }
  };
  await page.locator(".memo .wide").focus();
  for (let i = 0; i < 3; i += 1) await page.keyboard.press("ArrowRight");
  await expect("the right arrow key does not step", 1, 2);
  await page.keyboard.press("m");
  await expect("the M key does not take the memo away", 3, 0);
  await page.keyboard.press("ArrowLeft");
  await expect("the left arrow key does not step back", 2, 0);
  await page.keyboard.press("Home");
  await expect("the Home key does not start again", 0, 0);
  await page.keyboard.press("m");
  await page.keyboard.press("End");
  const said = await page.locator(".memo [role=status]").textContent();
  if (!/^Step (\d+) of \1, with a memo/.test(said)) {
    faults.push(`figure: at its end it shows: ${said}`);
  }
  return faults;
}

const [folder, pictures] = process.argv.slice(2);
const browser = await openBrowser();
const also = [chartFaults, figureFaults];
const results = JSON.parse(
  fs.readFileSync(path.join(folder, "results.json"), "utf8"),
);
const knowing = (page) => {
  page.hasMemo = results.memo !== undefined;
  return [];
};
const planted = fileURLToPath(new URL("planted.html", import.meta.url));
await expectEyes(browser, planted, PLANTED, {
  also: [
    (page) => {
      page.isPlanted = true;
      return [];
    },
    ...also,
  ],
});
if (pictures) fs.mkdirSync(pictures, { recursive: true });
let failed = 0;
for (const view of VIEWS) {
  const picture = pictures && path.join(pictures, `${view.name}.png`);
  const file = path.resolve(folder, "index.html");
  const found = await look(browser, file, view, {
    picture,
    also: [knowing, ...also],
  });
  failed += found.length > 0 ? 1 : 0;
  for (const line of found) console.log(`${view.name}: ${line}`);
}
await browser.close();
console.log(
  `lab page: ${VIEWS.length} views, ${VIEWS.length - failed} passed, ` +
    `${failed} failed (axe ${AXE_VERSION})`,
);
process.exitCode = failed > 0 ? 1 : 0;
