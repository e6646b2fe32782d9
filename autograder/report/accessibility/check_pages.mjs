// check_pages.mjs FOLDER [PICTURES]: looks at each FOLDER/NAME/report.html as a
// reader would: on a phone, on a desk, in the dark and on paper. Exit status 1
// if axe finds a barrier, a page is wider than its window, asks for anything
// beyond itself, or lets a word of the submission run; or if this program does
// not find the faults of planted.html.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import axe from "axe-core";
import { chromium } from "playwright-core";

const VIEWS = [
  { name: "phone", width: 390, media: "screen", colorScheme: "light" },
  { name: "phone-dark", width: 390, media: "screen", colorScheme: "dark" },
  { name: "desk", width: 1280, media: "screen", colorScheme: "light" },
  { name: "desk-dark", width: 1280, media: "screen", colorScheme: "dark" },
  { name: "paper", width: 794, media: "print", colorScheme: "light" },
];

const PLANTED = [
  "axe color-contrast",
  "axe html-has-lang",
  "axe image-alt",
  "asks for",
  "ran a word",
  "wider than its window",
];

// Everything folded is unfolded too: what is hidden is not looked at.
async function barriers(page) {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    for (const check of document.querySelectorAll("details")) check.open = true;
    const result = await window.axe.run(document);
    return result.violations.map(
      (rule) =>
        `axe ${rule.id}: ${rule.help}\n    ` +
        rule.nodes.map((node) => node.html.slice(0, 120)).join("\n    "),
    );
  });
}

async function surprises(page) {
  return page.evaluate(() => {
    const found = [];
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) {
      found.push(`wider than its window: ${scrollWidth} > ${clientWidth}`);
    }
    if (window.taken !== undefined) found.push("ran a word of the submission");
    return found;
  });
}

async function look(browser, file, view, picture) {
  const page = await browser.newPage({
    viewport: { width: view.width, height: 844 },
    colorScheme: view.colorScheme,
  });
  const found = [];
  const url = pathToFileURL(file).href;
  page.on("request", (request) => {
    if (request.url() !== url) found.push(`asks for ${request.url()}`);
  });
  page.on("console", (message) => found.push(`console: ${message.text()}`));
  await page.emulateMedia({ media: view.media });
  await page.goto(url);
  if (picture) await page.screenshot({ path: picture, fullPage: true });
  found.push(...(await surprises(page)), ...(await barriers(page)));
  await page.close();
  return found;
}

async function expectEyes(browser) {
  const file = fileURLToPath(new URL("planted.html", import.meta.url));
  const found = await look(browser, file, VIEWS[0]);
  const missed = PLANTED.filter(
    (fault) => !found.some((line) => line.startsWith(fault)),
  );
  if (missed.length > 0) throw new Error(`does not find: ${missed.join(", ")}`);
}

const [folder, pictures] = process.argv.slice(2);
const names = fs
  .readdirSync(folder)
  .filter((name) => fs.existsSync(path.join(folder, name, "report.html")))
  .sort();
if (names.length === 0) throw new Error(`there is no report in ${folder}`);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  // Chromium refuses its own sandbox to root; the pages are ours.
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});
await expectEyes(browser);
let looks = 0;
let failed = 0;
for (const name of names) {
  for (const view of VIEWS) {
    const file = path.resolve(folder, name, "report.html");
    const picture = pictures && path.join(pictures, `${name}-${view.name}.png`);
    const found = await look(browser, file, view, picture);
    looks += 1;
    failed += found.length > 0 ? 1 : 0;
    for (const line of found) console.log(`${name}, ${view.name}: ${line}`);
  }
}
await browser.close();
console.log(
  `report page: ${names.length} reports in ${VIEWS.length} views, ` +
    `${looks - failed} passed, ${failed} failed (axe ${axe.version})`,
);
process.exitCode = failed > 0 ? 1 : 0;
