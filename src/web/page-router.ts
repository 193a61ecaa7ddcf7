import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Router } from "express";

export interface PageOptions {
  /** Folder of the built package; default: the one this module is in. */
  readonly root?: URL;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Nothing from outside, nothing inline, and no connection anywhere. The codec is compiled from bytes it brings along. */
const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  // A page that is isolated from others has a clock of 5 µs instead of 100.
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  // Kept, but asked about each time: after an update no new page meets an old codec.
  "Cache-Control": "no-cache",
};

/**
 * The benchmark page, to be mounted anywhere: the codec's variants against each other, in the visitor's browser.
 *
 * @throws Error with the code `ENOENT` when the pages have not been built
 *
 * @example
 * const server = createServer({ bot: echoBot() });
 * server.app.use("/bench", benchPage());
 */
export function benchPage(options: PageOptions = {}): Router {
  return pageRouter("web/bench/", options);
}

/**
 * Serves one page: its `index.html` at the mount point, and below it what the page needs, under the paths of the built
 * package, so that the modules find each other by their relative imports. All files are read when the router is made; a
 * path that is not among them is left to whoever comes next, whatever it looks like.
 */
function pageRouter(folder: string, { root = new URL("../", import.meta.url) }: PageOptions): Router {
  const own = readdirSync(fileURLToPath(new URL(folder, root))).map((name) => folder + name);
  const files = new Map<string, { type: string; body: Buffer }>();
  for (const path of ["web/style.css", "web/icon.svg", "codec/index.js", "codec/index.js.map", ...own]) {
    const type = CONTENT_TYPES[extname(path)];
    const address = path === `${folder}index.html` ? "/" : `/${path}`;
    if (type !== undefined) files.set(address, { type, body: readFileSync(new URL(path, root)) });
  }

  const router = Router({ caseSensitive: true, strict: true });
  router.use((request, response, next) => {
    const file = request.method === "GET" || request.method === "HEAD" ? files.get(request.path) : undefined;
    if (file === undefined) return next();
    // Without the slash the page's relative addresses would miss the mount point.
    const [path = "", query] = request.originalUrl.split("?");
    if (request.path === "/" && !path.endsWith("/")) {
      const below = path.slice(path.lastIndexOf("/") + 1);
      return response.redirect(302, `${below}/${query === undefined ? "" : `?${query}`}`);
    }
    response.set(HEADERS).set("Content-Type", file.type).send(file.body);
  });
  return router;
}
