import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { type Codec, CodecError, loadCodecSync, SAMPLE_RATES } from "../../src/codec/index.ts";
import { designTaps, type ResamplerProfile } from "../../src/codec/taps.ts";
import { resampleReference } from "../reference/resampler.ts";
import { codecs } from "../support/codecs.ts";
import { concat, expectSameSamples, noise, split } from "../support/signals.ts";

const PAIRS = SAMPLE_RATES.flatMap((a) => SAMPLE_RATES.filter((b) => b !== a).map((b) => [a, b] as const));

function resampleInParts(codec: Codec, parts: Iterable<Int16Array>, a: number, b: number, profile?: ResamplerProfile) {
  using resampler = codec.createResampler(a, b, profile === undefined ? {} : { profile });
  const outputs: Int16Array[] = [];
  for (const part of parts) outputs.push(resampler.process(part));
  return concat(outputs);
}

describe.each(PAIRS)("%i → %i Hz", (a, b) => {
  it.each(["default", "low-delay"] as const)(
    "gives what the definition gives, for uneven splits too (%s)",
    (profile) => {
      const input = noise(1_200, a + b);
      const expected = resampleReference(input, designTaps(a, b, profile));
      for (const [, codec] of codecs) {
        expectSameSamples(resampleInParts(codec, [input], a, b, profile), expected);
        expectSameSamples(resampleInParts(codec, split(input, [1, 2, 3, 319, 7, 481]), a, b, profile), expected);
      }
    },
  );

  it("saturates where the filter overshoots, and never wraps", () => {
    const table = designTaps(a, b, "default");
    const square = Int16Array.from({ length: 4_000 }, (_, i) => (Math.floor(i / 5) % 2 === 0 ? 32_767 : -32_768));
    // Full scale with the signs of one row's taps is the worst for that row; tap-tables.test.ts does them all.
    const row = table.values.subarray(0, table.tapCount);
    const matched = Int16Array.from({ length: 3 * table.tapCount }, (_, i) =>
      (row[i % table.tapCount] as number) < 0 ? -32_768 : 32_767,
    );
    for (const input of [square, matched]) {
      const expected = resampleReference(input, table);
      for (const [, codec] of codecs) expectSameSamples(resampleInParts(codec, [input], a, b), expected);
    }
  });
});

describe.each(codecs)("resampler (%s)", (_variant, codec) => {
  it.each([
    [24000, 16000],
    [16000, 24000],
    [24000, 8000],
    [8000, 24000],
    [44100, 24000],
    [11025, 32000],
  ] as const)("%i → %i Hz: any split equals one shot", (a, b) => {
    const input = noise(9_000, 7);
    const whole = resampleInParts(codec, [input], a, b);
    expect(whole.length).toBe(Math.ceil((input.length * b) / a));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 4_801 })), {
          minLength: 1,
          maxLength: 30,
        }),
        (lengths) => {
          fc.pre(lengths.some((length) => length > 0));
          expectSameSamples(resampleInParts(codec, split(input, lengths), a, b), whole);
        },
      ),
      { numRuns: codec.variant === "simd" ? 40 : 10 },
    );
  });

  it("keeps streams apart that take turns", () => {
    const inputs = [1, 2, 3, 4].map((seed) => noise(4_000, seed));
    const rates = [
      [24000, 16000],
      [16000, 24000],
      [24000, 8000],
      [24000, 16000],
    ] as const;
    const streams = rates.map(([a, b]) => codec.createResampler(a, b));
    const outputs: Int16Array[][] = rates.map(() => []);
    for (let at = 0; at < 4_000; at += 161) {
      streams.forEach((stream, i) => {
        outputs[i]!.push(stream.process(inputs[i]!.subarray(at, at + 161)));
      });
    }
    rates.forEach(([a, b], i) => {
      expect(concat(outputs[i]!)).toEqual(resampleReference(inputs[i]!, designTaps(a, b, "default")));
      streams[i]!.close();
    });
  });

  it("makes silence of silence and passes a constant unchanged", () => {
    for (const [a, b] of PAIRS) {
      expect(resampleInParts(codec, [new Int16Array(900)], a, b).every((sample) => sample === 0)).toBe(true);
      const settled = resampleInParts(codec, [new Int16Array(2_400).fill(-12_345)], a, b).subarray(-50);
      expect([...new Set(settled)]).toEqual([-12_345]);
    }
  });

  it("reaches both ends of int16 where a square overshoots", () => {
    const square = Int16Array.from({ length: 1_600 }, (_, i) => (Math.floor(i / 40) % 2 === 0 ? 32_767 : -32_768));
    const output = resampleInParts(codec, [square], 16000, 24000);
    expect(Math.max(...output)).toBe(32_767);
    expect(Math.min(...output)).toBe(-32_768);
  });

  it("copies when the rates are equal", () => {
    const input = noise(1_000);
    using resampler = codec.createResampler(24000, 24000);
    expect(resampler.delayMs).toBe(0);
    expect(resampler.process(input)).toEqual(input);
    expect(resampler.flush().length).toBe(0);
  });

  it("delays by 48 samples of the lower rate, and flush gives what is still inside", () => {
    for (const [a, b, delayMs] of [
      [24000, 16000, 3],
      [16000, 24000, 3],
      [24000, 8000, 6],
      [48000, 24000, 2],
    ] as const) {
      using resampler = codec.createResampler(a, b);
      expect(resampler.delayMs).toBeCloseTo(delayMs, 10);
      const pulse = Int16Array.from(
        { length: a / 10 },
        (_, i) => 20_000 * Math.exp(-(((i - a / 20) / (a / 1_000)) ** 2)),
      );
      const output = concat([resampler.process(pulse), resampler.flush()]);
      const centroid = (x: Int16Array) => x.reduce((s, v, i) => s + v * i, 0) / x.reduce((s, v) => s + v, 0);
      expect((centroid(output) / b) * 1_000 - (centroid(pulse) / a) * 1_000).toBeCloseTo(delayMs, 2);
      // As new after flush.
      expect(resampler.process(pulse)).toEqual(resampleInParts(codec, [pulse], a, b));
    }
  });

  it("takes views with an odd beginning and pooled buffers as they are", () => {
    const input = noise(480);
    const pooled = Buffer.from(Buffer.from(input.buffer));
    const moved = new Uint8Array(2 + input.byteLength);
    moved.set(pooled, 2);
    const view = new Int16Array(moved.buffer, 2, 480);
    expectSameSamples(resampleInParts(codec, [view], 24000, 16000), resampleInParts(codec, [input], 24000, 16000));
    // Whole megabytes at once, longer than the scratch memory.
    const long = noise(600_000, 3);
    expectSameSamples(
      resampleInParts(codec, [long], 24000, 16000),
      resampleReference(long, designTaps(24000, 16000, "default")),
    );
  });

  it("writes into the caller's array, and refuses one that is too short before it takes anything", () => {
    using resampler = codec.createResampler(24000, 16000);
    const input = noise(480);
    expect(() => resampler.process(input, new Int16Array(319))).toThrow(
      /^output must hold 320 samples, got room for 319$/,
    );
    const output = new Int16Array(400);
    const result = resampler.process(input, output);
    expect(result.buffer).toBe(output.buffer);
    expect(result.length).toBe(320);
    expect(result).toEqual(resampleInParts(codec, [input], 24000, 16000));
    const exact = new Int16Array(320);
    expect(resampler.process(input, exact)).toBe(exact);
  });

  it("says what is wrong with its arguments", () => {
    expect(() => codec.createResampler(24001, 16000)).toThrow(/inputRate must be one of 8000, .* got 24001/);
    expect(() => codec.createResampler(24000, Number.NaN)).toThrow(RangeError);
    using resampler = codec.createResampler(24000, 16000);
    // @ts-expect-error bytes are not samples
    expect(() => resampler.process(new Uint8Array(4))).toThrow(TypeError);
  });

  it("refuses a wrong profile wherever one is named, and no stream suffers", () => {
    for (const wrong of ["fast", "toString", 1, null]) {
      const profile = wrong as ResamplerProfile;
      const refused = new RangeError(`profile must be default or low-delay, got ${JSON.stringify(wrong)}`);
      expect(() => codec.createResampler(24000, 16000, { profile })).toThrow(refused);
      expect(() => codec.createMediaReader({ wireSampleRate: 24000, sampleRate: 16000, profile })).toThrow(refused);
      expect(() => codec.createMediaWriter({ wireSampleRate: 24000, profile })).toThrow(refused);
    }
    expect(codec.traps).toBe(0);
  });

  it("refuses a closed resampler by code, and gives its place to the next", () => {
    const before = codec.openResamplers;
    const resampler = codec.createResampler(24000, 16000);
    expect(codec.openResamplers).toBe(before + 1);
    resampler.close();
    resampler.close();
    expect(codec.openResamplers).toBe(before);
    const other = codec.createResampler(24000, 16000);
    expect(() => resampler.process(new Int16Array(4))).toThrowError(expect.objectContaining({ code: "CODEC_CLOSED" }));
    other.process(noise(100));
    resampler.close();
    expect(codec.openResamplers).toBe(before + 1);
    other.close();
  });

  it("refuses a stale handle, though its place has a new owner", () => {
    const { core } = codec;
    const stale = core.open(24000, 16000, "default");
    core.close(stale);
    const fresh = core.open(24000, 16000, "default");
    expect(fresh).not.toBe(stale);
    const before = codec.openResamplers;
    expect(core.exports.convert(stale, 480, 1)).toBe(-1);
    expect(core.exports.reset(stale)).toBe(0);
    core.close(stale);
    expect(codec.openResamplers).toBe(before);
    expect(core.exports.convert(fresh, 480, 1)).toBe(320);
    core.close(fresh);
    expect(core.exports.convert(0x7fffffff, 480, 1)).toBe(-1);
  });
});

describe("a replacement that fails", () => {
  it("is tried again, and no old handle is used in the new instance", () => {
    const codec = loadCodecSync();
    const input = noise(480);
    const writer = codec.createMediaWriter({ wireSampleRate: 24000 });
    writer.push(noise(320), 16000, 1);
    const first = writer.queuedSampleCount;
    codec.core.trapped(new WebAssembly.RuntimeError("unreachable"));
    const other = codec.createResampler(16000, 24000);
    const open = vi.spyOn(codec.core, "open").mockImplementationOnce(() => {
      throw new CodecError("CODEC_OUT_OF_MEMORY", "no memory");
    });
    expect(() => writer.push(input, 16000, 1)).toThrow(/no memory/);
    expect(writer.queuedSampleCount).toBe(first);
    other.process(new Int16Array(100).fill(10_000));
    writer.push(new Int16Array(320).fill(-10_000), 16000, 1);
    expect(open).toHaveBeenCalledTimes(2);
    const both = [new Int16Array(100).fill(10_000), new Int16Array(200).fill(10_000)];
    expect(other.process(both[1]!)).toEqual(
      resampleReference(concat(both), designTaps(16000, 24000, "default")).subarray(150),
    );
    writer.close();
    other.close();
    expect(codec.openResamplers).toBe(0);
  });

  it("leaves no retired instance in use", () => {
    const codec = loadCodecSync();
    const resampler = codec.createResampler(24000, 16000);
    const dead = codec.core;
    dead.trapped(new WebAssembly.RuntimeError("unreachable"));
    const { Instance } = WebAssembly;
    WebAssembly.Instance = class {
      constructor() {
        throw new RangeError("Out of memory");
      }
    } as unknown as typeof Instance;
    try {
      expect(() => resampler.process(noise(10))).toThrowError(expect.objectContaining({ code: "CODEC_OUT_OF_MEMORY" }));
    } finally {
      WebAssembly.Instance = Instance;
    }
    expect(resampler.process(noise(480)).length).toBe(320);
    expect(codec.core).not.toBe(dead);
    expect(codec.traps).toBe(1);
  });
});

describe("loading", () => {
  it("chooses what the engine validates, and obeys", async () => {
    const { loadCodec } = await import("../../src/codec/index.ts");
    expect((await loadCodec()).variant).toBe("simd");
    expect((await loadCodec({ variant: "scalar" })).variant).toBe("scalar");
    expect(loadCodecSync().variant).toBe("simd");
    // @ts-expect-error not a variant
    expect(() => loadCodecSync({ variant: "fast" })).toThrow(/variant must be/);
  });

  it("takes a module compiled elsewhere, and refuses one that is something else", async () => {
    const { readFileSync } = await import("node:fs");
    for (const variant of ["simd", "scalar", "debug"]) {
      const module = new WebAssembly.Module(readFileSync(`build/codec.${variant}.wasm`));
      expect(loadCodecSync({ module }).variant).toBe(variant === "scalar" ? "scalar" : "simd");
    }
    const empty = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
    expect(() => loadCodecSync({ module: empty })).toThrowError(expect.objectContaining({ code: "CODEC_BAD_MODULE" }));
  });

  it("falls back to scalar without SIMD and says so when SIMD is demanded", async () => {
    const { validate } = WebAssembly;
    WebAssembly.validate = () => false;
    try {
      expect(loadCodecSync().variant).toBe("scalar");
      expect(() => loadCodecSync({ variant: "simd" })).toThrowError(
        expect.objectContaining({ code: "CODEC_UNSUPPORTED" }),
      );
    } finally {
      WebAssembly.validate = validate;
    }
  });
});
