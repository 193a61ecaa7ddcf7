import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { resample, SAMPLE_RATES } from "../../src/codec/index.ts";
import { codecs } from "../support/codecs.ts";
import { expectSameSamples, noise } from "../support/signals.ts";

const PAIRS = SAMPLE_RATES.flatMap((a) => SAMPLE_RATES.map((b) => [a, b] as const));
const PROFILES = ["default", "low-delay"] as const;

describe.each(codecs)("a whole recording (%s)", (_variant, codec) => {
  it("has the exact length, and no resampler is left open, for all pairs", () => {
    for (const [a, b] of PAIRS) {
      for (const length of [0, 1, 2, 1_000]) {
        expect(resample(new Int16Array(length), a, b, { codec }).length).toBe(Math.ceil((length * b) / a));
      }
    }
    expect(codec.openResamplers).toBe(0);
  });

  it("is in time with the original to a small part of a sample, for all pairs and profiles", () => {
    for (const [a, b] of PAIRS) {
      for (const profile of PROFILES) {
        // A hump around 20 ms, slow enough for every rate and 0 at both ends. Its flank rises by 134 in a sample at
        // 48000 Hz and by more at the others: a result that is late by a fortieth of a sample is seen.
        const hump = (seconds: number) => 30_000 * Math.exp(-(((seconds - 0.02) / 0.004) ** 2));
        const input = Int16Array.from({ length: Math.ceil(0.04 * a) }, (_, i) => Math.round(hump(i / a)));
        const output = resample(input, a, b, { codec, profile });
        let worst = 0;
        for (let k = 0; k < output.length; k++) {
          worst = Math.max(worst, Math.abs(output[k]! - hump(k / b)));
        }
        expect(worst, `${a} → ${b} Hz, ${profile}`).toBeLessThan(3);
      }
    }
  });

  it("is the stream's own output where the delay is a whole number of samples", () => {
    for (const [a, b, delay] of [
      [24000, 16000, 48],
      [16000, 24000, 72],
      [44100, 24000, 48],
    ] as const) {
      const input = noise(4_000, a);
      using resampler = codec.createResampler(a, b);
      const streamed = [...resampler.process(input), ...resampler.flush()].slice(delay);
      const output = resample(input, a, b, { codec });
      expectSameSamples(output, Int16Array.from(streamed.slice(0, output.length)));
    }
  });

  it("copies when the rates are equal", () => {
    const input = noise(500, 1);
    const output = resample(input, 16000, 16000, { codec });
    expect(output).toEqual(input);
    expect(output.buffer).not.toBe(input.buffer);
  });

  it("may be a view at any offset, and of any length around the parts it is cut into", () => {
    const recording = noise(140_000, 2);
    const options = { minLength: 1, maxLength: 3 };
    const lengths = fc.oneof(
      fc.nat(300),
      fc.integer({ min: 65_530, max: 65_542 }),
      fc.integer({ min: 131_070, max: 131_075 }),
    );
    fc.assert(
      fc.property(fc.nat(100), fc.array(lengths, options), fc.constantFrom(...PROFILES), (offset, lengths, profile) => {
        for (const length of lengths) {
          const input = recording.subarray(offset, offset + length);
          const output = resample(input, 44100, 48000, { codec, profile });
          expect(output.length).toBe(Math.ceil((length * 48000) / 44100));
          // The end is not known before the filter's length of it: the start is that of a longer recording.
          const longer = resample(recording.subarray(offset), 44100, 48000, { codec, profile });
          const known = Math.max(0, output.length - 110);
          expectSameSamples(output.subarray(0, known), longer.subarray(0, known));
        }
      }),
      { numRuns: codec.variant !== "simd" ? 3 : 15 },
    );
  });

  it("tells how far it is", () => {
    const shares: number[] = [];
    resample(new Int16Array(65_536 * 4), 24000, 16000, { codec, onProgress: (share) => shares.push(share) });
    expect(shares).toEqual([0.25, 0.5, 0.75, 1]);
  });

  it("refuses what is wrong, and leaves nothing open when it is interrupted", () => {
    expect(() => resample(new Float32Array(4) as never, 24000, 16000, { codec })).toThrow(
      new TypeError("samples must be an Int16Array, got object"),
    );
    expect(() => resample(new Int16Array(4), 24001, 16000, { codec })).toThrow(/^inputRate must be one of/);
    expect(() => resample(new Int16Array(4), 24000, 16000, { codec, profile: "fast" as never })).toThrow(RangeError);
    const onProgress = () => {
      throw new Error("enough");
    };
    expect(() => resample(new Int16Array(200_000), 24000, 16000, { codec, onProgress })).toThrow("enough");
    expect(codec.openResamplers).toBe(0);
  });
});

it("a whole recording uses the thread's codec when none is named", () => {
  expect(resample(new Int16Array(480), 24000, 16000).length).toBe(320);
});
