import { afterEach, describe, expect, it, vi } from "vitest";
import { noise } from "../support/noise.ts";

/** A codec that has not compiled anything yet. */
async function freshCodec() {
  vi.resetModules();
  return import("../../src/codec/index.ts");
}

/** As under a Content-Security-Policy, in an edge worker, or on a main thread that may not be held up. */
function refuseCompiling(refusal: Error): void {
  vi.spyOn(WebAssembly, "compile").mockRejectedValue(refusal);
  vi.spyOn(WebAssembly, "Module").mockImplementation(function refuse() {
    throw refusal;
  });
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.resetModules();
});

describe.each([
  ["a policy", new WebAssembly.CompileError("Wasm code generation disallowed by embedder")],
  ["a main thread", new RangeError("WebAssembly.Compile is disallowed on the main thread")],
  ["an old policy", new EvalError("unsafe-eval is not allowed")],
])("compiling refused by %s", (_who, refusal) => {
  it("auto goes on in JavaScript, with the same bits", async () => {
    const { loadCodec, loadCodecSync } = await freshCodec();
    const expected = loadCodecSync({ variant: "js" }).createResampler(24000, 16000).process(noise(480));
    refuseCompiling(refusal);
    for (const codec of [await loadCodec(), loadCodecSync(), loadCodecSync({ variant: "auto" })]) {
      expect(codec.variant).toBe("js");
      expect(codec.createResampler(24000, 16000).process(noise(480))).toEqual(expected);
    }
  });

  it("who named a variant is told what to do", async () => {
    const { loadCodec, loadCodecSync } = await freshCodec();
    refuseCompiling(refusal);
    for (const variant of ["simd", "scalar"] as const) {
      const told = expect.objectContaining({
        code: "CODEC_UNSUPPORTED",
        message: expect.stringMatching(new RegExp(`^this engine refuses .* ${variant} .*'wasm-unsafe-eval'[^\\n]*$`)),
        cause: refusal,
      });
      await expect(loadCodec({ variant })).rejects.toThrowError(told);
      expect(() => loadCodecSync({ variant })).toThrowError(told);
    }
  });

  it("is not remembered: once allowed, auto is SIMD", async () => {
    const { loadCodec, loadCodecSync } = await freshCodec();
    refuseCompiling(refusal);
    expect((await loadCodec()).variant).toBe("js");
    vi.restoreAllMocks();
    expect((await loadCodec()).variant).toBe("simd");
    // What is compiled stays.
    vi.spyOn(WebAssembly, "compile").mockRejectedValue(refusal);
    expect((await loadCodec()).variant).toBe("simd");
    expect(loadCodecSync().variant).toBe("simd");
  });
});
