import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadCodecSync } from "../../src/codec/index.ts";
import { launchChromium } from "./chromium.ts";
import { exercise } from "./exercise.ts";
import { Site } from "./site.ts";
import { call, PAGE, visit } from "./visit.ts";

const PLACES = ["page", "worker", "worklet"] as const;
const report = exercise(loadCodecSync({ variant: "simd" }));

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

describe("a Content-Security-Policy", () => {
  it.each(PLACES)("that forbids to compile: auto is js in the %s, and simd is refused", async (place) => {
    await using site = await Site.open({ paths: PAGE, contentSecurityPolicy: "script-src 'self'" });
    const page = await visit(browser, site);
    for (const atOnce of [false, true]) {
      expect(await call(page, "ask", place, { atOnce })).toEqual({ variant: "js", report });
      for (const variant of ["simd", "scalar"] as const) {
        expect(await call(page, "ask", place, { variant, atOnce })).toEqual({
          code: "CODEC_UNSUPPORTED",
          error: expect.stringMatching(new RegExp(`refuses to compile the ${variant} variant.*'wasm-unsafe-eval'`)),
        });
      }
    }
    await page.close();
  });

  it.each(PLACES)("with 'wasm-unsafe-eval': simd runs in the %s", async (place) => {
    const contentSecurityPolicy = "script-src 'self' 'wasm-unsafe-eval'";
    await using site = await Site.open({ paths: PAGE, contentSecurityPolicy });
    const page = await visit(browser, site);
    expect(await call(page, "ask", place, {})).toEqual({ variant: "simd", report });
    expect(await call(page, "ask", place, { variant: "simd", atOnce: true })).toEqual({ variant: "simd", report });
    await page.close();
  });
});
