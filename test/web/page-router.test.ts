import { request } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { benchPage } from "../../src/web/index.ts";

const DIST = new URL("../../dist/", import.meta.url);

let server: ReturnType<ReturnType<typeof express>["listen"]>;
let origin: string;

beforeAll(async () => {
  const app = express();
  app.use("/bench", benchPage({ root: DIST }));
  app.use((_request, response) => {
    response.status(404).json({ error: "not found" });
  });
  await new Promise<void>((resolve) => {
    server = app.listen(0, "127.0.0.1", () => resolve());
  });
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

/** The status of a path that goes out as it is written: `fetch` would tidy it up. */
function statusOf(path: string, method = "GET", headers: Record<string, string> = {}): Promise<number> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode as number);
    });
    sent.on("error", reject).end();
  });
}

/** Addresses that a file names: attributes, imports, workers, source maps. */
function referencesOf(url: string, text: string): string[] {
  const patterns = url.endsWith(".js")
    ? [/\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g, /new URL\("([^"]+)", import\.meta\.url\)/g, /sourceMappingURL=(\S+)/g]
    : url.endsWith(".css")
      ? [/url\("?([^")]+)/g, /@import "([^"]+)"/g]
      : [/\b(?:href|src)="([^"]+)"/g];
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].map(([, found]) => new URL(found as string, url).href),
  );
}

describe("the bench page's routes", () => {
  it("lead from the mount point to the page, whatever was asked of it", async () => {
    const bare = await fetch(`${origin}/bench?rounds=3`, { redirect: "manual" });
    expect(bare.status).toBe(302);
    expect(new URL(bare.headers.get("location") as string, `${origin}/bench`).href).toBe(`${origin}/bench/?rounds=3`);
    const page = await fetch(`${origin}/bench?rounds=3`);
    expect(page.url).toBe(`${origin}/bench/?rounds=3`);
    expect(await page.text()).toContain("<h1>");
  });

  it("serve all that the page refers to, with a strict policy, and nothing from elsewhere", async () => {
    const types: Record<string, string> = {
      js: "text/javascript",
      css: "text/css",
      svg: "image/svg",
      map: "application/json",
    };
    const seen = new Set([`${origin}/bench/`]);
    for (const url of seen) {
      expect(url.startsWith(`${origin}/bench/`), url).toBe(true);
      const response = await fetch(url);
      expect(response.status, url).toBe(200);
      const type = types[/\.(\w+)$/.exec(url)?.[1] as string] ?? "text/html";
      expect(response.headers.get("content-type")).toContain(type);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      const policy = response.headers.get("content-security-policy") as string;
      expect(policy).toContain("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';");
      expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'|\*|https?:|data:/);
      for (const found of referencesOf(url, await response.text())) seen.add(found);
    }
    const names = [...seen].map((url) => url.slice(url.lastIndexOf("/") + 1));
    expect(names).toEqual(expect.arrayContaining(["page.js", "worker.js", "index.js", "style.css", "icon.svg"]));
  });

  it("carry no script, style or handler inside the page", async () => {
    const text = await (await fetch(`${origin}/bench/`)).text();
    expect(text).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
  });

  it("are asked about again, and not sent again", async () => {
    const first = await fetch(`${origin}/bench/codec/index.js`);
    expect(first.headers.get("cache-control")).toBe("no-cache");
    const etag = first.headers.get("etag") as string;
    expect(await statusOf("/bench/codec/index.js", "GET", { "if-none-match": etag })).toBe(304);
    expect(await statusOf("/bench/codec/index.js", "GET", { "if-none-match": '"another"' })).toBe(200);
  });

  it.each([
    "/bench/../package.json",
    "/bench/web/bench/../../../package.json",
    "/bench/%2e%2e/%2e%2e/package.json",
    "/bench/..%2f..%2fpackage.json",
    "/bench/web%2fbench%2fpage.js",
    "/bench//web/bench/page.js",
    "/bench/web/bench/page.js/",
    "/bench/web/bench/page.ts",
    "/bench/web/bench/page.d.ts",
    "/bench/web/bench/index.html",
    "/bench/web/page-router.js",
    "/bench/cli/main.js",
    "/bench/web/bench/",
    "/bench/__proto__",
    "/bench/%",
    "/benchweb/bench/page.js",
  ])("do not lead to %s", async (path) => {
    expect([400, 404]).toContain(await statusOf(path));
  });

  it("are read, and nothing else", async () => {
    expect(await statusOf("/bench/", "HEAD")).toBe(200);
    for (const method of ["POST", "PUT", "DELETE"]) expect(await statusOf("/bench/", method)).toBe(404);
  });

  it("say what is missing when the pages have not been built", () => {
    expect(() => benchPage({ root: new URL("./nowhere/", import.meta.url) })).toThrow(/ENOENT/);
  });
});
