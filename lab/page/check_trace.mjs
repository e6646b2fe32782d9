// check_trace.mjs FOLDER [PICTURES]: checks FOLDER/trace.html, of ./kvlab trace,
// in every view. Exit status 1 if something is wrong with it: a table that is
// not drawn, ignores the keyboard or does not mark the finding, or a fault that
// third_party/chromium/look.mjs finds.
import fs from "node:fs";
import path from "node:path";
import {
  AXE_VERSION,
  look,
  openBrowser,
  VIEWS,
} from "../../third_party/chromium/look.mjs";

// Moves through the table by keyboard.
async function tableFaults(page) {
  const faults = [];
  const said = () => page.locator(".trace [role=status]").textContent();
  const current = () =>
    page.evaluate(() => {
      const cell = document.querySelector(".trace td.current");
      return (
        cell && [Number(cell.dataset.layer), Number(cell.dataset.position)]
      );
    });
  if ((await page.locator(".trace table").count()) !== 1) {
    return ["table: it is not drawn"];
  }
  if ((await page.locator(".trace td.finding").count()) !== 1) {
    faults.push("table: the finding is not marked");
  }
  const begin = await current();
  const first = await said();
  await page.locator(".trace .wide").focus();
  const move = async (key, to) => {
    await page.keyboard.press(key);
    if (JSON.stringify(await current()) !== JSON.stringify(to)) {
      faults.push(`table: ${key} leads to ${await current()}, not ${to}`);
    }
  };
  // Away from the edges of the table, on which keys do nothing.
  for (let i = 0; i < 60; i += 1) await page.keyboard.press("ArrowLeft");
  for (let i = 0; i < 20; i += 1) await page.keyboard.press("ArrowDown");
  if ((await current()).join() !== "0,0") faults.push("table: no way to 0, 0");
  await move("ArrowRight", [0, 1]);
  await move("ArrowUp", [1, 1]);
  await move("ArrowDown", [0, 1]);
  await move("ArrowLeft", [0, 0]);
  if ((await said()) === first && begin.join() !== "0,0") {
    faults.push("table: the numbers do not follow the keys");
  }
  await move("Home", begin);
  if ((await said()) !== first) faults.push("table: Home says something else");
  return faults;
}

const [folder, pictures] = process.argv.slice(2);
const trace = JSON.parse(
  fs.readFileSync(path.join(folder, "trace.json"), "utf8"),
);
// Tokens that differ have no table.
const also = trace.table ? [tableFaults] : [];
const browser = await openBrowser();
if (pictures) fs.mkdirSync(pictures, { recursive: true });
let failed = 0;
for (const view of VIEWS) {
  const picture = pictures && path.join(pictures, `trace-${view.name}.png`);
  const file = path.resolve(folder, "trace.html");
  const found = await look(browser, file, view, {
    picture,
    also,
  });
  failed += found.length > 0 ? 1 : 0;
  for (const line of found) console.log(`${view.name}: ${line}`);
}
await browser.close();
console.log(
  `trace page: ${VIEWS.length} views, ${VIEWS.length - failed} passed, ` +
    `${failed} failed (axe ${AXE_VERSION})`,
);
process.exitCode = failed > 0 ? 1 : 0;
