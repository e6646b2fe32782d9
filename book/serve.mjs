// A web server of a folder's files, for this machine alone.
import fs from "node:fs";
import http from "node:http";
import path from "node:path";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
  ".txt": "text/plain",
};

// The file that a request names, or null; never one outside of the folder.
export function fileOf(folder, url) {
  const { pathname } = new URL(url, "http://localhost");
  let name;
  try {
    name = path.posix.normalize(decodeURIComponent(pathname));
  } catch {
    return null;
  }
  const file = path.join(
    folder,
    name.endsWith("/") ? `${name}index.html` : name,
  );
  const isInside = file.startsWith(folder + path.sep) && !name.includes("\0");
  return isInside && fs.existsSync(file) && fs.statSync(file).isFile()
    ? file
    : null;
}

// Resolves to {server, address}; port 0 is any free one.
export function serve(folder, port = 0) {
  const server = http.createServer((request, response) => {
    const file = fileOf(path.resolve(folder), request.url);
    if (file === null) {
      // A browser asks every site for an icon.
      response.writeHead(request.url === "/favicon.ico" ? 204 : 404).end();
      return;
    }
    const type = TYPES[path.extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": `${type}; charset=utf-8` });
    response.end(fs.readFileSync(file));
  });
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(port, "127.0.0.1", () =>
      resolve({
        server,
        address: `http://127.0.0.1:${server.address().port}/`,
      }),
    );
  });
}
