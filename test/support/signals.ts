import { Buffer } from "node:buffer";
import { expect } from "vitest";

/** White noise over the whole int16 range, the same for the same seed (mulberry32). */
export function noise(length: number, seed = 1): Int16Array {
  let state = seed;
  return Int16Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 16) - 32_768;
  });
}

/** A sine, `level` in dB of full scale. */
export function sine(frequency: number, sampleRate: number, length: number, level = -1): Int16Array {
  const amplitude = 32_767 * 10 ** (level / 20);
  return Int16Array.from({ length }, (_, i) =>
    Math.round(amplitude * Math.sin((2 * Math.PI * frequency * i) / sampleRate)),
  );
}

export function concat(parts: readonly Int16Array[]): Int16Array {
  const whole = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Cuts samples at the given lengths, over and over, until nothing is left. */
export function* split(samples: Int16Array, lengths: readonly number[]): Generator<Int16Array> {
  for (let at = 0, i = 0; at < samples.length; i++) {
    const length = lengths[i % lengths.length] as number;
    yield samples.subarray(at, at + length);
    at += length;
  }
}

/** As `expect(actual).toEqual(expected)`, in a thousandth of the time when they are equal. */
export function expectSameSamples(actual: Int16Array, expected: Int16Array): void {
  const bytes = ({ buffer, byteOffset, byteLength }: Int16Array) => Buffer.from(buffer, byteOffset, byteLength);
  if (!bytes(actual).equals(bytes(expected))) expect(actual).toEqual(expected);
}
