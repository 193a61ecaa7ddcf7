import type { Taps } from "../../src/codec/taps.ts";
import { wholeTaps } from "../reference/resampler.ts";
import { transform } from "./fft.ts";

/** What becomes of a tone on its way through a filter; all levels in dB below the tone. */
export interface ToneFate {
  readonly frequency: number;
  /** The tone itself, in the output. */
  readonly gainDb: number;
  /** All that the tone turns into beside itself: images, and what folds back; all of it above the lower Nyquist. */
  readonly unwantedDb: number;
  /** The lowest frequency that the filter had to stop for that, in multiples of the lower Nyquist frequency. */
  readonly stoppedAt: number;
}

const decibels = (power: number) => 10 * Math.log10(Math.max(power, 1e-30));

/**
 * What the taps, as they are used, do to tones from 0 Hz up to the input's Nyquist frequency, in float64.
 *
 * Output k is a tone times the response E of its phase, and all phases come equally often. So the power that comes out
 * is the mean of |E|², however many images it is spread over; and what remains at the tone's own frequency is the mean
 * of E turned back by the phase's lateness.
 */
export function toneFates(table: Taps, inputRate: number, outputRate: number): ToneFate[] {
  const phases = wholeTaps(table);
  // Points from 0 Hz to the input rate: eight or more to each lobe of the response.
  const grid = 2 ** Math.ceil(Math.log2(8 * table.tapCount));
  const half = grid / 2;
  const power = new Float64Array(half + 1);
  const ownRe = new Float64Array(half + 1);
  const ownIm = new Float64Array(half + 1);
  // Two real rows in one complex transform: the even part is the first's, the odd part the second's.
  for (let p = 0; p < phases.length; p += 2) {
    const re = new Float64Array(grid);
    const im = new Float64Array(grid);
    re.set(phases[p]!);
    im.set(phases[p + 1] ?? []);
    transform(re, im);
    for (let i = 0; i <= half; i++) {
      const j = (grid - i) % grid;
      const rows = [
        [(re[i]! + re[j]!) / 2, (im[i]! - im[j]!) / 2],
        [(im[i]! + im[j]!) / 2, (re[j]! - re[i]!) / 2],
      ] as const;
      for (let odd = 0; odd < 2 && p + odd < phases.length; odd++) {
        const [x, y] = rows[odd]!;
        const angle = (-2 * Math.PI * i * (p + odd)) / (grid * phases.length);
        power[i]! += x * x + y * y;
        ownRe[i]! += x * Math.cos(angle) - y * Math.sin(angle);
        ownIm[i]! += x * Math.sin(angle) + y * Math.cos(angle);
      }
    }
  }
  const nyquist = Math.min(inputRate, outputRate) / 2;
  return Array.from(power, (sum, i) => {
    const frequency = (i * inputRate) / grid;
    const total = sum / phases.length;
    const own = (ownRe[i]! ** 2 + ownIm[i]! ** 2) / phases.length ** 2;
    const passes = frequency < nyquist;
    return {
      frequency,
      gainDb: decibels(own),
      unwantedDb: decibels(passes ? total - own : total),
      stoppedAt: (passes ? inputRate - frequency : frequency) / nyquist,
    };
  });
}

/** The lowest frequency, in multiples of the lower Nyquist frequency, at which a tone loses more than `lossDb`. */
export function bandEdge(fates: readonly ToneFate[], nyquist: number, lossDb: number): number {
  return (fates.find(({ gainDb }) => gainDb < -lossDb)?.frequency ?? nyquist) / nyquist;
}

/** How far the worst of all images and aliases lies below its tone, when the filter must stop from `from` × Nyquist. */
export function rejectionDb(fates: readonly ToneFate[], from: number): number {
  return -Math.max(...fates.filter(({ stoppedAt }) => stoppedAt >= from).map(({ unwantedDb }) => unwantedDb));
}
