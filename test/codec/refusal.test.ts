import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { noise } from "../support/noise.ts";

/** A codec that has not compiled anything yet. */
async function freshCodec() {
  vi.resetModules();
  return import("../../src/codec/index.ts");
}

/** As under a Content-Security-Policy, or in an edge worker. */
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

/** What the main thread of a page in Chromium before 115 says to more than 4 kB at once. */
function refuseAtOnce(): void {
  const limit = "is disallowed on the main thread, if the buffer size is larger than 4KB.";
  const { prototype } = WebAssembly.Module;
  vi.spyOn(WebAssembly, "Module").mockImplementation(function refuse() {
    throw new RangeError(`WebAssembly.Compile ${limit} Use WebAssembly.compile, or compile on a worker thread.`);
  });
  // What was compiled elsewhere is still a module.
  Object.defineProperty(WebAssembly.Module, "prototype", { value: prototype });
  vi.spyOn(WebAssembly, "Instance").mockImplementation(function refuse() {
    throw new RangeError(`WebAssembly.Instance ${limit} Use WebAssembly.instantiate.`);
  });
}

describe("a main thread that must not be held up", () => {
  const useLoadCodec = expect.objectContaining({
    code: "CODEC_UNSUPPORTED",
    message: expect.stringMatching(/^this page may not .* use loadCodec/),
    cause: expect.any(RangeError),
  });

  it("gets SIMD from loadCodec, from bytes and from a module", async () => {
    const { loadCodec } = await freshCodec();
    const module = await WebAssembly.compile(readFileSync("build/codec.scalar.wasm"));
    refuseAtOnce();
    expect((await loadCodec()).variant).toBe("simd");
    expect((await loadCodec({ variant: "scalar" })).variant).toBe("scalar");
    expect((await loadCodec({ module })).variant).toBe("scalar");
  });

  it("gets JavaScript from loadCodecSync, before and after something is compiled, or is told what to do", async () => {
    const { loadCodec, loadCodecSync } = await freshCodec();
    const module = await WebAssembly.compile(readFileSync("build/codec.scalar.wasm"));
    refuseAtOnce();
    for (let round = 0; round < 2; round++) {
      expect(loadCodecSync().variant).toBe("js");
      expect(() => loadCodecSync({ variant: "simd" })).toThrowError(useLoadCodec);
      expect(() => loadCodecSync({ module })).toThrowError(useLoadCodec);
      await loadCodec();
    }
  });

  it("goes on in JavaScript after a trap", async () => {
    const { loadCodec } = await freshCodec();
    const codec = await loadCodec();
    const resampler = codec.createResampler(24000, 16000);
    const expected = resampler.process(noise(480));
    refuseAtOnce();
    codec.core.trapped(new WebAssembly.RuntimeError("unreachable"));
    expect(resampler.process(noise(480))).toEqual(expected);
    expect([codec.variant, codec.traps, resampler.discontinuities]).toEqual(["js", 1, 1]);
  });
});

it("a module that is something else is refused by loadCodec too", async () => {
  const { loadCodec } = await freshCodec();
  const module = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  await expect(loadCodec({ module })).rejects.toThrowError(expect.objectContaining({ code: "CODEC_BAD_MODULE" }));
});
