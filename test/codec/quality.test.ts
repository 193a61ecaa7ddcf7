import { describe, expect, it } from "vitest";
import { SAMPLE_RATES } from "../../src/codec/index.ts";
import { designTaps } from "../../src/codec/taps.ts";
import { idealTap, wholeTaps } from "../reference/resampler.ts";
import { codecs } from "../support/codecs.ts";
import { levelDb, sinadDb } from "../support/measure.ts";
import { sine } from "../support/signals.ts";

const TONES = [301.3, 997.1, 3001.7, 6007.3, 7003.9, 9001.3, 10007.7];

/** input, output, lowest SINAD: what an ideal filter with one int16 rounding gives, less 0.7 dB. */
const PAIRS = [
  [24000, 16000, 95.1],
  [16000, 24000, 94.2],
  [24000, 8000, 96.2],
  [8000, 24000, 94.2],
] as const;

it("passes a constant with a gain of exactly 1 in every phase of every pair", () => {
  for (const a of SAMPLE_RATES) {
    for (const b of SAMPLE_RATES) {
      if (a === b) continue;
      const sums = wholeTaps(designTaps(a, b, "default")).map((taps) => taps.reduce((sum, tap) => sum + tap, 0));
      expect(sums.every((sum) => sum === 1)).toBe(true);
    }
  }
});

/** Gain in dB of the filter that is really used, as a function of frequency. */
function responseDb(inputRate: number, outputRate: number): (frequency: number) => number {
  const table = designTaps(inputRate, outputRate, "default");
  const phases = wholeTaps(table);
  const rate = inputRate * table.interpolation;
  return (frequency) => {
    let re = 0;
    let im = 0;
    phases.forEach((taps, phase) => {
      taps.forEach((tap, age) => {
        const angle = (2 * Math.PI * frequency * (age * table.interpolation + phase)) / rate;
        re += tap * Math.cos(angle);
        im += tap * Math.sin(angle);
      });
    });
    return 20 * Math.log10(Math.hypot(re, im) / table.interpolation);
  };
}

describe.each(PAIRS)("%i → %i Hz", (inputRate, outputRate, lowestSinad) => {
  const nyquist = Math.min(inputRate, outputRate) / 2;

  it.each(codecs)("keeps tones clean (%s)", (_variant, codec) => {
    for (const frequency of TONES.filter((tone) => tone < 0.9 * nyquist)) {
      using resampler = codec.createResampler(inputRate, outputRate);
      const output = resampler.process(sine(frequency, inputRate, 2 * inputRate)).subarray(outputRate / 2);
      expect(sinadDb(output, frequency, outputRate)).toBeGreaterThanOrEqual(lowestSinad);
    }
  });

  it("is flat in the band and closed outside", () => {
    const gain = responseDb(inputRate, outputRate);
    const filterTop = (inputRate * designTaps(inputRate, outputRate, "default").interpolation) / 2;
    for (let f = 0.01; f <= 0.8; f += 0.01) expect(Math.abs(gain(f * nyquist))).toBeLessThanOrEqual(0.01);
    expect(gain(0.91 * nyquist)).toBeGreaterThanOrEqual(-0.1);
    expect(Math.abs(gain(0))).toBeLessThanOrEqual(0.001);
    for (let f = 1.03; f * nyquist <= filterTop; f += f < 1.4 ? 0.004 : 0.017) {
      expect(gain(f * nyquist)).toBeLessThanOrEqual(f < 1.05 ? -92 : -96);
    }
  });

  it.each(codecs)("lets no alias or image through the int16 output (%s)", (_variant, codec) => {
    if (outputRate < inputRate) {
      for (const f of [1.05, 1.2, 1.5]) {
        using resampler = codec.createResampler(inputRate, outputRate);
        const output = resampler.process(sine(f * nyquist, inputRate, inputRate)).subarray(outputRate / 2);
        // A tone that rounds to nothing but zeros is as good as it gets.
        expect(levelDb(output)).toBeLessThanOrEqual(-91);
      }
    }
  });

  it("uses the taps of the textbook", () => {
    const table = designTaps(inputRate, outputRate, "default");
    wholeTaps(table).forEach((taps, phase) => {
      taps.forEach((tap, age) => {
        const ideal = idealTap(inputRate, outputRate, "default", age + phase / table.interpolation);
        expect(Math.abs(tap - ideal)).toBeLessThan(2e-5 * (Math.abs(ideal) > 0.1 ? 1 : 0.1));
      });
    });
  });
});
