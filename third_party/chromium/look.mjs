// Checks a page in headless Chromium as a reader sees it: on a phone, on a
// desk, in dark mode and on paper.
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { chromium } from "playwright-core";

export const AXE_VERSION = axe.version;

export const VIEWS = [
  { name: "phone", width: 390, media: "screen", colorScheme: "light" },
  { name: "phone-dark", width: 390, media: "screen", colorScheme: "dark" },
  { name: "desk", width: 1280, media: "screen", colorScheme: "light" },
  { name: "desk-dark", width: 1280, media: "screen", colorScheme: "dark" },
  { name: "paper", width: 794, media: "print", colorScheme: "light" },
];

export function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Chromium refuses its own sandbox to root; the pages are ours.
    args: process.getuid() === 0 ? ["--no-sandbox"] : [],
  });
}

// Unfolds everything, since axe ignores hidden parts.
async function barriers(page) {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    for (const check of document.querySelectorAll("details")) check.open = true;
    // Style sheets are ours; a page opened from a file may not read them again.
    const result = await window.axe.run(document, { preload: false });
    const enough = 3;
    return result.violations.map(({ id, help, nodes }) =>
      [
        `axe ${id}: ${help} (${nodes.length} times)`,
        ...nodes.slice(0, enough).map((node) => node.html.slice(0, 120)),
      ].join("\n    "),
    );
  });
}

async function tooWide(page) {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth
      ? [`wider than its window: ${scrollWidth} > ${clientWidth}`]
      : [];
  });
}

// The faults of a page, as texts: a barrier that axe finds, a console message,
// an uncaught error, a request for anything beyond the page, too much width.
// `file`: its path, or its address if it is served. `also`: further checks, each
// a function of the page that resolves to such texts. `picture`: the path of a
// screenshot. `around`: an address; requests for what is below it are no fault.
export async function look(
  browser,
  file,
  view,
  { picture, also = [], around } = {},
) {
  const page = await browser.newPage({
    viewport: { width: view.width, height: 844 },
    colorScheme: view.colorScheme,
  });
  const found = [];
  const url = /^https?:/.test(file) ? file : pathToFileURL(file).href;
  page.on("request", (request) => {
    const asked = request.url();
    const isPart = around !== undefined && asked.startsWith(around);
    if (asked !== url && !isPart) found.push(`asks for ${asked}`);
  });
  page.on("console", (message) => found.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => found.push(`error: ${error.message}`));
  await page.emulateMedia({ media: view.media });
  await page.goto(url);
  for (const ask of also) found.push(...(await ask(page)));
  if (picture) await page.screenshot({ path: picture, fullPage: true });
  found.push(...(await tooWide(page)), ...(await barriers(page)));
  await page.close();
  return found;
}

// Throws if a page with planted faults does not show each of them.
export async function expectEyes(browser, file, planted, options) {
  const found = await look(browser, file, VIEWS[0], options);
  const missed = planted.filter(
    (fault) => !found.some((line) => line.startsWith(fault)),
  );
  if (missed.length > 0) {
    throw new Error(`${file}: does not find: ${missed.join(", ")}`);
  }
}
