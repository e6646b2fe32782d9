// What the programs of ./kvlab book promise. Run by book/check.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Book } from "./book.mjs";
import { readParts } from "./contents.mjs";
import { blocksOf, readContract } from "./contract.mjs";
import { deadLinks } from "./dead_links.mjs";
import { outline, render, slug } from "./markdown.mjs";
import { memoFigure } from "./memo.mjs";
import { fileOf } from "./serve.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.dirname(HERE);

const HEADER = `// Module 3: a cache.
// Source: a paper.
#ifndef A_H_
#define A_H_

#include "kit/error.h"

namespace kvlab {

// Task 3.2. Bytes of a cache:
//   2 * layers
// Throws ContractError if they do not fit.
int CacheBytes(int layers,
               int heads);

// Sizes.
struct Shape {
  int batch = 0;  // rows
};

// Keys and values.
class LayerCache {
 public:
  explicit LayerCache(const Shape& shape);

  // Task 3.4. Views, as CacheBytes counts them.
  int Keys() const { return keys_; }
  int Values() const;

 private:
  // Given.
  void Check() const;

  int keys_ = 0;
};

}  // namespace kvlab

#endif  // A_H_
`;

const made = [];
after(() => {
  for (const root of made) fs.rmSync(root, { recursive: true });
});

function tree(files) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "kvlab-book-"));
  made.push(root);
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(root, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }
  return root;
}

const SMALL = {
  "README.md":
    "# Course\n\n[one](modules/01_a/README.md#tasks), [law](LICENSE), " +
    "[far](https://example.org/)\n\n![a\npicture](docs/a.svg)\n",
  LICENSE: "Free.\n",
  "docs/a.svg": "<svg></svg>",
  "docs/theory.md": "# Theory\n\n`modules/01_a/a.h` and `LayerCache::Keys`\n",
  "kit/error.h": "// Errors.\n\nclass ContractError {};\n",
  "modules/01_a/README.md":
    "# Module\n\n## Tasks\n\n| task | what |\n|---|---|\n" +
    "| 3.4 | `Keys` of `a.h` |\n",
  "modules/01_a/a.h": HEADER,
};
const PARTS = [
  {
    title: "All",
    pages: ["README.md", "modules/*/README.md", "docs/theory.md"],
  },
  { title: "Given", pages: ["kit", "gone.md"] },
];

function rendered(files, options = {}) {
  const book = new Book(tree(files), { parts: PARTS, ...options });
  const pages = new Map(book.render().map(({ out, html }) => [out, html]));
  return { book, pages };
}

const LINKS = {
  link: (target) => target,
  image: (target) => target,
  ofCode: () => null,
  ofTask: () => null,
  figure: (name) => `<figure>${name}</figure>`,
};

test("a header is read declaration by declaration", () => {
  const { about, includes, sections } = readContract(HEADER);
  assert.deepEqual(about, ["Module 3: a cache.", "Source: a paper."]);
  assert.deepEqual(includes, ["kit/error.h"]);
  assert.deepEqual(
    sections.map(({ title, task }) => [title, task]),
    [
      ["CacheBytes", "3.2"],
      ["Shape", null],
      ["LayerCache", null],
    ],
  );
  assert.match(sections[0].code, /^int CacheBytes\(int layers,\n.*heads\);$/);
  assert.match(sections[1].code, /batch = 0; {2}\/\/ rows/);
});

test("of a class the public members are shown, with the class as owner", () => {
  const [, , cache] = readContract(HEADER).sections;
  assert.equal(cache.code, "class LayerCache { … };");
  assert.deepEqual(
    cache.members.map(({ owner, names, task }) => [owner, names, task]),
    [
      ["LayerCache", ["LayerCache"], null],
      ["LayerCache", ["Keys", "Values"], "3.4"],
    ],
  );
});

test("no declaration of the course's headers is lost", () => {
  const headers = [...new Book(ROOT).pages.values()].filter(
    (page) => page.isHeader && page.source.startsWith("modules/"),
  );
  assert.ok(headers.length > 10);
  for (const { source, text, contract } of headers) {
    const shown = (sections) =>
      sections.flatMap((each) => [each.code, ...shown(each.members)]);
    const all = shown(contract.sections).join("\n");
    const declared = text
      .replace(/\n private:[\s\S]*?\n};/g, "\n};")
      .matchAll(/^ {0,2}(?! )[^/#}\n]*?\b(\w+)\(/gm);
    for (const [, name] of declared) {
      assert.ok(all.includes(`${name}(`), `${source}: ${name}`);
    }
  }
});

test("indented lines of a comment are code, with their continuation", () => {
  assert.deepEqual(
    blocksOf([
      "The cache. It",
      "keeps.",
      "  keys  [B, H] and",
      "what goes on",
      "",
      "Throws E.",
    ]),
    [
      { kind: "text", text: "The cache. It\nkeeps." },
      { kind: "code", text: "keys  [B, H] and\n  what goes on" },
      { kind: "text", text: "Throws E." },
    ],
  );
});

test("headings have the anchors that forges give them", () => {
  const seen = new Map();
  assert.equal(slug("The `kvlab`: [a](b.md)", seen), "the-kvlab-a");
  assert.equal(slug("The kvlab: a", seen), "the-kvlab-a-1");
  assert.deepEqual(
    outline("# A\n\nwords\n\n```\n# no heading\n```\n\n## B\n\n`more`\n")
      .headings,
    [
      { level: 1, id: "a", title: "A", text: "words\n# no heading\n" },
      { level: 2, id: "b", title: "B", text: "more" },
    ],
  );
});

test("a table of three columns with sentences is stacked on a phone", () => {
  const table = (cell) => `| a | b | c |\n|---|---|---|\n| 1 | 2 | ${cell} |\n`;
  assert.match(render(table("short"), LINKS), /<div class="wide" /);
  const wordy = render(table("word ".repeat(20)), LINKS);
  assert.match(wordy, /class="wide wordy"/);
  assert.match(wordy, /<td data-label="c">word/);
});

test("a formula is set, with its meaning for a screen reader", () => {
  const html = render("```math\n\\frac{a}{b}\n```\n", LINKS);
  assert.match(html, /<div class="formula">.*<mfrac>/);
  assert.throws(() => render("```math\n\\frac{a\n```\n", LINKS), /KaTeX/);
});

test("comments vanish, also where they would end a paragraph", () => {
  assert.equal(
    render("One 1 <!-- one -->,\n  <!-- two --> and two.\n", LINKS),
    "<p>One 1, and two.</p>\n",
  );
  assert.match(render("```\n<!-- kept -->\n```\n", LINKS), /&lt;!-- kept/);
  assert.throws(() => render("A <b>word</b>.\n", LINKS), /HTML in a page/);
});

test("a figure is drawn where a comment names it", () => {
  assert.equal(
    render("Text\n\n<!-- figure: memo -->\n\nmore\n", LINKS).replace(/\n/g, ""),
    "<p>Text</p><figure>memo</figure><p>more</p>",
  );
  assert.match(memoFigure().source, /drawMemoFigure\(figure\)/);
  const { book } = rendered({
    ...SMALL,
    "docs/theory.md": "<!-- figure: x -->\n",
  });
  assert.deepEqual(book.problems, ["docs/theory.md: there is no figure 'x'"]);
});

test("links lead to pages, headers and files of the book", () => {
  const { book, pages } = rendered(SMALL);
  assert.deepEqual(book.problems, []);
  const first = pages.get("index.html");
  assert.match(first, /<a href="modules\/01_a\/index.html#tasks">one/);
  assert.match(first, /<a href="LICENSE.html">law/);
  assert.match(first, /<a href="https:\/\/example.org\/">/);
  assert.match(first, /<img src="docs\/a.svg" alt="a picture"/);
  assert.match(pages.get("LICENSE.html"), /Free\./);
});

test("a link that leads nowhere is a problem that names its page", () => {
  const { book } = rendered({
    ...SMALL,
    "docs/theory.md":
      "# T\n\n[a](gone.md) [b](../README.md#gone) ![c](gone.svg) [d](#t)\n",
  });
  assert.deepEqual(book.problems, [
    "docs/theory.md: the link 'gone.md' leads nowhere",
    "docs/theory.md: the link '../README.md#gone' leads to no heading",
    "docs/theory.md: the picture 'gone.svg' does not exist",
  ]);
});

test("code that names a header, a function or a task leads there", () => {
  const { pages } = rendered(SMALL);
  const theory = pages.get("docs/theory.html");
  assert.match(theory, /<a href="..\/modules\/01_a\/a.h.html"><code>modules/);
  assert.match(theory, /a.h.html#LayerCache.Keys"><code>LayerCache::Keys</);
  const module = pages.get("modules/01_a/index.html");
  assert.match(
    module,
    /<td data-label="task"><a href="a.h.html#task-3.4">3.4<\/a><\/td>/,
  );
  assert.match(module, /<a href="a.h.html"><code>a.h</);
});

test("a header's page has an anchor for each function and task", () => {
  const { pages } = rendered(SMALL);
  const page = pages.get("modules/01_a/a.h.html");
  for (const id of [
    "CacheBytes",
    "task-3.2",
    "Shape",
    "LayerCache",
    "LayerCache.Keys",
    "LayerCache.Values",
    "task-3.4",
  ]) {
    assert.ok(page.includes(`id="${id}"`), id);
  }
  assert.match(page, /<strong class="label">Throws<\/strong> <a [^>]*error.h/);
  assert.match(page, /as <a href="#CacheBytes">CacheBytes<\/a> counts/);
  assert.match(page, /<summary>The whole header[\s\S]*Check/);
});

test("a page that is made elsewhere is listed at the end", () => {
  const report = { out: "report/index.html", label: "Report" };
  const { pages } = rendered(SMALL, { others: [report] });
  assert.match(
    pages.get("docs/theory.html"),
    /<h2>Measured here<\/h2>\s*<ul><li><a href="..\/report\/index.html">Report/,
  );
  assert.doesNotMatch(pages.get("kit/index.html"), /rel="next"/);
});

test("no link of the small book is dead", () => {
  const { book, pages } = rendered(SMALL);
  const here = (name) => name.startsWith("assets/") || book.images.has(name);
  assert.deepEqual(deadLinks(pages, here), []);
});

test("dead links are found, in any page", () => {
  const pages = new Map([
    ["a.html", '<h1 id="x"></h1><a href="b/c.html#y"></a><a href="#x"></a>'],
    ["s.html", '<script src="e.js">x = \' href="gone"\'</script>'],
    ["b/c.html", '<p id="y"></p><a href="../a.html#z"></a><img src="d.svg">'],
  ]);
  assert.deepEqual(
    deadLinks(pages, () => false),
    [
      "s.html: the link 'e.js' leads nowhere",
      "b/c.html: the link '../a.html#z' leads nowhere",
      "b/c.html: the link 'd.svg' leads nowhere",
    ],
  );
});

test("only files of the book are served", () => {
  const root = tree({ "index.html": "", "a/index.html": "", "b.txt": "" });
  assert.equal(fileOf(root, "/"), path.join(root, "index.html"));
  assert.equal(fileOf(root, "/a/?x#y"), path.join(root, "a/index.html"));
  for (const url of ["/a", "/gone", "/%2e%2e/etc/passwd", "/%00", "/%zz"]) {
    assert.equal(fileOf(path.join(root, "a"), url), null, url);
  }
});

test("the search knows every section and every promise", () => {
  const { book } = rendered(SMALL);
  const urls = book.sections().map(({ url }) => url);
  assert.ok(urls.includes("modules/01_a/index.html#tasks"));
  assert.ok(urls.includes("modules/01_a/a.h.html#LayerCache.Keys"));
  const bytes = book.sections().find(({ title }) => title === "CacheBytes");
  assert.match(bytes.text, /do not fit/);
});

test("every page of the repository is in the book, or left out by name", () => {
  const staff = path.join(HERE, "staff.json");
  const left = JSON.parse(fs.readFileSync(staff, "utf8"))["left out"];
  const listed = execFileSync("git", ["ls-files", "-z", "*.md"], { cwd: ROOT });
  const pages = new Set(new Book(ROOT).pages.keys());
  const names = listed.toString().split("\0").filter(Boolean);
  assert.deepEqual(
    names.filter((name) => !pages.has(name)),
    left,
  );
});

test("students' parts name nothing that only the repository has", () => {
  const course = JSON.parse(
    fs.readFileSync(path.join(HERE, "course.json"), "utf8"),
  );
  assert.ok(readParts().length > course.parts.length);
  const inHandout =
    /^(README|AGENTS|kit|modules\/|docs\/(theory|errata)|models\/)/;
  for (const page of course.parts.flatMap(({ pages }) => pages)) {
    assert.match(page.source ?? page, inHandout);
  }
});
