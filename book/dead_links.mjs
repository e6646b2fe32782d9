// The links of finished pages that lead nowhere.
import { posix } from "node:path";

const ADDRESS = /\s(?:href|src)="([^"]*)"/g;
// The text inside of one, not its address.
const SCRIPT = /(?<=<script\b[^>]*>)[\s\S]*?(?=<\/script>)/g;
const ID = /\sid="([^"]*)"/g;

function unescaped(text) {
  return text
    .replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

// "PAGE: the link 'ADDRESS' leads nowhere" for each. `pages`: HTML by path;
// `has(path)`: whether another file exists. Addresses of other sites are not
// followed.
export function deadLinks(pages, has) {
  const ids = new Map(
    [...pages].map(([name, html]) => [
      name,
      new Set([...html.matchAll(ID)].map((match) => unescaped(match[1]))),
    ]),
  );
  const isAlive = (page, address) => {
    const [file, anchor = ""] = decodeURIComponent(address).split("#");
    const to =
      file === ""
        ? page
        : posix.normalize(posix.join(posix.dirname(page), file));
    if (!ids.has(to)) return anchor === "" && has(to);
    return anchor === "" || ids.get(to).has(anchor);
  };
  return [...pages].flatMap(([page, html]) =>
    [...html.replace(SCRIPT, "").matchAll(ADDRESS)]
      .map((match) => unescaped(match[1]))
      .filter((address) => !/^[a-z]+:/.test(address) && !isAlive(page, address))
      .map((address) => `${page}: the link '${address}' leads nowhere`),
  );
}
