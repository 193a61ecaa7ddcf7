import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SAMPLE_RATES } from "../../src/codec/index.ts";
import { designTaps, type ResamplerProfile } from "../../src/codec/taps.ts";
import { wholeTaps } from "../reference/resampler.ts";
import { codecs, resampleAlike } from "../support/codecs.ts";
import { bandEdge, rejectionDb, toneFates } from "../support/filter-response.ts";
import { levelDb, sinadDb } from "../support/measure.ts";
import { concat, expectSameSamples, noise, sine, split } from "../support/signals.ts";

// What holds for all 72 pairs; quality.test.ts looks closer at those with 24 kHz on a side.

const PAIRS = SAMPLE_RATES.flatMap((a) => SAMPLE_RATES.filter((b) => b !== a).map((b) => [a, b] as const));
const TONES = [301.3, 997.1, 3001.7, 6007.3, 7003.9, 9001.3, 10007.7];

/** `delay` in samples of the lower rate, `edge` and `stop` in multiples of the lower Nyquist frequency. */
const PROMISES = [
  ["default", { delay: 48, edge: 0.91, stop: 1.05, rejectionDb: 95 }],
  ["low-delay", { delay: 32, edge: 0.93, stop: 1.1, rejectionDb: 92 }],
] as const;
const CASES = PAIRS.flatMap(([a, b]) => PROMISES.map(([profile, promise]) => [a, b, profile, promise] as const));

const centroid = (samples: Int16Array) =>
  samples.reduce((sum, v, i) => sum + v * i, 0) / samples.reduce((sum, v) => sum + v, 0);

describe.each(CASES)("%i → %i Hz, %s", (a, b, profile: ResamplerProfile, promise) => {
  const nyquist = Math.min(a, b) / 2;

  it("keeps tones clean", () => {
    for (const tone of [997.1, TONES.filter((tone) => tone < 0.9 * nyquist).at(-1)!]) {
      const output = resampleAlike(sine(tone, a, 0.6 * a), a, b, profile).subarray(Math.floor(b / 10));
      expect(sinadDb(output, tone, b)).toBeGreaterThanOrEqual(93.3);
    }
  });

  it("passes the band and a constant, and stops the rest", () => {
    const table = designTaps(a, b, profile);
    const sums = wholeTaps(table).map((taps) => taps.reduce((sum, tap) => sum + tap, 0));
    expect(sums.every((sum) => sum === 1)).toBe(true);
    const fates = toneFates(table, a, b);
    expect(bandEdge(fates, nyquist, 0.1)).toBeGreaterThanOrEqual(promise.edge);
    expect(rejectionDb(fates, promise.stop)).toBeGreaterThanOrEqual(promise.rejectionDb);
    if (promise.stop * nyquist < a / 2) {
      const alias = resampleAlike(sine(promise.stop * nyquist, a, a / 2), a, b, profile).subarray(Math.floor(b / 4));
      expect(levelDb(alias)).toBeLessThanOrEqual(-91);
    }
  });

  it(`delays by ${promise.delay} samples of the lower rate and holds nothing back`, () => {
    // 1 ms wide or five samples, far from both ends.
    const width = Math.max(a / 1_000, (5 * a) / Math.min(a, b));
    const pulse = Int16Array.from({ length: a / 5 }, (_, i) => 20_000 * Math.exp(-(((i - a / 10) / width) ** 2)));
    const output = resampleAlike(pulse, a, b, profile);
    const measuredMs = (centroid(output) / b - centroid(pulse) / a) * 1_000;
    using resampler = codecs[0]![1].createResampler(a, b, { profile });
    expect(resampler.delayMs).toBeCloseTo((promise.delay * 1_000) / Math.min(a, b), 9);
    // A hundredth of a sample.
    expect(Math.abs(measuredMs - resampler.delayMs)).toBeLessThanOrEqual(10 / Math.min(a, b));
  });

  it("gives ceil(n · out / in) samples after n, the same in every variant, for any split", () => {
    const lengths = fc.array(fc.oneof(fc.nat(3), fc.nat(600)), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(lengths, lengths, fc.nat(1_000), (first, second, seed) => {
        const count = Math.min(
          2_000,
          first.reduce((sum, length) => sum + length, 0),
        );
        const input = noise(count, seed);
        // The last takes all that is left.
        const outputs = [first, [...second, count], [count]].map((pieces, i) => {
          using resampler = codecs[i]![1].createResampler(a, b, { profile });
          let inputs = 0;
          let given = 0;
          const parts: Int16Array[] = [];
          for (const part of split(input, [...pieces, 1])) {
            const promised = resampler.outputLength(part.length);
            const result = resampler.process(part);
            parts.push(result);
            inputs += part.length;
            given += result.length;
            if (result.length !== promised || given !== Math.ceil((inputs * b) / a)) {
              expect({ inputs, given, length: result.length }).toEqual({
                inputs,
                given: Math.ceil((inputs * b) / a),
                length: promised,
              });
            }
          }
          return concat(parts);
        });
        expectSameSamples(outputs[1]!, outputs[0]!);
        expectSameSamples(outputs[2]!, outputs[0]!);
      }),
      { numRuns: 8 },
    );
  });
});
