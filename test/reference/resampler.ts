import type { ResamplerProfile } from "../../src/codec/index.ts";
import { PROFILES, TAP_BITS, type Taps } from "../../src/codec/taps.ts";

/** The taps as fractions: `taps[phase][age]`, age 0 being the newest sample. */
export function wholeTaps(table: Taps): Float64Array[] {
  let whole = wholes.get(table);
  if (whole === undefined) {
    whole = asFractions(table);
    wholes.set(table, whole);
  }
  return whole;
}

const wholes = new WeakMap<Taps, Float64Array[]>();

function asFractions({ interpolation, tapCount, values }: Taps): Float64Array[] {
  return Array.from({ length: interpolation }, (_, phase) => {
    const row = values.subarray(phase * tapCount, (phase + 1) * tapCount);
    return Float64Array.from(row, (value) => value / 2 ** TAP_BITS).reverse();
  });
}

/**
 * One shot, straight from the definition: output k is the filter at input time k · decimation / interpolation.
 * The outputs before `start` are left out.
 */
export function resampleReference(input: Int16Array, table: Taps, start = 0): Int16Array {
  const phases = wholeTaps(table);
  const { interpolation, decimation } = table;
  const end = Math.ceil((input.length * interpolation) / decimation);
  const output = new Int16Array(end - start);
  for (let k = start; k < end; k++) {
    const newest = Math.floor((k * decimation) / interpolation);
    const taps = phases[(k * decimation) % interpolation] as Float64Array;
    // Exact: samples of 16 bits times taps of 21, added up 600 times, fit a double.
    let sum = 0;
    for (let age = 0; age < taps.length && age <= newest; age++) {
      sum += (taps[age] as number) * (input[newest - age] as number);
    }
    output[k - start] = Math.max(-32_768, Math.min(32_767, Math.floor(sum + 0.5)));
  }
  return output;
}

/** The filter that was meant, by textbook: Kaiser-windowed sinc with the engine's own sine. */
export function idealTap(inputRate: number, outputRate: number, profile: ResamplerProfile, delay: number): number {
  const { delayLowSamples, spanLowSamples, cutoff, beta } = PROFILES[profile];
  const stretch = Math.max(1, inputRate / outputRate);
  const time = delay - delayLowSamples * stretch;
  const edge = (2 * time) / (spanLowSamples * stretch);
  if (Math.abs(edge) >= 1) return 0;
  const bessel = (x: number) => {
    let sum = 0;
    let term = 1;
    for (let k = 1; k < 60; k++) {
      sum += term;
      term *= (x / 2 / k) ** 2;
    }
    return sum;
  };
  const x = (Math.PI * cutoff * time) / stretch;
  const sinc = x === 0 ? 1 : Math.sin(x) / x;
  return (cutoff / stretch) * sinc * (bessel(beta * Math.sqrt(1 - edge * edge)) / bessel(beta));
}
