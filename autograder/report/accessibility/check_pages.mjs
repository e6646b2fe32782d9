// check_pages.mjs FOLDER [PICTURES]: checks each FOLDER/NAME/report.html in
// every view. Exit status 1 if one of them has a fault or runs text of the
// submission as a script, or if this program does not find the faults of
// planted.html.
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
  "axe color-contrast",
  "axe html-has-lang",
  "axe image-alt",
  "asks for",
  "ran a word",
  "wider than its window",
];

async function ranAWord(page) {
  const taken = await page.evaluate(() => window.taken !== undefined);
  return taken ? ["ran a word of the submission"] : [];
}

const [folder, pictures] = process.argv.slice(2);
const names = fs
  .readdirSync(folder)
  .filter((name) => fs.existsSync(path.join(folder, name, "report.html")))
  .sort();
if (names.length === 0) throw new Error(`there is no report in ${folder}`);
const browser = await openBrowser();
const also = [ranAWord];
const planted = fileURLToPath(new URL("planted.html", import.meta.url));
await expectEyes(browser, planted, PLANTED, { also });
let looks = 0;
let failed = 0;
for (const name of names) {
  for (const view of VIEWS) {
    const file = path.resolve(folder, name, "report.html");
    const picture = pictures && path.join(pictures, `${name}-${view.name}.png`);
    const found = await look(browser, file, view, { picture, also });
    looks += 1;
    failed += found.length > 0 ? 1 : 0;
    for (const line of found) console.log(`${name}, ${view.name}: ${line}`);
  }
}
await browser.close();
console.log(
  `report page: ${names.length} reports in ${VIEWS.length} views, ` +
    `${looks - failed} passed, ${failed} failed (axe ${AXE_VERSION})`,
);
process.exitCode = failed > 0 ? 1 : 0;
