/**
 * A low-pass filter (Blackman-windowed sinc, linear phase, its delay taken out), optionally keeping every nth sample
 * only. It runs once per comparison, so it is plain.
 */
export function bandLimit(
  samples: ArrayLike<number>,
  sampleRate: number,
  cutoffHz: number,
  keepEvery = 1,
): Float64Array<ArrayBuffer> {
  const taps = lowPass(sampleRate, cutoffHz);
  const half = (taps.length - 1) / 2;
  const filtered = new Float64Array(Math.ceil(samples.length / keepEvery));
  for (let at = 0; at < filtered.length; at++) {
    const centre = at * keepEvery;
    const first = Math.max(0, half - centre);
    const end = Math.min(taps.length, samples.length + half - centre);
    let sum = 0;
    for (let tap = first; tap < end; tap++) sum += taps[tap]! * samples[centre - half + tap]!;
    filtered[at] = sum;
  }
  return filtered;
}

function lowPass(sampleRate: number, cutoffHz: number): Float64Array {
  // The Blackman window needs 5.5 / taps of the sample rate from pass to stop: 1 kHz at 24 kHz.
  const half = 64;
  const taps = new Float64Array(2 * half + 1);
  const cutoff = Math.min(0.5, cutoffHz / sampleRate);
  let sum = 0;
  for (let tap = 0; tap < taps.length; tap++) {
    const x = tap - half;
    const phase = (Math.PI * x) / (half + 1);
    const window = 0.42 + 0.5 * Math.cos(phase) + 0.08 * Math.cos(2 * phase);
    taps[tap] = window * (x === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * x) / (Math.PI * x));
    sum += taps[tap]!;
  }
  for (let tap = 0; tap < taps.length; tap++) taps[tap]! /= sum;
  return taps;
}
