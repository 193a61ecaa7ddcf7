import type { ResamplerProfile } from "../../src/codec/index.ts";
import { PROFILES, type TapTable } from "../../src/codec/taps.ts";

/** The taps of a table put together again, as fractions: `taps[phase][age]`, age 0 being the newest sample. */
export function wholeTaps(table: TapTable): Float64Array[] {
  let whole = wholes.get(table);
  if (whole === undefined) {
    whole = putTogether(table);
    wholes.set(table, whole);
  }
  return whole;
}

const wholes = new WeakMap<TapTable, Float64Array[]>();

function putTogether(table: TapTable): Float64Array[] {
  const { tapCount, coarseStart, coarseCount, fineBits, interpolation, taps } = table;
  return Array.from({ length: interpolation }, (_, phase) => {
    const row = taps.subarray(phase * (tapCount + coarseCount), (phase + 1) * (tapCount + coarseCount));
    const whole = new Float64Array(tapCount);
    for (let j = 0; j < tapCount; j++) {
      const inCentre = j >= coarseStart && j < coarseStart + coarseCount;
      const coarse = inCentre ? (row[tapCount + j - coarseStart] as number) / 2 ** 14 : 0;
      whole[tapCount - 1 - j] = coarse + (row[j] as number) / 2 ** fineBits;
    }
    return whole;
  });
}

/**
 * One shot, straight from the definition: output k is the filter at input time k · decimation / interpolation.
 * The outputs before `start` are left out.
 */
export function resampleReference(input: Int16Array, table: TapTable, start = 0): Int16Array {
  const phases = wholeTaps(table);
  const { interpolation, decimation } = table;
  const end = Math.ceil((input.length * interpolation) / decimation);
  const output = new Int16Array(end - start);
  for (let k = start; k < end; k++) {
    const newest = Math.floor((k * decimation) / interpolation);
    const taps = phases[(k * decimation) % interpolation] as Float64Array;
    // Exact: samples of 16 bits times taps of 22, added up 600 times, fit a double.
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
  const { spanLowSamples, cutoff, beta } = PROFILES[profile];
  const stretch = Math.max(1, inputRate / outputRate);
  const time = delay - (spanLowSamples * stretch) / 2;
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
