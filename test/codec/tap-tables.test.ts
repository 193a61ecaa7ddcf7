import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { loadCodecSync, SAMPLE_RATES } from "../../src/codec/index.ts";
import { designTaps, TAP_BITS } from "../../src/codec/taps.ts";
import { codecs } from "../support/codecs.ts";
import { expectSameSamples, noise } from "../support/signals.ts";
import { readTapTable, type TableRow, type TapTable } from "../support/tap-tables.ts";

const CASES = SAMPLE_RATES.flatMap((a) =>
  SAMPLE_RATES.filter((b) => b !== a).flatMap((b) =>
    (["default", "low-delay"] as const).map((profile) => [a, b, profile] as const),
  ),
);

const designs = CASES.map(([a, b, profile]) => designTaps(a, b, profile));

const HALF = 1 << (TAP_BITS - 1);
const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);

// Noise would hardly show a tap that is wrong in its last bit: it moves one output of a hundred.
describe.each(codecs)("the tables of all pairs and profiles (%s)", (variant) => {
  it("hold the taps that src/codec/taps.ts designs, to the bit", () => {
    const { core } = loadCodecSync({ variant });
    CASES.forEach(([a, b, profile], i) => {
      const { rows, tapCount, interpolation } = readTapTable(core, a, b, profile);
      const designed = designs[i]!;
      const bytesOf = (taps: Int32Array) => Buffer.from(taps.buffer, taps.byteOffset, taps.byteLength);
      expect([tapCount, interpolation]).toEqual([designed.tapCount, designed.interpolation]);
      for (const { phase, taps } of rows) {
        const expected = designed.values.subarray(phase * tapCount, (phase + 1) * tapCount);
        if (!bytesOf(taps).equals(bytesOf(expected))) expect(taps, `${a} → ${b} ${profile} ${phase}`).toEqual(expected);
      }
    });
  });
});

/** What lies closest to overflow: full scale with the signs of some taps, and the same upside down. */
const LOUDEST: ((row: TableRow, j: number) => number)[] = [
  ({ taps }, j) => (taps[j]! < 0 ? -32_768 : 32_767),
  ({ taps }, j) => (taps[j]! > 0 ? -32_768 : 32_767),
  ({ fine }, j) => (fine[j]! < 0 ? -32_768 : 32_767),
  ({ fine }, j) => (fine[j]! > 0 ? -32_768 : 32_767),
];

/** For each output of the period in turn: silence, and the loudest for it alone. */
function loudestInput({ decimation, interpolation, tapCount, rows }: TapTable, loudest: (typeof LOUDEST)[number]) {
  const inputsPerPeriod = (rows.length * decimation) / interpolation;
  const periodsApart = Math.ceil(tapCount / inputsPerPeriod);
  const outputs = rows.map((_, i) => (i + 1) * periodsApart * rows.length + i);
  const input = new Int16Array((rows.length + 2) * periodsApart * inputsPerPeriod);
  const expected = rows.map((row, i) => {
    const oldest = Math.floor((outputs[i]! * decimation) / interpolation) - tapCount + 1;
    let exact = HALF;
    for (let j = 0; j < tapCount; j++) {
      const sample = loudest(row, j);
      input[oldest + j] = sample;
      exact += row.taps[j]! * sample;
    }
    return Math.max(-32_768, Math.min(32_767, Math.floor(exact / 2 ** TAP_BITS)));
  });
  return { input, outputs, expected };
}

describe("sums of int32 (simd)", () => {
  const tables = (() => {
    const { core } = loadCodecSync({ variant: "simd" });
    return CASES.map(([a, b, profile]) => [a, b, profile, readTapTable(core, a, b, profile)] as const);
  })();

  it("have room for the worst input there can be, in every row of every table", () => {
    for (const [a, b, profile, { rows }] of tables) {
      for (const { phase, coarse, fine, laneSums } of rows) {
        const lanes = laneSums.map((lane) => 32_768 * lane);
        const upper = lanes.map((lane) => Math.ceil(lane / 128));
        // With the lower bits of four lanes, and the half for rounding, in units of 2^-14.
        const whole = 32_768 * sum(coarse.map(Math.abs)) + sum(upper) + 3 + (1 << 13);
        const where = `${a} → ${b} ${profile} ${phase}`;
        if (Math.max(...lanes, whole) >= 2 ** 31) expect.unreachable(where);
        // int16 · int16 + int16 · int16 overflows in one case alone.
        if (fine.includes(-32_768) || coarse.includes(-32_768)) expect.unreachable(where);
      }
    }
  });

  // The other variants add up in doubles.
  it("do not wrap for it", () => {
    const codec = loadCodecSync({ variant: "simd" });
    for (const [a, b, profile, table] of tables) {
      using resampler = codec.createResampler(a, b, { profile });
      for (const loudest of LOUDEST) {
        const { input, outputs, expected } = loudestInput(table, loudest);
        const output = resampler.process(input);
        outputs.forEach((at, i) => {
          if (output[at] !== expected[i])
            expect([a, b, profile, i, output[at]]).toEqual([a, b, profile, i, expected[i]]);
        });
        resampler.reset();
      }
    }
  });
});

describe("the largest piece", () => {
  it("gives the same in every variant, at every beginning of a block", () => {
    for (const [a, b, profile] of CASES) {
      const [first, ...others] = codecs.map(([, codec]) => {
        using resampler = codec.createResampler(a, b, { profile });
        const { pcmCapacity } = codec.core;
        resampler.process(noise(a % 7, a));
        return resampler.process(noise(pcmCapacity, b));
      });
      for (const other of others) expectSameSamples(other, first!);
    }
  });

  // Kernels read and write whole vectors and blocks: a little before and behind what they are asked for (layout.ts).
  it.each(["simd", "scalar"] as const)("leaves alone what lies beside it in memory (%s)", (variant) => {
    const codec = loadCodecSync({ variant });
    for (const [a, b, profile] of CASES) {
      const { core } = codec;
      const handle = core.open(a, b, profile);
      const memory = Buffer.from(core.exports.memory.buffer);
      // PREFIX, what is between MESSAGE and OUT, and from PAIRS on to WINDOW.
      const regions = [
        [0x400, 0xa00],
        [0xd040, 0x20ff0],
        [0x69000, 0x6c000],
        [0xd2000, 0xe0100],
      ].map(([from, to]) => memory.subarray(from, to));
      regions[0]!.fill(0x55);
      regions[1]!.fill(0x55);
      const before = regions.map((region) => Buffer.from(region));
      for (const count of [core.pcmCapacity, 1, core.pcmCapacity, 2, core.pcmCapacity - 1, 3, 0, core.pcmCapacity]) {
        core.convert(handle, count, 1);
      }
      regions.forEach((region, i) => {
        if (!region.equals(before[i]!)) expect.unreachable(`${a} → ${b} ${profile}: region ${i}`);
      });
      core.close(handle);
    }
  });
});
