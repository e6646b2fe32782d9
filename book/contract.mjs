// Reads a header as a contract: its sections, each a comment and the
// declarations below it.
//
// The headers of the course are laid out by clang-format, so lines and brackets
// are enough: a comment belongs to the declaration that follows it without a
// blank line, and declarations without one of their own share the last.

const TYPE =
  /^\s*(?:template.*>\s*)?(class|struct|union|enum(?: class)?)\s+(\w+)/;
const ACCESS = /^\s*(public|protected|private):/;
const SKIPPED =
  /^(#(ifndef|define|endif|pragma once|include)\b.*|namespace [\w:]+ \{|\}\s*\/\/ namespace.*|)$/;

function withoutCommentsAndText(line) {
  return line
    .replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])'/g, "x")
    .replace(/\/\/.*/, "");
}

// How far a line opens (or closes) brackets.
function depthOf(line) {
  let depth = 0;
  for (const sign of withoutCommentsAndText(line)) {
    if ("({[".includes(sign)) depth += 1;
    if (")}]".includes(sign)) depth -= 1;
  }
  return depth;
}

// The number of lines of the declaration that begins at `start`.
function declarationLength(lines, start) {
  if (lines[start].startsWith("#")) return 1;
  let depth = 0;
  for (let at = start; at < lines.length; at += 1) {
    depth += depthOf(lines[at]);
    const code = withoutCommentsAndText(lines[at]).trimEnd();
    if (depth <= 0 && /[;}]$/.test(code)) return at + 1 - start;
  }
  return lines.length - start;
}

// What a declaration names: "Append", "LayerShape", "operator*"; null if nothing
// that a page would link to.
export function nameOf(declaration) {
  const text = declaration
    .filter((line) => !/^\s*(\[\[|requires\b|#)/.test(line))
    .map(withoutCommentsAndText)
    .join(" ")
    .replace(/^\s*template\s*<.*?>\s*(?=\w)/, "");
  const type = text.match(TYPE);
  if (type) return type[2];
  const alias = text.match(/^\s*using\s+(\w+)\s*=/);
  if (alias) return alias[1];
  const called = text.match(/(operator\s*[^\s\w(]+|~?\w+)\s*\(/);
  const constant = text.match(/\b(k[A-Z]\w*)\s*(=|\{)/);
  if (constant && (!called || constant.index < called.index)) {
    return constant[1];
  }
  return called ? called[1].replace(/\s/g, "") : null;
}

function commentText(line) {
  return line.replace(/^\s*\/\/ ?/, "");
}

// The sections of lines [start, end): {comment, declarations, members}, where a
// declaration is an array of lines, and members are those of a class.
function sectionsOf(lines) {
  const sections = [];
  let comment = [];
  let isOpen = false; // whether a further declaration joins the last section
  let isPublic = true;
  const add = (declaration) => {
    if (comment.length > 0 || !isOpen) {
      sections.push({ comment, declarations: [], members: [] });
    }
    sections.at(-1).declarations.push(declaration);
    comment = [];
    isOpen = true;
  };
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at];
    const access = line.match(ACCESS);
    if (access) isPublic = access[1] === "public";
    if (access || line.trim() === "" || SKIPPED.test(line)) {
      if (comment.length > 0 && isPublic) {
        sections.push({ comment, declarations: [], members: [] });
      }
      comment = [];
      isOpen = false;
      continue;
    }
    if (/^\s*\/\//.test(line)) {
      if (!/NOLINT/.test(line)) comment.push(commentText(line));
      continue;
    }
    const length = declarationLength(lines, at);
    const declaration = lines.slice(at, at + length);
    at += length - 1;
    if (!isPublic) {
      comment = [];
      continue;
    }
    if (declaration[0].match(TYPE)?.[1] === "class" && length > 1) {
      const opening = declaration.findIndex((each) =>
        withoutCommentsAndText(each).trimEnd().endsWith("{"),
      );
      const head = declaration.slice(0, opening + 1);
      add([...head.slice(0, -1), `${head.at(-1)} … };`]);
      // Private until a line says otherwise.
      sections.at(-1).members = sectionsOf([
        " private:",
        ...declaration.slice(opening + 1, -1),
      ]);
      isOpen = false;
    } else {
      add(declaration);
    }
  }
  return sections;
}

function unindented(lines) {
  const margin = Math.min(
    ...lines
      .filter((line) => line.trim() !== "")
      .map((line) => line.match(/^ */)[0].length),
  );
  return lines.map((line) => line.slice(margin)).join("\n");
}

// "Append" of "LayerCache" has the anchor "LayerCache.Append".
export function anchorOf(owner, name) {
  return owner ? `${owner}.${name}` : name;
}

function described(section, owner) {
  const names = [...new Set(section.declarations.map(nameOf))].filter(Boolean);
  const task = section.comment.join(" ").match(/^Task (\d+\.\d+)[.,]/)?.[1];
  return {
    owner,
    names,
    title: names.join(", "),
    task: task ?? null,
    comment: section.comment,
    code: unindented(section.declarations.flat()),
    members: section.members.map((member) => described(member, names[0])),
  };
}

// Of a header's text: {about, includes, sections}. `about` is the comment at its
// top, as lines; each section {owner, names, title, task, comment, code,
// members}.
export function readContract(text) {
  const lines = text.split("\n");
  const about = [];
  let at = 0;
  while (/^\/\//.test(lines[at] ?? "")) {
    about.push(commentText(lines[at]));
    at += 1;
  }
  const includes = [...text.matchAll(/^#include "([^"]+)"/gm)].map(
    (match) => match[1],
  );
  return {
    about,
    includes,
    sections: sectionsOf(lines.slice(at)).map((each) => described(each, null)),
  };
}

// The text of a comment as blocks: {kind: "text" | "code", text}. Indented
// lines are code; a line that only continues an indented one belongs to it.
export function blocksOf(comment) {
  const blocks = [];
  for (const line of comment) {
    const last = blocks.at(-1);
    if (line.trim() === "") {
      blocks.push({ kind: "gap", lines: [] });
    } else if (/^\s{2,}/.test(line)) {
      if (last?.kind === "code") last.lines.push(line);
      else blocks.push({ kind: "code", lines: [line] });
    } else if (
      last?.kind === "code" &&
      /^[a-z]/.test(line) &&
      !/[\].]$/.test(last.lines.at(-1))
    ) {
      last.lines.push(`    ${line}`);
    } else if (
      last?.kind === "text" &&
      !/^(Throws |Cost: |Source: |Work: |Returns )/.test(line)
    ) {
      last.lines.push(line);
    } else {
      blocks.push({ kind: "text", lines: [line] });
    }
  }
  return blocks
    .filter((block) => block.kind !== "gap")
    .map(({ kind, lines }) => ({
      kind,
      text: kind === "code" ? unindented(lines) : lines.join("\n"),
    }));
}
