// Collects the pages of a tree and turns each into HTML. Every link is resolved
// here; one that leads nowhere is an error.
import fs from "node:fs";
import path from "node:path";
import { contentsOf, isFile, KIT } from "./contents.mjs";
import { anchorOf, readContract } from "./contract.mjs";
import { flattened, headerHtml } from "./header_page.mjs";
import { layout } from "./layout.mjs";
import { codeBlock, escaped, outline, render } from "./markdown.mjs";

const { posix } = path;

// The page whose source becomes the first page of the handout; its links start
// there.
const MOVED_TO_THE_TOP = /^handout\/\w+\.student\.md$/;

function outOf(source) {
  if (source === "README.md") return "index.html";
  if (source === KIT) return "kit/index.html";
  if (source.endsWith("/README.md")) {
    return `${posix.dirname(source)}/index.html`;
  }
  return source.endsWith(".md")
    ? source.replace(/\.md$/, ".html")
    : `${source}.html`;
}

export class Book {
  // `figures`: {NAME: {html, script}} for the comments <!-- figure: NAME -->.
  // `others`: {out, label} of pages that are made elsewhere, listed at the end.
  constructor(root, { parts, figures = {}, others = [] } = {}) {
    this.root = root;
    this.figures = figures;
    this.pages = new Map(); // by source
    this.images = new Map(); // where to, by source
    this.names = new Map(); // "LayerCache::Append": [{page, anchor}]
    this.tasks = new Map(); // "3.3": {page, anchor}
    this.problems = [];
    this.parts = contentsOf(root, parts).map(({ title, pages }) => ({
      title,
      pages: pages.map((each) => this.addPage(each)),
    }));
    const all = this.parts.flatMap(({ pages }) => pages);
    if (others.length > 0) {
      const pages = others.map((each) => ({ ...each, children: [] }));
      this.parts.push({ title: "Measured here", pages });
    }
    all.forEach((page, at) => {
      page.previous = all[at - 1];
      page.next = all[at + 1];
    });
  }

  read(source) {
    return fs.readFileSync(path.join(this.root, source), "utf8");
  }

  addPage({ source, label, headers }) {
    const page = { source, out: outOf(source), children: [] };
    if (source === KIT) {
      page.title = "The kit";
      page.headings = [];
    } else {
      page.text = this.read(source);
      Object.assign(page, outline(page.text));
    }
    page.label = label ?? page.title;
    this.pages.set(source, page);
    page.children = headers.map((each) => this.addHeader(each, page));
    return page;
  }

  addHeader(source, parent) {
    const text = this.read(source);
    const contract = readContract(text);
    const sections = flattened(contract.sections);
    const page = {
      source,
      out: outOf(source),
      title: source,
      label:
        parent.source === KIT
          ? source.slice(KIT.length + 1)
          : posix.basename(source),
      isHeader: true,
      parent,
      children: [],
      text,
      contract,
      headings: [
        { level: 1, id: "top", title: source, text: contract.about.join("\n") },
        ...sections
          .filter(({ anchors }) => anchors.length > 0)
          .map(({ section, level, title, anchors }) => ({
            level,
            id: anchors[0],
            others: anchors.slice(1),
            title: section.owner ? `${section.owner}::${title}` : title,
            text: `${section.comment.join("\n")}\n${section.code}`,
          })),
      ],
    };
    for (const { section } of sections) this.addNames(page, section);
    this.pages.set(source, page);
    return page;
  }

  addNames(page, { owner, names, task }) {
    for (const name of names) {
      const full = owner ? `${owner}::${name}` : name;
      const place = { page, anchor: anchorOf(owner, name) };
      this.names.set(full, [...(this.names.get(full) ?? []), place]);
    }
    if (task && !this.tasks.has(task)) {
      this.tasks.set(task, { page, anchor: `task-${task}` });
    }
  }

  // The address of `out` (and anchor), from the page `from`.
  address(from, out, anchor = "") {
    const file = posix.relative(posix.dirname(from.out), out);
    const at = anchor === "" ? "" : `#${encodeURIComponent(anchor)}`;
    return from.out === out && at !== "" ? at : `${file}${at}`;
  }

  problem(page, text) {
    this.problems.push(`${page.source}: ${text}`);
    return "#";
  }

  pathFrom(page, target) {
    const folder = MOVED_TO_THE_TOP.test(page.source)
      ? ""
      : posix.dirname(page.source);
    return posix.normalize(posix.join(folder, target));
  }

  pageAt(source) {
    return (
      this.pages.get(source) ??
      this.pages.get(posix.join(source, "README.md")) ??
      null
    );
  }

  link(page, target) {
    if (/^[a-z]+:/.test(target)) return target;
    const [file, anchor = ""] = target.split("#");
    const source = file === "" ? page.source : this.pathFrom(page, file);
    const to = this.pageAt(source) ?? this.addFile(source);
    if (!to) return this.problem(page, `the link '${target}' leads nowhere`);
    if (anchor !== "" && !to.headings.some(({ id }) => id === anchor)) {
      return this.problem(page, `the link '${target}' leads to no heading`);
    }
    return this.address(page, to.out, anchor);
  }

  // A file that only a link leads to is shown as it is.
  addFile(source) {
    if (!isFile(path.join(this.root, source))) return null;
    const page = {
      source,
      out: outOf(source),
      title: source,
      label: source,
      isFile: true,
      children: [],
      headings: [],
      text: this.read(source),
    };
    this.pages.set(source, page);
    return page;
  }

  image(page, target) {
    const source = this.pathFrom(page, target);
    if (!fs.existsSync(path.join(this.root, source))) {
      return this.problem(page, `the picture '${target}' does not exist`);
    }
    this.images.set(source, source);
    return this.address(page, source);
  }

  // A name of the contracts, in a class first its own; null if there is none, or
  // several.
  ofName(page, name, owner = null) {
    const plain = name.replace(/\(.*\)$/, "");
    const places =
      (owner && this.names.get(`${owner}::${plain}`)) ??
      this.names.get(plain) ??
      [];
    const near = places.filter((place) => place.page === page);
    const pages = new Set((near.length > 0 ? near : places).map((p) => p.page));
    if (pages.size !== 1) return null;
    const [place] = near.length > 0 ? near : places;
    return this.address(page, place.page.out, place.anchor);
  }

  // What is quoted as code: a header's or a page's path, or a name.
  ofCode(page, code) {
    if (/^[\w/.-]+\.(h|md)$/.test(code)) {
      const to =
        this.pages.get(code) ?? this.pages.get(this.pathFrom(page, code));
      return to && to !== page ? this.address(page, to.out) : null;
    }
    return /^[A-Z]\w+(::~?\w+)?(\(.*\))?$/.test(code)
      ? this.ofName(page, code)
      : null;
  }

  ofTask(page, task) {
    const place = this.tasks.get(task);
    return place ? this.address(page, place.page.out, place.anchor) : null;
  }

  // The list of tasks that the header's module has.
  ofTaskList(page) {
    const has = page.parent.headings?.some(({ id }) => id === "tasks");
    return this.address(page, page.parent.out, has ? "tasks" : "");
  }

  figure(page, name) {
    if (!this.figures[name]) {
      this.problem(page, `there is no figure '${name}'`);
      return "";
    }
    page.figures = [...(page.figures ?? []), name];
    return this.figures[name].html;
  }

  kitHtml(page) {
    const rooms = new Map();
    for (const each of page.children) {
      const room = posix.dirname(each.source);
      rooms.set(room, [...(rooms.get(room) ?? []), each]);
    }
    const row = (header) =>
      `<tr><td><a href="${this.address(page, header.out)}">` +
      `<code>${escaped(posix.basename(header.source))}</code></a></td>` +
      `<td>${escaped(firstSentence(header.contract.about))}</td></tr>\n`;
    return [
      '<h1 id="the-kit">The kit</h1>\n',
      "<p>Code that the course gives. Each header is a contract.</p>\n",
      ...[...rooms].map(
        ([room, headers]) =>
          `<h2 id="${slugOfRoom(room)}"><code>${escaped(room)}/</code></h2>\n` +
          '<div class="wide" role="group" aria-label="Headers"><table>' +
          '<thead><tr><th scope="col">header</th><th scope="col">what</th>' +
          `</tr></thead><tbody>\n${headers.map(row).join("")}</tbody>` +
          "</table></div>\n",
      ),
    ].join("");
  }

  textOf(page) {
    if (page.source === KIT) return this.kitHtml(page);
    if (page.isHeader) {
      return headerHtml(page.source, page.text, page.contract, {
        ofCode: (file) => this.ofCode(page, file),
        ofName: (name, owner) => this.ofName(page, name, owner),
        ofTaskList: () => this.ofTaskList(page),
      });
    }
    if (page.isFile) {
      const language = posix.extname(page.source).slice(1);
      return (
        `<h1 id="top"><code>${escaped(page.source)}</code></h1>\n` +
        codeBlock(page.text, language)
      );
    }
    return render(page.text, {
      link: (target) => this.link(page, target),
      image: (target) => this.image(page, target),
      ofCode: (code) => this.ofCode(page, code),
      ofTask: (task) => this.ofTask(page, task),
      figure: (name) => this.figure(page, name),
    });
  }

  // [{out, html}] of all pages; those that links added come last.
  render() {
    const made = [];
    for (const page of this.pages.values()) {
      const html = this.textOf(page);
      const scripts = [
        ...new Set(
          (page.figures ?? []).map((name) => this.figures[name].script),
        ),
      ];
      made.push({
        out: page.out,
        html: layout({
          page,
          html,
          parts: this.parts,
          here: (out) =>
            out === ""
              ? posix.relative(posix.dirname(page.out), "")
              : this.address(page, out),
          extra: scripts
            .map(
              (name) => `<script src="${this.address(page, name)}"></script>\n`,
            )
            .join(""),
        }),
      });
    }
    return made;
  }

  // What the search knows: a section of a page each.
  sections() {
    return [...this.pages.values()]
      .filter((page) => !page.isFile)
      .flatMap((page) =>
        page.headings.map(({ level, id, title, text }) => ({
          page: page.label,
          title: level === 1 ? page.title : title,
          url: level === 1 ? page.out : `${page.out}#${encodeURIComponent(id)}`,
          text: text.replace(/\s+/g, " ").trim(),
        })),
      );
  }
}

function slugOfRoom(room) {
  return `room-${room.replaceAll("/", "-")}`;
}

function firstSentence(lines) {
  const text = lines.join(" ").split(/(?<=[.:])\s/)[0];
  return text.replace(/:$/, ".");
}
