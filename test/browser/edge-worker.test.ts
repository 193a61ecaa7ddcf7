import { readFileSync } from "node:fs";
import { Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadCodecSync } from "../../src/codec/index.ts";
import { exercise } from "./exercise.ts";
import { javaScriptOf } from "./site.ts";

const ROOT = new URL("../../", import.meta.url);
const report = exercise(loadCodecSync({ variant: "simd" }));

/** A file of the repository as a module of the worker: as built, or with its types removed. */
function worker(path: string) {
  const file = new URL(path, ROOT);
  if (path.endsWith(".wasm")) return { type: "CompiledWasm" as const, path, contents: readFileSync(file) };
  const contents = path.endsWith(".ts") ? javaScriptOf(file) : readFileSync(file, "utf8");
  return { type: "ESModule" as const, path, contents };
}

describe("an edge worker", () => {
  let miniflare: Miniflare;
  beforeAll(async () => {
    miniflare = new Miniflare({
      compatibilityDate: "2026-01-01",
      modules: [
        "test/browser/edge-worker.ts",
        "test/browser/place.ts",
        "test/browser/exercise.ts",
        "test/support/noise.ts",
        "dist/codec/index.js",
        "build/codec.simd.wasm",
        "build/codec.scalar.wasm",
      ].map(worker),
    });
    await miniflare.ready;
  });
  afterAll(() => miniflare?.dispose());

  const ask = async (question: string) => (await miniflare.dispatchFetch(`http://worker/?${question}`)).json();

  it.each(["simd", "scalar"])("runs the %s module it imports, with Node's bits", async (module) => {
    expect(await ask(`module=${module}`)).toEqual({ variant: module, report });
    expect(await ask(`module=${module}&atOnce`)).toEqual({ variant: module, report });
  });

  it("may not compile from bytes: auto is js, with Node's bits", async () => {
    expect(await ask("variant=auto")).toEqual({ variant: "js", report });
    expect(await ask("variant=auto&atOnce")).toEqual({ variant: "js", report });
    const refusal = { code: "CODEC_UNSUPPORTED", error: expect.stringMatching(/refuses to compile the simd variant/) };
    expect(await ask("variant=simd")).toEqual(refusal);
  });
});
