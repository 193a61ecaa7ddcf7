import { describe, expect, it } from "vitest";
import { loadCodecSync } from "../../src/codec/index.ts";
import { expectSameSamples, sine } from "../support/signals.ts";

/** How long each; all variants give the same bits, so an hour of one and minutes of the others show the same. */
const CASES = [
  [24000, 16000, 3_600, "simd"],
  [44100, 24000, 3_600, "simd"],
  [16000, 24000, 300, "simd"],
  [11025, 48000, 120, "simd"],
  [24000, 16000, 120, "scalar"],
  [44100, 24000, 120, "scalar"],
  [24000, 16000, 120, "js"],
  [44100, 24000, 120, "js"],
] as const;

describe("long audio", () => {
  it.each(CASES)("%i → %i Hz does not drift by a bit in %i s (%s)", (a, b, seconds, variant) => {
    const codec = loadCodecSync({ variant });
    using resampler = codec.createResampler(a, b);
    // A whole number of waves, so that every second of input is like the one before, and so must be the output.
    const second = sine(997, a, a);
    const twice = new Int16Array(2 * a);
    twice.set(second);
    twice.set(second, a);
    const lengths = [a / 50, 441, 1, a / 2 + 1, 1_023, 7, a - 1].map(Math.floor);
    const output = new Int16Array(2 * b);
    const period = new Int16Array(b);
    const heard = new Int16Array(b);
    let inputs = 0;
    let outputs = 0;
    for (let i = 0; inputs < a * seconds; i++) {
      const at = inputs % a;
      const result = resampler.process(twice.subarray(at, at + lengths[i % lengths.length]!), output);
      inputs += Math.min(lengths[i % lengths.length]!, 2 * a - at);
      for (let k = 0; k < result.length; k++) {
        const place = (outputs + k) % b;
        heard[place] = result[k]!;
        // The second second is the first without a beginning in it.
        if (outputs + k >= b && outputs + k < 2 * b) period[place] = result[k]!;
        else if (outputs + k >= 2 * b && result[k] !== period[place]) expect.unreachable(`sample ${outputs + k}`);
      }
      outputs += result.length;
      if (outputs !== Math.ceil((inputs * b) / a)) expect.unreachable(`${outputs} after ${inputs}`);
    }
    expectSameSamples(heard, period);
    expect(codec.traps).toBe(0);
  });
});
