// check_book.mjs FOLDER HANDOUT [PICTURES]: checks the book in FOLDER, and the
// links of the students' book in HANDOUT. Exit status 1 if
// a link of any page is dead, or a page has a fault in some view: the search
// fails, or one that third_party/chromium/look.mjs finds; or if this program
// does not find the faults of planted.html.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  AXE_VERSION,
  expectEyes,
  look,
  openBrowser,
  VIEWS,
} from "../third_party/chromium/look.mjs";
import { deadLinks } from "./dead_links.mjs";
import { serve } from "./serve.mjs";

// In every view: the first page, formulas, a contract.
const PAGES = [
  "index.html",
  "docs/theory.html",
  "modules/03_memoization/kv_cache.h.html",
];
// In two: pictures, long lines of code, wide tables, long lists.
const MORE_PAGES = [
  "modules/01_attention/index.html",
  "modules/04_profiling/index.html",
  "kit/index.html",
  "docs/grader.html",
];
const TWO_VIEWS = VIEWS.filter(({ name }) => /^(phone|desk-dark)$/.test(name));

const PLANTED = [
  "asks for",
  "axe color-contrast",
  "console: ",
  "wider than its window",
  "search: ",
];

const PATIENCE_MS = 5000;

// What a student would do: type, read, go there by keyboard.
async function searchFaults(page) {
  if (await page.evaluate(() => matchMedia("print").matches)) return [];
  const shown = page.locator(".hits a");
  await page.locator("[type=search]").fill("left_pad");
  const first = await shown
    .first()
    .waitFor({ timeout: page.isPlanted ? 1 : PATIENCE_MS })
    .then(() => true)
    .catch(() => false);
  if (!first) return ["search: finds no 'left_pad'"];
  const faults = [];
  const found = await page.evaluate(() =>
    [...document.querySelectorAll(".hits li")].map((item) => ({
      to: item.querySelector("a").href,
      marks: item.querySelectorAll("mark").length,
    })),
  );
  if (
    !found.some(({ to }) => to.endsWith("attention.h.html#CausalAttention"))
  ) {
    faults.push("search: 'left_pad' does not lead to CausalAttention");
  }
  if (found.some(({ marks }) => marks === 0)) {
    faults.push("search: a hit does not show 'left_pad'");
  }
  await page.keyboard.press("Enter");
  const isOnHit = await page.evaluate(
    () => document.activeElement === document.querySelector(".hits a"),
  );
  if (!isOnHit) faults.push("search: Enter does not lead to the first hit");
  await page.locator("[type=search]").fill("3.4");
  const task = page.locator('.hits a[href$="#LayerCache.Keys"]');
  if ((await task.count()) === 0) faults.push("search: does not find task 3.4");
  return faults;
}

// On a phone the contents unfold; the search stays open for axe.
async function menuFaults(page) {
  const menu = page.locator(".menu");
  if (!(await menu.isVisible())) return [];
  const contents = page.locator("#contents");
  if (await contents.isVisible()) return ["menu: the contents are not folded"];
  await menu.click();
  return (await contents.isVisible()) ? [] : ["menu: shows no contents"];
}

function formulaFaults(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll(".formula")]
      .filter((each) => !each.querySelector(".katex math"))
      .map((each) => `formula: is not set: ${each.textContent}`),
  );
}

// The laboratory tests the figure itself; here its styles meet the book's.
async function figureFaults(page) {
  if ((await page.locator("figure.memo").count()) === 0) return [];
  await page.locator(".memo .wide").focus();
  for (let i = 0; i < 3; i += 1) await page.keyboard.press("ArrowRight");
  return page.evaluate(() => {
    const frame = document.querySelector(".memo .wide").getBoundingClientRect();
    const cells = [...document.querySelectorAll(".memo td")];
    const isInside = (cell) => {
      const { top, bottom } = cell.getBoundingClientRect();
      return top >= frame.top && bottom <= frame.bottom;
    };
    const found = cells.filter((cell) => cell.className === "found");
    return cells.every(isInside) && found.length > 0
      ? []
      : ["figure: its cells are not in place"];
  });
}

async function pictureFaults(page) {
  return page.evaluate(() =>
    [...document.images]
      .filter((image) => !image.complete || image.naturalWidth === 0)
      .map((image) => `picture: is not shown: ${image.src}`),
  );
}

const [folder, handout, pictures] = process.argv.slice(2);
const browser = await openBrowser();
const planted = fileURLToPath(new URL("planted.html", import.meta.url));
await expectEyes(browser, planted, PLANTED, {
  also: [
    (page) => {
      page.isPlanted = true;
      return searchFaults(page);
    },
  ],
});
const plantedLinks = deadLinks(
  new Map([["planted.html", fs.readFileSync(planted, "utf8")]]),
  () => false,
);
if (plantedLinks.length !== 2) {
  throw new Error(`planted.html: finds ${plantedLinks.length} dead links of 2`);
}

let failed = 0;
let checks = 0;
function report(name, found) {
  checks += 1;
  failed += found.length > 0 ? 1 : 0;
  for (const line of found) console.log(`${name}: ${line}`);
}

// The pages of a book, whose links are checked; {path: HTML}.
function checkLinks(book) {
  const html = new Map(
    fs
      .readdirSync(book, { recursive: true })
      .filter((name) => name.endsWith(".html"))
      .map((name) => [name, fs.readFileSync(path.join(book, name), "utf8")]),
  );
  const has = (name) => fs.existsSync(path.join(book, name));
  report(`links of ${html.size} pages`, deadLinks(html, has));
  return html;
}
const html = checkLinks(folder);
const students = checkLinks(handout);
if (students.size >= html.size || !students.has("docs/theory.html")) {
  report("handout", [`its book has ${students.size} pages of ${html.size}`]);
}

if (pictures) fs.mkdirSync(pictures, { recursive: true });
for (const name of [...PAGES, ...MORE_PAGES]) {
  for (const view of PAGES.includes(name) ? VIEWS : TWO_VIEWS) {
    const short = `${name.replace(/\.html$/, "").replaceAll("/", "-")}-${view.name}`;
    const found = await look(browser, path.resolve(folder, name), view, {
      picture: pictures && path.join(pictures, `${short}.png`),
      around: pathToFileURL(folder).href,
      also: [
        formulaFaults,
        figureFaults,
        pictureFaults,
        ...(name === PAGES[0] ? [menuFaults, searchFaults] : []),
      ],
    });
    report(`${name}, ${view.name}`, found);
  }
}

const { server, address: site } = await serve(folder);
report(
  "served",
  await look(browser, `${site}docs/theory.html`, VIEWS[0], {
    around: site,
    also: [menuFaults, searchFaults],
  }),
);
server.close();
await browser.close();
console.log(
  `book: ${html.size} pages, the students' ${students.size}; ${checks} checks, ` +
    `${checks - failed} passed, ${failed} failed (axe ${AXE_VERSION})`,
);
process.exitCode = failed > 0 ? 1 : 0;
