import { Buffer } from "node:buffer";
import { expect } from "vitest";

export { concat } from "../../src/web/bench/signals.ts";

export { noise, split } from "./noise.ts";

/** A sine, `level` in dB of full scale. */
export function sine(frequency: number, sampleRate: number, length: number, level = -1): Int16Array {
  const amplitude = 32_767 * 10 ** (level / 20);
  return Int16Array.from({ length }, (_, i) =>
    Math.round(amplitude * Math.sin((2 * Math.PI * frequency * i) / sampleRate)),
  );
}

/** As `expect(actual).toEqual(expected)`, in a thousandth of the time when they are equal. */
export function expectSameSamples(actual: Int16Array, expected: Int16Array): void {
  const bytes = ({ buffer, byteOffset, byteLength }: Int16Array) => Buffer.from(buffer, byteOffset, byteLength);
  if (!bytes(actual).equals(bytes(expected))) expect(actual).toEqual(expected);
}
