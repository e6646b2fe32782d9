// A header as a page: what it promises, declaration by declaration, and at the
// end the whole file.
import { anchorOf, blocksOf } from "./contract.mjs";
import { codeBlock, escaped } from "./markdown.mjs";

const LABEL = /^(Throws|Cost|Source|Work|Given|Returns)\b/;
// Words of a comment that may name something of a contract, or quote code.
const WORD = /`([^`]+)`|\b[A-Z]\w*(?:::\w+)?\b/g;

// The anchors of a section: one for each name, and the task's unless an earlier
// section has it.
export function anchorsOf(section, taken) {
  return section.names
    .map((name) => anchorOf(section.owner, name))
    .concat(section.task ? [`task-${section.task}`] : [])
    .filter((anchor) => !taken.has(anchor) && taken.add(anchor));
}

function titleOf({ owner, title, names }) {
  if (names.length === 0) return "";
  return names[0] === owner ? `${title} (constructor)` : title;
}

// Every section and member in the order of the file: {section, level, title,
// anchors}.
export function flattened(sections) {
  const taken = new Set();
  const list = [];
  const visit = (section, level) => {
    list.push({
      section,
      level,
      title: titleOf(section),
      anchors: anchorsOf(section, taken),
    });
    for (const member of section.members) visit(member, level + 1);
  };
  for (const section of sections) visit(section, 2);
  return list;
}

// A name is linked where it first occurs in a comment.
function prose(text, section, links) {
  const linked = new Set([section.names[0], section.owner]);
  let html = "";
  let at = 0;
  for (const match of text.matchAll(WORD)) {
    const [word, quoted] = match;
    html += escaped(text.slice(at, match.index));
    at = match.index + word.length;
    const isName = quoted !== undefined || /[A-Z].*[A-Z]|::/.test(word);
    const name = quoted ?? word;
    const address =
      isName && !linked.has(name) ? links.ofName(name, section.owner) : null;
    const shown = quoted ? `<code>${escaped(quoted)}</code>` : escaped(word);
    html += address ? `<a href="${escaped(address)}">${shown}</a>` : shown;
    linked.add(name);
  }
  html += escaped(text.slice(at));
  return html.replace(LABEL, '<strong class="label">$1</strong>');
}

function commentHtml(comment, section, links) {
  const lines = section.task
    ? [comment[0].replace(/^Task [\d.]+[.,] ?/, ""), ...comment.slice(1)]
    : comment;
  return blocksOf(lines)
    .map((block) =>
      block.kind === "code"
        ? codeBlock(block.text, "")
        : `<p>${prose(block.text, section, links)}</p>\n`,
    )
    .join("");
}

function sectionHtml({ section, level, title, anchors }, links) {
  const [first, ...others] = anchors;
  const marks = others
    .map((id) => `<span id="${escaped(id)}"></span>`)
    .join("");
  const task = section.task
    ? ` <a class="task" href="${links.ofTaskList(section.task)}">task ` +
      `${section.task}</a>`
    : "";
  const id = first ? ` id="${escaped(first)}"` : "";
  const heading =
    title === ""
      ? ""
      : `<h${level}${id}>${marks}<code>${escaped(title)}</code>${task}` +
        `</h${level}>\n`;
  const code = section.code.trim() === "" ? "" : codeBlock(section.code, "cpp");
  return heading + code + commentHtml(section.comment, section, links);
}

function includesHtml(includes, links) {
  const known = includes
    .map((name) => [name, links.ofCode(name)])
    .filter(([, address]) => address !== null)
    .map(
      ([name, address]) =>
        `<a href="${escaped(address)}"><code>${escaped(name)}</code></a>`,
    );
  return known.length > 0 ? `<p>Uses ${known.join(", ")}.</p>\n` : "";
}

// `links`: {ofCode(path), ofName(name, owner), ofTaskList(task)}
export function headerHtml(source, text, contract, links) {
  const none = { names: [], owner: null, task: null };
  return [
    `<h1 id="top"><code>${escaped(source)}</code></h1>\n`,
    commentHtml(contract.about, none, links),
    includesHtml(contract.includes, links),
    ...flattened(contract.sections).map((each) => sectionHtml(each, links)),
    "<details><summary>The whole header</summary>\n",
    codeBlock(text, "cpp"),
    "</details>\n",
  ].join("");
}
