// check_pages.mjs FOLDER [PICTURES]: checks each page of FOLDER in every view.
// Exit status 1 if one of them has a fault, runs text of a submission as a
// script or has a table that ignores the keyboard, or if this program does not
// find the faults of planted.html.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  AXE_VERSION,
  expectEyes,
  look,
  openBrowser,
  VIEWS,
} from "../../../third_party/chromium/look.mjs";

const PLANTED = [
  "asks for",
  "axe color-contrast",
  "axe html-has-lang",
  "axe image-alt",
  "ran a word",
  "table: checks are not filtered",
  "table: checks are not sorted",
  "wider than its window",
];

async function ranAWord(page) {
  const taken = await page.evaluate(() => window.taken !== undefined);
  return taken ? ["ran a word of a submission"] : [];
}

// Sorts and filters each table, by keyboard alone; then all is as before.
async function tableFaults(page) {
  // Paper has no controls.
  if (await page.evaluate(() => window.matchMedia("print").matches)) return [];
  const faults = [];
  for (const table of await page.locator("table[data-rows]").all()) {
    const rows = await table.getAttribute("data-rows");
    const shown = () =>
      table.evaluate((element) =>
        [...element.tBodies[0].rows]
          .filter((row) => !row.hidden)
          .map((row) => row.cells[0].textContent),
      );
    const before = await shown();
    const head = table.locator("thead button").first();
    await head.focus();
    await page.keyboard.press("Enter");
    const ascending = await shown();
    await page.keyboard.press("Space");
    const descending = await shown();
    const said = await table
      .locator("thead th")
      .first()
      .getAttribute("aria-sort");
    const isTurned =
      ascending.length === before.length &&
      [...descending].reverse().join("\n") === ascending.join("\n");
    // Equal names may stay in their order.
    const isUnique = new Set(before).size === before.length;
    if (said !== "descending" || (isUnique && !isTurned)) {
      faults.push(`table: ${rows} are not sorted`);
    }
    const own = table.locator(
      "xpath=ancestor::div[contains(@class, 'wide')]/preceding-sibling::div[1]",
    );
    await own.locator("input").focus();
    await page.keyboard.type("no row has these words");
    const none = await shown();
    const count = await own.locator("[role=status]").textContent();
    if (none.length > 0 || !count.startsWith("0 of ")) {
      faults.push(`table: ${rows} are not filtered`);
    }
    await page.keyboard.press("Control+A");
    await page.keyboard.press("Delete");
    if ((await shown()).length !== before.length) {
      faults.push(`table: ${rows} stay hidden`);
    }
  }
  return faults;
}

const [folder, pictures] = process.argv.slice(2);
const names = fs
  .readdirSync(folder)
  .filter((name) => name.endsWith(".html"))
  .sort();
if (names.length === 0) throw new Error(`there is no page in ${folder}`);
const browser = await openBrowser();
const also = [tableFaults, ranAWord];
const planted = fileURLToPath(new URL("planted.html", import.meta.url));
await expectEyes(browser, planted, PLANTED, { also });
let looks = 0;
let failed = 0;
for (const name of names) {
  for (const view of VIEWS) {
    const picture =
      pictures &&
      path.join(pictures, `${path.basename(name, ".html")}-${view.name}.png`);
    const file = path.resolve(folder, name);
    const found = await look(browser, file, view, { picture, also });
    looks += 1;
    failed += found.length > 0 ? 1 : 0;
    for (const line of found) console.log(`${name}, ${view.name}: ${line}`);
  }
}
await browser.close();
console.log(
  `class pages: ${names.length} pages in ${VIEWS.length} views, ` +
    `${looks - failed} passed, ${failed} failed (axe ${AXE_VERSION})`,
);
process.exitCode = failed > 0 ? 1 : 0;
