// Which pages the book has, and in which order: course.json, and in the
// repository also staff.json, which students do not get.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const HERE = path.dirname(fileURLToPath(import.meta.url));

// A part's page with this path is made by the book: the list of kit/'s headers.
export const KIT = "kit";

export function readParts(folder = HERE) {
  return ["course.json", "staff.json"]
    .map((name) => path.join(folder, name))
    .filter((file) => fs.existsSync(file))
    .flatMap((file) => JSON.parse(fs.readFileSync(file, "utf8")).parts);
}

export function isFile(file) {
  return fs.existsSync(file) && fs.statSync(file).isFile();
}

// Sorted paths below root/folder for which `wanted(name)` is true.
export function filesBelow(root, folder, wanted) {
  const place = path.join(root, folder);
  if (!fs.existsSync(place)) return [];
  return fs
    .readdirSync(place, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const name = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) return filesBelow(root, name, wanted);
      return wanted(name) ? [name] : [];
    });
}

// "modules/*/README.md" is each of them that exists; so is a plain path.
function expand(root, pattern) {
  if (pattern === KIT) return [KIT];
  const [before, after] = pattern.split("*/");
  if (after === undefined) {
    return isFile(path.join(root, pattern)) ? [pattern] : [];
  }
  return fs
    .readdirSync(path.join(root, before))
    .sort()
    .map((name) => `${before}${name}/${after}`)
    .filter((name) => isFile(path.join(root, name)));
}

const isHeader = (name) => name.endsWith(".h");

// A module's headers, those first that its README links to.
function headersOf(root, readme) {
  const folder = path.posix.dirname(readme);
  const text = fs.readFileSync(path.join(root, readme), "utf8");
  const place = (name) => {
    const at = text.indexOf(`](${path.posix.basename(name)})`);
    return at === -1 ? text.length : at;
  };
  return filesBelow(root, folder, isHeader).sort((a, b) => place(a) - place(b));
}

// [{title, pages: [{source, label, headers}]}]; a page without a label is called
// by its title.
export function contentsOf(root, parts = readParts()) {
  return parts
    .map((part) => ({
      title: part.title,
      pages: part.pages
        .map((page) => (typeof page === "string" ? { source: page } : page))
        .flatMap(({ source, label }) =>
          expand(root, source).map((each) => ({ source: each, label })),
        )
        .map(({ source, label }) => ({
          source,
          label,
          headers:
            source === KIT
              ? filesBelow(root, "kit", isHeader)
              : source.startsWith("modules/")
                ? headersOf(root, source)
                : [],
        })),
    }))
    .filter((part) => part.pages.length > 0);
}
