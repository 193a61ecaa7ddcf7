import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { ENVIRONMENTS, environment } from "./environments.ts";
import { describeWith } from "./suite.ts";

const folder = (name: string) => fileURLToPath(new URL(`../../build/python/${name}`, import.meta.url));

// A PyPI of this machine, with one package, for a Python to come.
const WHEEL = "far_ahead-1.0-py3-none-any.whl";
const MAKE_WHEEL = `
import sys, zipfile
with zipfile.ZipFile(sys.stdout.buffer, "w") as wheel:
    wheel.writestr("far_ahead-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: far-ahead\\nVersion: 1.0\\nRequires-Python: >=99\\n")
    wheel.writestr("far_ahead-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr("far_ahead-1.0.dist-info/RECORD", "")`;
const files = new Map<string, string | Buffer>();
const pypi = createServer((request, response) => {
  const file = files.get(request.url as string);
  response.writeHead(file === undefined ? 404 : 200, { "content-type": "text/html" }).end(file);
});

beforeAll(async () => {
  await new Promise((resolve) => pypi.listen(0, "127.0.0.1", () => resolve(undefined)));
});
afterAll(() => pypi.close());
beforeEach(() => {
  vi.stubEnv("PIP_FIND_LINKS", "");
  vi.stubEnv("PIP_EXTRA_INDEX_URL", "");
  vi.stubEnv("PIP_NO_CACHE_DIR", "1");
  return () => vi.unstubAllEnvs();
});

const indexAt = (port: number) => vi.stubEnv("PIP_INDEX_URL", `http://127.0.0.1:${port}/simple`);

it("says so where PyPI cannot be reached, and leaves nothing behind", async () => {
  indexAt(1);
  expect(await environment("nowhere", "far-ahead")).toEqual({ skipped: "PyPI cannot be reached" });
  expect(existsSync(folder("nowhere"))).toBe(false);
});

it("fails for a package that is not there", async () => {
  indexAt((pypi.address() as AddressInfo).port);
  await expect(environment("nowhere", "no-such-package")).rejects.toThrow(/No matching distribution found/);
  expect(existsSync(folder("nowhere"))).toBe(false);
});

describeWith("current", (python) => {
  it("is taken as it is where PyPI cannot be reached", async () => {
    indexAt(1);
    expect(await environment("current", ENVIRONMENTS.current)).toEqual(python);
  });

  it("is not made of an older version that fits where no Python is right for the newest", async () => {
    files.set("/simple/far-ahead/", `<a href="/${WHEEL}" data-requires-python="&gt;=99">${WHEEL}</a>`);
    files.set(`/${WHEEL}`, execFileSync(python.python, ["-c", MAKE_WHEEL]));
    indexAt((pypi.address() as AddressInfo).port);
    await expect(environment("nowhere", "far-ahead")).rejects.toThrow(
      /^far-ahead 1\.0 wants Python >=99: here is python3\S* 3\.\d+\.\d+.*\. Install one, or say where it is with PYTHON$/,
    );
    expect(existsSync(folder("nowhere"))).toBe(false);
  });
});
