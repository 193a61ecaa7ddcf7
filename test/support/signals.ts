import { Buffer } from "node:buffer";
import { expect } from "vitest";

export { noise, split } from "./noise.ts";

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

/** As `expect(actual).toEqual(expected)`, in a thousandth of the time when they are equal. */
export function expectSameSamples(actual: Int16Array, expected: Int16Array): void {
  const bytes = ({ buffer, byteOffset, byteLength }: Int16Array) => Buffer.from(buffer, byteOffset, byteLength);
  if (!bytes(actual).equals(bytes(expected))) expect(actual).toEqual(expected);
}
