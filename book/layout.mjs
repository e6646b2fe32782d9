// What surrounds the text of each page.
import { escaped } from "./markdown.mjs";

function entry(page, current, here) {
  const isCurrent = page === current;
  const open = isCurrent || page.children.includes(current);
  const children =
    open && page.children.length > 0
      ? `<ul>${page.children.map((each) => entry(each, current, here)).join("")}</ul>`
      : "";
  const mark = isCurrent ? ' aria-current="page"' : "";
  const name = page.isHeader
    ? `<code>${escaped(page.label)}</code>`
    : escaped(page.label);
  return `<li><a href="${here(page.out)}"${mark}>${name}</a>${children}</li>\n`;
}

function sidebar(parts, current, here) {
  return parts
    .map(
      ({ title, pages }) =>
        `<h2>${escaped(title)}</h2>\n` +
        `<ul>${pages.map((page) => entry(page, current, here)).join("")}</ul>`,
    )
    .join("\n");
}

function onThisPage(page) {
  const headings = page.headings.filter(({ level }) => level === 2);
  if (headings.length < 2) return "";
  return (
    '<nav class="within" aria-label="On this page"><h2>On this page</h2><ul>' +
    headings
      .map(({ id, title }) => `<li><a href="#${id}">${escaped(title)}</a></li>`)
      .join("") +
    "</ul></nav>"
  );
}

function turn(page, here) {
  const link = (to, kind, words) =>
    to
      ? `<a rel="${kind}" href="${here(to.out)}"><span class="kind">${words}</span> ` +
        `${escaped(to.label)}</a>`
      : "<span></span>";
  if (page.parent) {
    return (
      '<nav class="turn" aria-label="Back">' +
      link(page.parent, "up", "Belongs to") +
      "</nav>"
    );
  }
  return (
    '<nav class="turn" aria-label="Page by page">' +
    link(page.previous, "prev", "Before") +
    link(page.next, "next", "Next") +
    "</nav>"
  );
}

// `here(out)`: the address of another file of the book, from this page.
export function layout({ page, html, parts, here, extra = "" }) {
  const title =
    page.out === "index.html" ? page.title : `${page.title} · kvlab`;
  const formulas = html.includes('<div class="formula">')
    ? `<link rel="stylesheet" href="${here("assets/formulas.css")}">\n`
    : "";
  return `<!DOCTYPE html>
<html lang="en" data-top="${here("")}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<link rel="stylesheet" href="${here("assets/book.css")}">
${formulas}<script src="${here("assets/book.js")}"></script>
</head>
<body>
<a class="skip" href="#text">Skip to the text</a>
<header class="bar">
<button type="button" class="menu" aria-expanded="false" aria-controls="contents">Contents</button>
<a class="home" href="${here("index.html")}">kvlab</a>
<form role="search" class="search">
<input type="search" aria-label="Search the book" placeholder="Search ( / )" autocomplete="off" spellcheck="false">
</form>
</header>
<section class="hits" aria-label="Search results" hidden>
<p role="status"></p>
<ol></ol>
</section>
<div class="page">
<nav id="contents" class="contents" aria-label="Contents">
${sidebar(parts, page, here)}
</nav>
<main id="text" tabindex="-1">
<article>
${html}</article>
${turn(page, here)}
</main>
${onThisPage(page)}
</div>
${extra}</body>
</html>
`;
}
