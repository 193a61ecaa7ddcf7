import { transform } from "./fft.ts";

// The definitions that the figures are made by are those the tests hold the codec to.
export { fitSine, levelDb, sinadDb } from "../../src/web/bench/sinad.ts";

/** Power of a signal above `from` Hz, in dB below a sine of the given amplitude. Looks at the last 2^k samples. */
export function powerAboveDb(signal: Float64Array, sampleRate: number, from: number, amplitude: number): number {
  const length = 2 ** Math.floor(Math.log2(signal.length));
  const re = signal.slice(-length);
  const im = new Float64Array(length);
  transform(re, im);
  let power = 0;
  for (let i = Math.ceil((from * length) / sampleRate); i < length / 2; i++) power += 2 * (re[i]! ** 2 + im[i]! ** 2);
  return 10 * Math.log10(Math.max(power / length ** 2, 1e-12) / (amplitude ** 2 / 2));
}
