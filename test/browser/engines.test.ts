import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadCodecSync } from "../../src/codec/index.ts";
import { noise } from "../support/noise.ts";
import { launchChromium } from "./chromium.ts";
import { exercise } from "./exercise.ts";
import { Site } from "./site.ts";
import { call, PAGE, visit } from "./visit.ts";

const PLACES = ["page", "worker", "worklet"] as const;
const report = exercise(loadCodecSync({ variant: "simd" }));

/** Tests against one page of a browser of their own. */
function inChromium(title: string, args: string[], tests: (page: () => Page) => void): void {
  describe(title, () => {
    let browser: Browser;
    let site: Site;
    let page: Page;
    beforeAll(async () => {
      site = await Site.open({ paths: PAGE });
      browser = await launchChromium({ args });
      page = await visit(browser, site);
    });
    afterAll(async () => {
      await browser?.close();
      await site?.[Symbol.asyncDispose]();
    });
    tests(() => page);
  });
}

it("Node's three variants agree on what the browser is compared with", () => {
  expect(Object.keys(report).length).toBeGreaterThan(20);
  for (const variant of ["scalar", "js"] as const) expect(exercise(loadCodecSync({ variant }))).toEqual(report);
});

inChromium("Chromium", ["--autoplay-policy=no-user-gesture-required"], (page) => {
  describe.each(PLACES)("%s", (place) => {
    it.each(["simd", "scalar", "js"] as const)("%s gives Node's bits", async (variant) => {
      expect(await call(page(), "ask", place, { variant })).toEqual({ variant, report });
    });
    it.each(["simd", "scalar"] as const)("a compiled module that is passed in: %s", async (module) => {
      expect(await call(page(), "ask", place, { module })).toEqual({ variant: module, report });
      expect(await call(page(), "ask", place, { module, atOnce: true })).toEqual({ variant: module, report });
    });
    it("auto is simd, also at once", async () => {
      expect(await call(page(), "ask", place, {})).toMatchObject({ variant: "simd" });
      expect(await call(page(), "ask", place, { atOnce: true })).toEqual({ variant: "simd", report });
    });
  });

  it.each([{ module: "simd" }, { module: "scalar" }, { variant: "js" }] as const)(
    "a graph with the worklet in it: %o",
    async (request) => {
      const { samples, missing } = await call(page(), "render", request, 12_800);
      // What makes the place hard; should that change, utf8.ts could go.
      expect(missing).toEqual(["TextDecoder", "TextEncoder", "fetch", "atob", "setTimeout"]);
      const heard = Float32Array.from(noise(12_800), (sample) => sample / 32_768);
      expect(samples).toEqual([...loadCodecSync().createResampler(48000, 24000).processFloat32(heard)]);
    },
  );

  it("a context that plays", async () => {
    expect(await call(page(), "askPlaying", { module: "simd" })).toEqual({ variant: "simd", report });
  });
});

// WebAssembly's SIMD needs SSE4.1; on other processors than Intel's and AMD's this flag does nothing.
const noSimd = process.arch === "x64" ? ["--js-flags=--no-enable-sse4-1"] : undefined;
describe.runIf(noSimd)("where there is no SIMD", () => {
  inChromium("Chromium", noSimd ?? [], (page) => {
    it.each(PLACES)("auto is scalar in the %s, with Node's bits", async (place) => {
      expect(await call(page(), "ask", place, {})).toEqual({ variant: "scalar", report });
      expect(await call(page(), "ask", place, { atOnce: true })).toEqual({ variant: "scalar", report });
      expect(await call(page(), "ask", place, { variant: "js" })).toEqual({ variant: "js", report });
      const refusal = { code: "CODEC_UNSUPPORTED", error: expect.stringMatching(/no WebAssembly SIMD/) };
      expect(await call(page(), "ask", place, { variant: "simd" })).toEqual(refusal);
    });
  });
});

describe("where there is no WebAssembly", () => {
  inChromium("Chromium", ["--js-flags=--jitless"], (page) => {
    it.each(PLACES)("auto is js in the %s, with Node's bits", async (place) => {
      expect(await page().evaluate(() => typeof WebAssembly)).toBe("undefined");
      expect(await call(page(), "ask", place, {})).toEqual({ variant: "js", report });
      const refusal = { code: "CODEC_UNSUPPORTED", error: expect.stringMatching(/no WebAssembly/) };
      expect(await call(page(), "ask", place, { variant: "scalar" })).toEqual(refusal);
    });
  });
});
