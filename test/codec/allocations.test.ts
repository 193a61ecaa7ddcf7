import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const BUNDLE = new URL("../../build/allocations-test.mjs", import.meta.url).pathname;
const SCRIPT = new URL("../support/allocations.js", import.meta.url).pathname;

/** What else a call may cost: nothing, but the measurement itself is objects too. */
const SLACK = 8;

/**
 * Views made by one call, which no JIT does away with (96 bytes each in Node 20 and 22, 104 in 24), and bytes of samples:
 * those of a frame handed to the bot, cut from a slab with its rest.
 */
const LIMITS: [string, { views: number; bytes: number }][] = [
  ["process into an exact array", { views: 0, bytes: 0 }],
  ["process into a longer array", { views: 1, bytes: 0 }], // the one it returns
  ["processFloat32 into an exact array", { views: 0, bytes: 0 }],
  ["read at 24 kHz", { views: 1, bytes: 1_000 }], // the frame's, on its part of a slab
  ["read at 16 kHz", { views: 1, bytes: 670 }],
  ["push at 24 kHz and takeMessages", { views: 0, bytes: 0 }],
  ["push of bytes at 24 kHz and takeMessages", { views: 0, bytes: 0 }],
  ["push at 16 kHz and takeMessages", { views: 0, bytes: 0 }],
  ["encodeMuLaw into an exact array", { views: 0, bytes: 0 }],
  ["decodeMuLaw into an exact array", { views: 0, bytes: 0 }],
];

beforeAll(async () => {
  const entry = new URL("../../src/codec/index.ts", import.meta.url).pathname;
  await build({ entryPoints: [entry], bundle: true, format: "esm", target: "es2022", outfile: BUNDLE });
});

afterAll(() => rmSync(BUNDLE, { force: true }));

// The scalar variant has the host's code in common with SIMD.
describe.each(["simd", "js"])("garbage on the hot path (%s)", (variant) => {
  let results: Record<string, { heap: number; buffers: number }>;

  beforeAll(async () => {
    const options = ["--expose-gc", "--min-semi-space-size=16", "--max-semi-space-size=16"];
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...options,
      SCRIPT,
      pathToFileURL(BUNDLE).href,
      variant,
    ]);
    results = JSON.parse(stdout);
  }, 60_000);

  it.each(LIMITS)("%s", (name, { views, bytes }) => {
    const { heap, buffers } = results[name]!;
    expect(heap).toBeLessThanOrEqual(views * results["a view"]!.heap + SLACK);
    expect(buffers).toBeLessThanOrEqual(bytes);
  });

  it("would be seen", () => {
    const { heap, buffers } = results["process to a copy"]!;
    expect(results["a view"]!.heap).toBeGreaterThan(50);
    expect(heap).toBeGreaterThan(50);
    expect(buffers).toBeGreaterThanOrEqual(640);
  });
});
