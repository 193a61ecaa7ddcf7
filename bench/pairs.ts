import { SAMPLE_RATES } from "../src/codec/rates.ts";

/** From one sample rate to another, in Hz. */
export interface Pair {
  readonly inputRate: number;
  readonly outputRate: number;
}

/** Every pair with Wavix's 24 kHz on one side. */
export const PAIRS: readonly Pair[] = SAMPLE_RATES.filter((rate) => rate !== 24_000).flatMap((rate) => [
  { inputRate: 24_000, outputRate: rate },
  { inputRate: rate, outputRate: 24_000 },
]);

/** The two that a voice bot lives on. */
export const QUICK_PAIRS: readonly Pair[] = [
  { inputRate: 24_000, outputRate: 16_000 },
  { inputRate: 16_000, outputRate: 24_000 },
];

/** `24000-16000` */
export const pairName = ({ inputRate, outputRate }: Pair) => `${inputRate}-${outputRate}`;

/**
 * The pairs named in a list such as `24000-16000,8000-24000`.
 *
 * @throws RangeError on what is not a pair of two different listed rates
 */
export function parsePairs(list: string): Pair[] {
  return list.split(",").map((name) => {
    const [inputRate, outputRate, ...rest] = name.split("-").map(Number) as [number, number, ...number[]];
    const known = [inputRate, outputRate].every((rate) => (SAMPLE_RATES as readonly number[]).includes(rate));
    if (!known || rest.length > 0 || inputRate === outputRate) {
      throw new RangeError(`pairs are written as 24000-16000, of ${SAMPLE_RATES.join(", ")} Hz; got ${name}`);
    }
    return { inputRate, outputRate };
  });
}

/** Samples of the n-th 20 ms at a rate: 220 and 221 in turns at 11025 Hz. */
export function chunkLength(rate: number, index: number): number {
  return Math.floor(((index + 1) * rate) / 50) - Math.floor((index * rate) / 50);
}

/** Cuts samples into 20 ms each, an incomplete last one included. */
export function chunksOf(samples: Int16Array, rate: number): Int16Array[] {
  const chunks: Int16Array[] = [];
  for (let at = 0, i = 0; at < samples.length; i++) {
    chunks.push(samples.subarray(at, at + chunkLength(rate, i)));
    at += chunkLength(rate, i);
  }
  return chunks;
}
