import { describe, expect, it } from "vitest";
import { SAMPLE_RATES } from "../../src/codec/index.ts";
import { chunkLength, chunksOf, outputLength } from "../../src/web/bench/chunks.ts";
import { PAIRS, parsePairs } from "../../src/web/bench/pairs.ts";
import { type Convert, measureQuality, totalDelayMs, worstRejectionDb } from "../../src/web/bench/quality.ts";
import { concat, noise, sine } from "../../src/web/bench/signals.ts";
import { powerAbove } from "../../src/web/bench/spectrum.ts";

const SAME = { inputRate: 24_000, outputRate: 24_000 };
const UP = { inputRate: 8000, outputRate: 24_000 };
const DOWN = { inputRate: 24_000, outputRate: 12_000 };

/** Gives everything out so much later, and as many samples as came. */
function delayLine(delaySamples: number): Convert {
  return (chunks) => {
    let waiting: Int16Array = new Int16Array(delaySamples);
    return chunks.map((chunk) => {
      waiting = concat([waiting, chunk]);
      const output = waiting.slice(0, chunk.length);
      waiting = waiting.slice(chunk.length);
      return output;
    });
  };
}

const repeat = (times: number) => (chunks: readonly Int16Array[]) =>
  chunks.map((chunk) => Int16Array.from({ length: chunk.length * times }, (_, i) => chunk[Math.floor(i / times)]!));
const everySecond = (chunks: readonly Int16Array[]) => chunks.map((chunk) => chunk.filter((_, i) => i % 2 === 0));

describe("the bench's definitions", () => {
  it("find the delay of a delay line, and what it holds back", async () => {
    expect(await totalDelayMs(delayLine(0), SAME)).toBeCloseTo(0, 6);
    expect(await totalDelayMs(delayLine(120), SAME)).toBeCloseTo(5, 6);
    // Two chunks at a time: after every other one, 20 ms of audio wait.
    const pairwise: Convert = (chunks) => {
      return chunks.map((chunk, i) => (i % 2 === 1 ? concat([chunks[i - 1]!, chunk]) : new Int16Array(0)));
    };
    expect(await totalDelayMs(pairwise, SAME)).toBeCloseTo(20, 6);
  });

  it("find images and aliases that are not held off", async () => {
    // A sample held three times over hardly weakens the image just above 4 kHz.
    const images = await worstRejectionDb(repeat(3), UP);
    expect(images).toBeGreaterThan(0);
    expect(images).toBeLessThan(10);
    expect(await worstRejectionDb(everySecond, DOWN)).toBeCloseTo(0, 1);
    const silent: Convert = (chunks) => chunks.map((chunk) => new Int16Array(chunk.length / 2));
    expect(await worstRejectionDb(silent, DOWN)).toBe(120);
  });

  it("call what is no number null, and what is only rounded 97 dB", async () => {
    const silent: Convert = (chunks) => chunks.map((chunk) => new Int16Array(chunk.length));
    expect((await measureQuality(silent, SAME, 1)).sinadDb).toBeNull();
    const { sinadDb } = await measureQuality(delayLine(0), SAME, 1);
    expect(sinadDb).toBeGreaterThan(96.9);
    expect(sinadDb).toBeLessThan(97.3);
  });

  it("weigh the spectrum above a frequency", () => {
    const tone = sine(5000, 24_000, 4096);
    const power = (32_767 ** 2 / 2) * 10 ** -0.1;
    expect(powerAbove(tone, 24_000, 4500) / power).toBeCloseTo(1, 3);
    expect(powerAbove(tone, 24_000, 5500) / power).toBeLessThan(1e-9);
    expect(() => powerAbove(tone.subarray(1), 24_000, 0)).toThrow(/power of two, got 4095/);
  });
});

describe("pairs", () => {
  it("are all that have Wavix's rate on one side", () => {
    expect(PAIRS).toHaveLength(16);
    expect(PAIRS.every(({ inputRate, outputRate }) => [inputRate, outputRate].includes(24_000))).toBe(true);
    expect(parsePairs("24000-16000,8000-48000")).toEqual([
      { inputRate: 24_000, outputRate: 16_000 },
      { inputRate: 8000, outputRate: 48_000 },
    ]);
    expect(parsePairs("24000-16000, 24000-16000")).toHaveLength(1);
    for (const bad of ["", "24000", "24000-24000", "24000-16001", "24000-16000-8000"]) {
      expect(() => parsePairs(bad)).toThrow(/pairs are written as 24000-16000/);
    }
  });

  it("are cut into chunks of exactly 20 ms in the mean", () => {
    for (const rate of SAMPLE_RATES) expect(chunkLength(rate, 0) + chunkLength(rate, 1)).toBe(rate / 25);
    const samples = noise(11_025);
    const chunks = chunksOf(samples, 11_025);
    expect(chunks.slice(0, 4).map(({ length }) => length)).toEqual([220, 221, 220, 221]);
    expect(concat(chunks)).toEqual(samples);
  });

  it("give as many samples as are due", () => {
    const pair = { inputRate: 24_000, outputRate: 11_025 };
    expect([0, 1, 2, 3].map((i) => outputLength(pair, i))).toEqual([221, 220, 221, 220]);
  });
});
