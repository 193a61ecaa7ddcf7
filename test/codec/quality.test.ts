import { afterAll, describe, expect, it } from "vitest";
import { SAMPLE_RATES } from "../../src/codec/index.ts";
import { designTaps, type ResamplerProfile } from "../../src/codec/taps.ts";
import { resampleIdeally } from "../reference/ideal-resampler.ts";
import { idealTap, wholeTaps } from "../reference/resampler.ts";
import { resampleAlike } from "../support/codecs.ts";
import { bandEdge, rejectionDb, toneFates } from "../support/filter-response.ts";
import { fitSine, levelDb, powerAboveDb, sinadDb } from "../support/measure.ts";
import { sine } from "../support/signals.ts";

/** Two seconds of each, at −1 dBFS; from half a second on it counts. */
const TONES = [301.3, 997.1, 3001.7, 6007.3, 7003.9, 9001.3, 10007.7];
const LEVEL_DB = -1;
const AMPLITUDE = 32_767 * 10 ** (LEVEL_DB / 20);

/** What a profile promises. Edges are multiples of the lower Nyquist frequency. */
const PROMISES = {
  default: { edge: 0.91, rejection: [1.03, 92, 1.05, 96], stops: [1.03, 1.05, 1.2, 1.5] },
  "low-delay": { edge: 0.93, rejection: [1.1, 92, 1.1, 92], stops: [1.1, 1.2, 1.5] },
} as const;

const PAIRS = SAMPLE_RATES.filter((rate) => rate !== 24000).flatMap((rate) => [
  [rate, 24000] as const,
  [24000, rate] as const,
]);
const CASES = PAIRS.flatMap(([a, b]) => (["default", "low-delay"] as const).map((profile) => [a, b, profile] as const));

// The same for both profiles.
const ceilings = new Map<string, number>();

/** What is left of 16 bits when the filter is perfect. */
function ceilingDb(tone: number, inputRate: number, outputRate: number): number {
  const key = `${tone} ${inputRate} ${outputRate}`;
  let ceiling = ceilings.get(key);
  if (ceiling === undefined) {
    // Half as long: the oracle is slow, and the level of its noise is steady.
    const input = sine(tone, inputRate, 1.25 * inputRate, LEVEL_DB);
    ceiling = sinadDb(resampleIdeally(input, inputRate, outputRate, outputRate / 2), tone, outputRate);
    ceilings.set(key, ceiling);
  }
  return ceiling;
}

const report: string[] = [];
afterAll(() => {
  const head = ["pair and profile", "SINAD (ceiling)", "−0.1 dB at", "filter stops", "int16 stops"];
  console.log([head.join(" | "), ...report.sort()].join("\n"));
});

describe.each(CASES)("%i → %i Hz, %s", (inputRate, outputRate, profile: ResamplerProfile) => {
  const nyquist = Math.min(inputRate, outputRate) / 2;
  const promise = PROMISES[profile];
  const line = [`${inputRate} → ${outputRate} ${profile}`];
  afterAll(() => {
    report.push(line.join(" | "));
  });

  it("keeps tones as clean as 16 bits allow", () => {
    let worst = Number.POSITIVE_INFINITY;
    let worstCeiling = Number.POSITIVE_INFINITY;
    for (const tone of TONES.filter((tone) => tone < 0.9 * nyquist)) {
      const input = sine(tone, inputRate, 2 * inputRate, LEVEL_DB);
      const output = resampleAlike(input, inputRate, outputRate, profile).subarray(outputRate / 2);
      worst = Math.min(worst, sinadDb(output, tone, outputRate));
      worstCeiling = Math.min(worstCeiling, ceilingDb(tone, inputRate, outputRate));
    }
    line.push(`${worst.toFixed(2)} (${worstCeiling.toFixed(2)}) dB`);
    // A perfect filter gives 94.0 dB at the least: should the oracle be worse, it is no oracle.
    expect(worstCeiling).toBeGreaterThanOrEqual(94);
    expect(worst).toBeGreaterThanOrEqual(93.3);
    if (profile === "default") expect(worst).toBeGreaterThanOrEqual(worstCeiling - 0.7);
    if (profile === "default" && inputRate === 48000) expect(worst).toBeGreaterThanOrEqual(96);
  });

  it("is flat in the band and closed outside", () => {
    const fates = toneFates(designTaps(inputRate, outputRate, profile), inputRate, outputRate);
    const edge = bandEdge(fates, nyquist, 0.1);
    const [from, rejection, farther, fartherRejection] = promise.rejection;
    line.push(
      `${edge.toFixed(3)}`,
      `${rejectionDb(fates, from).toFixed(1)} / ${rejectionDb(fates, farther).toFixed(1)} dB`,
    );
    for (const { frequency, gainDb } of fates) {
      if (frequency <= 0.8 * nyquist) expect(Math.abs(gainDb)).toBeLessThanOrEqual(0.01);
    }
    expect(Math.abs(fates[0]!.gainDb)).toBeLessThanOrEqual(0.001);
    expect(edge).toBeGreaterThanOrEqual(promise.edge);
    expect(rejectionDb(fates, from)).toBeGreaterThanOrEqual(rejection);
    expect(rejectionDb(fates, farther)).toBeGreaterThanOrEqual(fartherRejection);
  });

  it("shows that edge, and no alias or image, through int16 too", () => {
    const measure = (frequency: number) => {
      const output = resampleAlike(sine(frequency, inputRate, inputRate, LEVEL_DB), inputRate, outputRate, profile);
      return output.subarray(outputRate / 2);
    };
    const top = fitSine(measure(promise.edge * nyquist), promise.edge * nyquist, outputRate);
    expect(20 * Math.log10(top.amplitude / AMPLITUDE)).toBeGreaterThanOrEqual(-0.1);

    const levels = promise.stops.flatMap((stop) => {
      const frequency = outputRate > inputRate ? inputRate - stop * nyquist : stop * nyquist;
      if (frequency > inputRate / 2) return [];
      const output = measure(frequency);
      // A tone that rounds to nothing but zeros is as good as it gets.
      if (outputRate < inputRate) return [levelDb(output) - LEVEL_DB];
      const { rest } = fitSine(output, frequency, outputRate);
      return [powerAboveDb(rest, outputRate, inputRate / 2, AMPLITUDE)];
    });
    const loudest = Math.max(...levels);
    line.push(loudest < -150 ? "silent" : `${(-loudest).toFixed(1)} dB`);
    expect(loudest).toBeLessThanOrEqual(-91);
  });

  it("uses the taps of the textbook", () => {
    const table = designTaps(inputRate, outputRate, profile);
    let furthest = 0;
    wholeTaps(table).forEach((taps, phase) => {
      taps.forEach((tap, age) => {
        const ideal = idealTap(inputRate, outputRate, profile, age + phase / table.interpolation);
        furthest = Math.max(furthest, Math.abs(tap - ideal) / (Math.abs(ideal) > 0.1 ? 1 : 0.1));
      });
    });
    expect(furthest).toBeLessThan(2e-5);
  });
});
