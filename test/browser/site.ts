import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { transformSync } from "esbuild";

const ROOT = new URL("../../", import.meta.url);
const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".ts": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
};

export interface SiteOptions {
  /** Sent with everything. */
  readonly contentSecurityPolicy?: string;
  /** A folder to serve, in place of the repository. */
  readonly root?: URL;
  /** Paths with a text of their own, or the file they stand for. */
  readonly paths?: Record<string, string | URL>;
}

/** Removes the types, and nothing else: what is tested is served as it was built. */
export function javaScriptOf(file: URL): string {
  return transformSync(readFileSync(file, "utf8"), { loader: "ts", format: "esm", target: "es2022" }).code;
}

/** A web server as plain as can be, for the built files and the tests' own pages. */
export class Site implements AsyncDisposable {
  readonly #server: Server;
  readonly origin: string;

  private constructor(server: Server) {
    this.#server = server;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open({ contentSecurityPolicy, root = ROOT, paths = {} }: SiteOptions = {}): Promise<Site> {
    const server = createServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://site").pathname;
      const given = paths[path] ?? new URL(`.${path}`, root);
      const found = typeof given === "string" || (existsSync(given) && statSync(given).isFile());
      const extension = extname(typeof given === "string" ? path : given.pathname);
      response.writeHead(found ? 200 : 404, {
        "Content-Type": TYPES[extension] ?? "text/html; charset=utf-8",
        ...(contentSecurityPolicy !== undefined && { "Content-Security-Policy": contentSecurityPolicy }),
      });
      if (!found) response.end();
      else if (typeof given === "string") response.end(given);
      else response.end(extension === ".ts" ? javaScriptOf(given) : readFileSync(given));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    return new Site(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
