// Markdown, as the course's pages use it, to HTML. Beyond CommonMark and tables:
// ```math is set as a formula, a comment `<!-- figure: NAME -->` becomes a
// figure, other comments vanish, and code that names a header, a page or a
// function of the contracts links to it.
import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import cpp from "highlight.js/lib/languages/cpp";
import ini from "highlight.js/lib/languages/ini";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import katex from "katex";
import MarkdownIt from "markdown-it";

const LANGUAGES = { bash, cpp, ini, json, python };
for (const [name, language] of Object.entries(LANGUAGES)) {
  hljs.registerLanguage(name, language);
}
const CALLED = { sh: "bash", toml: "ini", "c++": "cpp" };

export function escaped(text) {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

export function codeBlock(text, language) {
  const name = CALLED[language] ?? language;
  const html =
    name in LANGUAGES
      ? hljs.highlight(text, { language: name }).value
      : escaped(text);
  return `<pre><code>${html}</code></pre>\n`;
}

export function formula(tex) {
  return `<div class="formula">${katex.renderToString(tex, {
    displayMode: true,
    throwOnError: true,
    strict: "error",
  })}</div>\n`;
}

// The anchors that forges give to headings; `seen` counts those of a page.
export function slug(title, seen) {
  const plain = title
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-");
  const count = seen.get(plain) ?? 0;
  seen.set(plain, count + 1);
  return count === 0 ? plain : `${plain}-${count}`;
}

const FIGURE = /^\s*<!-- figure: (\S+) -->\s*$/;
const FENCE = /^( *)(```+)[^\n`]*\n[\s\S]*?^\1\2 *$/gm;

// A comment at the beginning of a line would end its paragraph.
function withoutComments(text) {
  const strip = (prose) => prose.replace(/\s*<!--(?! figure:)[\s\S]*?-->/g, "");
  let kept = "";
  let at = 0;
  for (const fence of text.matchAll(FENCE)) {
    kept += strip(text.slice(at, fence.index)) + fence[0];
    at = fence.index + fence[0].length;
  }
  return kept + strip(text.slice(at));
}

// Whether a table has three columns or more, and a sentence in one of them: a
// phone shows its cells one below the other.
function isWordy(tokens, at) {
  const SENTENCE = 60; // characters
  const COLUMNS = 3;
  const end = tokens.findIndex(
    (token, index) => index > at && token.type === "table_close",
  );
  const inside = tokens.slice(at, end);
  return (
    inside.filter(({ type }) => type === "th_open").length >= COLUMNS &&
    inside.some(
      ({ type, content }) => type === "inline" && content.length > SENTENCE,
    )
  );
}

// `links`: {link(target), image(target), ofCode(text), ofTask(number), figure(name)};
// each gives an address or, for a figure, its HTML. Those for code and tasks may
// give null.
function renderer(links) {
  const md = new MarkdownIt({ html: true });
  const { rules } = md.renderer;
  const fallback = (tokens, at, options, _env, self) =>
    self.renderToken(tokens, at, options);

  rules.fence = (tokens, at) => {
    const { content, info } = tokens[at];
    const language = info.trim().split(/\s+/)[0];
    return language === "math"
      ? formula(content)
      : codeBlock(content, language);
  };
  rules.code_block = (tokens, at) => codeBlock(tokens[at].content, "");
  rules.table_open = (tokens, at) => {
    const kind = isWordy(tokens, at) ? "wide wordy" : "wide";
    return `<div class="${kind}" role="group" aria-label="Table"><table>\n`;
  };
  rules.table_close = () => "</table></div>\n";
  // A head without words, as over the first column, stays an empty cell.
  rules.th_open = (tokens, at, ...rest) => {
    if (tokens[at + 1].content === "") tokens[at].tag = "td";
    else tokens[at].attrSet("scope", "col");
    return fallback(tokens, at, ...rest);
  };
  rules.th_close = (tokens, at, ...rest) => {
    if (tokens[at - 1].content === "") tokens[at].tag = "td";
    return fallback(tokens, at, ...rest);
  };
  rules.html_block = (tokens, at) => comment(tokens[at].content);
  rules.html_inline = rules.html_block;
  rules.link_open = (tokens, at, ...rest) => {
    tokens[at].attrSet("href", links.link(tokens[at].attrGet("href")));
    return fallback(tokens, at, ...rest);
  };
  rules.image = (tokens, at, options, env, self) => {
    const token = tokens[at];
    token.attrSet("src", links.image(token.attrGet("src")));
    const alt = self.renderInlineAsText(token.children, options, env);
    token.attrSet("alt", alt.replace(/\s+/g, " "));
    return `<span class="figure">${self.renderToken(tokens, at, options)}</span>`;
  };
  rules.code_inline = (tokens, at) => {
    const { content, meta } = tokens[at];
    const code = `<code>${escaped(content)}</code>`;
    const address = meta?.isLinked ? null : links.ofCode(content);
    return address ? `<a href="${escaped(address)}">${code}</a>` : code;
  };

  function comment(html) {
    const name = html.match(FIGURE)?.[1];
    if (name === undefined) throw new Error(`HTML in a page: ${html}`);
    return links.figure(name);
  }
  return md;
}

// Each cell gets the head of its column, for phones.
function labelCells(tokens) {
  let labels = [];
  let column = 0;
  tokens.forEach((token, at) => {
    if (token.type === "thead_open") labels = [];
    if (token.type === "th_open") labels.push(plainText(tokens[at + 1]));
    if (token.type === "tr_open") column = 0;
    if (token.type !== "td_open") return;
    if (labels[column]) token.attrSet("data-label", labels[column]);
    column += 1;
  });
}

// Headings get their anchors; code inside of links and headings no link.
function prepare(tokens, links) {
  const seen = new Map();
  const headings = [];
  tokens.forEach((token, at) => {
    if (token.type === "heading_open") {
      const inline = tokens[at + 1];
      const id = slug(inline.content, seen);
      token.attrSet("id", id);
      const title = plainText(inline);
      headings.push({ level: Number(token.tag.slice(1)), id, title, at });
    }
    if (token.type !== "inline") return;
    const isHeading = tokens[at - 1].type === "heading_open";
    let depth = isHeading ? 1 : 0;
    for (const child of token.children) {
      depth += child.type === "link_open" ? 1 : 0;
      depth -= child.type === "link_close" ? 1 : 0;
      if (child.type === "code_inline") child.meta = { isLinked: depth > 0 };
    }
    const isFirstCell =
      tokens[at - 1].type === "td_open" && tokens[at - 2].type === "tr_open";
    if (isFirstCell && links && /^\d+\.\d+$/.test(token.content)) {
      const address = links.ofTask(token.content);
      if (address) linkWhole(token, address);
    }
  });
  return headings;
}

function linkWhole(inline, address) {
  const [text] = inline.children;
  const open = Object.assign(Object.create(Object.getPrototypeOf(text)), text, {
    type: "html_link",
    content: address,
  });
  inline.children = [open, text];
}

function plainText(inline) {
  return inline.children
    .map((child) =>
      child.type === "softbreak"
        ? " "
        : child.type === "text" || child.type === "code_inline"
          ? child.content
          : child.type === "image"
            ? child.children.map((each) => each.content).join(" ")
            : "",
    )
    .join("");
}

// The words of tokens [begin, end), for the search.
function wordsOf(tokens) {
  return tokens
    .map((token) =>
      token.type === "inline"
        ? plainText(token)
        : token.type === "fence" && token.info.trim() !== "math"
          ? token.content
          : "",
    )
    .filter((text) => text.trim() !== "")
    .join("\n");
}

// {title, headings: [{level, id, title, text}]}, without rendering.
export function outline(text) {
  const tokens = new MarkdownIt({ html: true }).parse(
    withoutComments(text),
    {},
  );
  const headings = prepare(tokens, null);
  return {
    title: headings[0]?.title ?? "",
    headings: headings.map(({ level, id, title, at }, index) => ({
      level,
      id,
      title,
      text: wordsOf(tokens.slice(at + 3, headings[index + 1]?.at)),
    })),
  };
}

export function render(text, links) {
  const md = renderer(links);
  md.renderer.rules.html_link = (tokens, at) => {
    const address = escaped(tokens[at].content);
    const task = escaped(tokens[at + 1].content);
    tokens[at + 1].content = "";
    return `<a href="${address}">${task}</a>`;
  };
  const tokens = md.parse(withoutComments(text), {});
  prepare(tokens, links);
  labelCells(tokens);
  return md.renderer.render(tokens, md.options, {});
}
