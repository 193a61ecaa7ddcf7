import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CodecError } from "../../src/codec/index.ts";
import { codecs } from "../support/codecs.ts";
import { noise } from "../support/signals.ts";

const toFloat = (samples: Int16Array) => Float32Array.from(samples, (sample) => sample / 32_768);
const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength);

describe.each(codecs)("floating-point samples (%s)", (_variant, codec) => {
  it("are rounded half up, clipped, and silent when they are no numbers", () => {
    using resampler = codec.createResampler(16000, 16000);
    const lsb = 1 / 32_768;
    const cases: [number, number][] = [
      [0, 0],
      [0.49 * lsb, 0],
      [0.5 * lsb, 1],
      [-0.5 * lsb, 0],
      [-0.51 * lsb, -1],
      [1.5 * lsb, 2],
      [-1.5 * lsb, -1],
      [32_766.5 * lsb, 32_767],
      [1, 32_767],
      [1.5, 32_767],
      [Number.POSITIVE_INFINITY, 32_767],
      [-1, -32_768],
      [-32_768.5 * lsb, -32_768],
      [-7, -32_768],
      [Number.NEGATIVE_INFINITY, -32_768],
      [Number.NaN, 0],
    ];
    const output = resampler.processFloat32(Float32Array.from(cases, ([sample]) => sample));
    expect([...output].map((sample) => sample * 32_768)).toEqual(cases.map(([, sample]) => sample));
  });

  it.each([
    [48000, 16000],
    [44100, 24000],
    [8000, 24000],
    [24000, 24000],
  ] as const)("%i → %i Hz: any split, in turns with int16, gives the bits of int16 in one shot", (a, b) => {
    const input = noise(7_000, 3);
    using whole = codec.createResampler(a, b);
    const expected = toFloat(whole.process(input));
    const parts = fc.array(fc.record({ length: fc.nat(2_500), float: fc.boolean() }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(parts, (parts) => {
        using resampler = codec.createResampler(a, b);
        const output = new Float32Array(expected.length);
        let read = 0;
        let written = 0;
        for (const { length, float } of [...parts, { length: input.length, float: true }]) {
          const part = input.subarray(read, read + length);
          read += part.length;
          const given = float ? resampler.processFloat32(toFloat(part)) : toFloat(resampler.process(part));
          output.set(given, written);
          written += given.length;
        }
        expect(written).toBe(expected.length);
        expect(bytesOf(output).equals(bytesOf(expected))).toBe(true);
      }),
      { numRuns: codec.variant !== "simd" ? 10 : 40 },
    );
  });

  it("take more at once than the codec's memory holds", () => {
    const input = noise(150_000, 5);
    using resampler = codec.createResampler(24000, 16000);
    const expected = toFloat(resampler.process(input));
    resampler.reset();
    expect(bytesOf(resampler.processFloat32(toFloat(input))).equals(bytesOf(expected))).toBe(true);
  });

  it("go into the caller's array, and no further", () => {
    using resampler = codec.createResampler(24000, 16000);
    const input = toFloat(noise(480, 9));
    const expected = resampler.processFloat32(input);
    resampler.reset();
    const output = new Float32Array(330).fill(9);
    const written = resampler.processFloat32(input, output.subarray(5));
    expect([written.byteOffset, written.length]).toEqual([20, 320]);
    expect(written).toEqual(expected);
    expect([...output.subarray(0, 5), ...output.subarray(325)]).toEqual(Array(10).fill(9));
    const exact = new Float32Array(320);
    expect(resampler.processFloat32(input, exact)).toBe(exact);
  });

  it("end as int16 ends, and the stream is as new", () => {
    for (const [a, b] of [
      [24000, 16000],
      [44100, 24000],
      [8000, 8000],
    ] as const) {
      using resampler = codec.createResampler(a, b);
      const input = noise(700, a);
      const first = toFloat(resampler.process(input));
      const tail = toFloat(resampler.flush());
      expect(resampler.processFloat32(toFloat(input))).toEqual(first);
      expect(bytesOf(resampler.flushFloat32()).equals(bytesOf(tail))).toBe(true);
      expect(tail.length > 0).toBe(a !== b);
      expect(resampler.processFloat32(toFloat(input))).toEqual(first);
    }
  });

  it("are refused before anything is consumed", () => {
    const resampler = codec.createResampler(24000, 16000);
    const input = toFloat(noise(480, 9));
    const expected = resampler.processFloat32(input);
    resampler.reset();
    expect(() => resampler.processFloat32(input, new Float32Array(319))).toThrow(
      new RangeError("output must hold 320 samples, got room for 319"),
    );
    expect(() => resampler.processFloat32(new Int16Array(3) as never)).toThrow(TypeError);
    expect(resampler.processFloat32(input)).toEqual(expected);
    resampler.close();
    expect(() => resampler.processFloat32(input)).toThrow(CodecError);
  });
});
