import { SAMPLE_RATES } from "../../codec/index.ts";

/** Rate of the audio in Wavix's messages, in Hz. */
export const WIRE_RATE = 24_000;

/** From one sample rate to another, in Hz. */
export interface Pair {
  readonly inputRate: number;
  readonly outputRate: number;
}

/** Every pair with Wavix's rate on one side. */
export const PAIRS: readonly Pair[] = SAMPLE_RATES.filter((rate) => rate !== WIRE_RATE).flatMap((rate) => [
  { inputRate: WIRE_RATE, outputRate: rate },
  { inputRate: rate, outputRate: WIRE_RATE },
]);

/** The two that a voice bot lives on. */
export const QUICK_PAIRS: readonly Pair[] = [
  { inputRate: 24_000, outputRate: 16_000 },
  { inputRate: 16_000, outputRate: 24_000 },
];

/** `24000-16000` */
export const pairName = ({ inputRate, outputRate }: Pair) => `${inputRate}-${outputRate}`;

/**
 * The pairs named in a list such as `24000-16000,8000-24000`, each once.
 *
 * @throws RangeError on what is not a pair of two different listed rates
 */
export function parsePairs(list: string): Pair[] {
  return [...new Set(list.split(",").map((name) => name.trim()))].map((name) => {
    const [inputRate, outputRate, ...rest] = name.split("-").map(Number) as [number, number, ...number[]];
    const known = [inputRate, outputRate].every((rate) => (SAMPLE_RATES as readonly number[]).includes(rate));
    if (!known || rest.length > 0 || inputRate === outputRate) {
      throw new RangeError(
        `pairs are written as 24000-16000, of ${SAMPLE_RATES.join(", ")} Hz; got ${JSON.stringify(name)}`,
      );
    }
    return { inputRate, outputRate };
  });
}
