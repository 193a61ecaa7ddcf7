import { chunksOf } from "./chunks.ts";
import type { Pair } from "./pairs.ts";
import { AMPLITUDE, concat, pulse, sine } from "./signals.ts";
import { levelDb, sinadDb } from "./sinad.ts";
import { powerAbove } from "./spectrum.ts";

/** What a resampler does to sound, beside what it costs. null: no number at all, as of silence. */
export interface Quality {
  /** Worst tone's signal to noise and distortion. */
  readonly sinadDb: number | null;
  /** How far aliases and images stay below the tone they come from, from 1.05 of the lower Nyquist frequency on. */
  readonly rejectionDb: number | null;
  /** The filter's delay, and the most audio that is ever held back at the end of a chunk. */
  readonly delayMs: number | null;
}

/** A resampler at work: chunks of 20 ms in, what each of them gave out. A new stream each time. */
export type Convert = (chunks: readonly Int16Array[]) => Int16Array[] | Promise<Int16Array[]>;

const TONES = [301.3, 997.1, 3001.7, 6007.3, 7003.9, 9001.3, 10_007.7];
/** Where a rejected tone rounds to nothing at all, there is no ratio to speak of. */
const HIGHEST_REJECTION_DB = 120;
const PULSE_AT_SECONDS = 0.75;
const SETTLED_SECONDS = 0.5;
const SPECTRUM_SAMPLES = 16_384;

/**
 * Measures all three.
 *
 * @param toneSeconds length of the SINAD tones; the first half second is left out
 *
 * @example
 * const convert = (chunks) => chunks.map((chunk) => resampler.process(chunk));
 * await measureQuality(convert, { inputRate: 24000, outputRate: 16000 }); // { sinadDb: 95.5, rejectionDb: 93.3, delayMs: 3 }
 */
export async function measureQuality(convert: Convert, pair: Pair, toneSeconds = 1.5): Promise<Quality> {
  return {
    sinadDb: finite(await worstSinadDb(convert, pair, toneSeconds)),
    rejectionDb: finite(await worstRejectionDb(convert, pair)),
    delayMs: finite(await totalDelayMs(convert, pair)),
  };
}

const finite = (value: number) => (Number.isFinite(value) ? value : null);

async function stream(convert: Convert, samples: Int16Array, rate: number): Promise<Int16Array> {
  return concat(await convert(chunksOf(samples, rate)));
}

async function worstSinadDb(convert: Convert, { inputRate, outputRate }: Pair, seconds: number): Promise<number> {
  let worst = Number.POSITIVE_INFINITY;
  for (const tone of TONES.filter((tone) => tone < 0.45 * Math.min(inputRate, outputRate))) {
    const output = await stream(convert, sine(tone, inputRate, Math.floor(seconds * inputRate)), inputRate);
    worst = Math.min(worst, sinadDb(output.subarray(SETTLED_SECONDS * outputRate), tone, outputRate));
  }
  return worst;
}

/**
 * Down: tones that the output cannot hold, of which nothing should be heard. Up: tones whose mirror image above the
 * input's Nyquist frequency should not be heard.
 */
export async function worstRejectionDb(convert: Convert, { inputRate, outputRate }: Pair): Promise<number> {
  const nyquist = Math.min(inputRate, outputRate) / 2;
  const down = outputRate < inputRate;
  const tones = down
    ? [0, 0.1, 0.25, 0.5, 0.8, 1].map((share) => mix(1.05 * nyquist, 0.495 * inputRate, share))
    : [0.95, 0.92, 0.85, 0.7, 0.45, 0.2].map((share) => share * nyquist);
  let worst = HIGHEST_REJECTION_DB;
  for (const tone of tones) {
    const output = await stream(convert, sine(tone, inputRate, Math.floor(1.5 * inputRate)), inputRate);
    const settled = output.subarray(SETTLED_SECONDS * outputRate);
    const image = () => {
      const power = powerAbove(settled.subarray(0, SPECTRUM_SAMPLES), outputRate, inputRate / 2);
      return 10 * Math.log10(AMPLITUDE ** 2 / 2 / power);
    };
    worst = Math.min(worst, down ? -1 - levelDb(settled) : image());
  }
  return worst;
}

const mix = (from: number, to: number, share: number) => from + (to - from) * share;

/** How much later than everything could have been played the last of it comes out, in ms. */
export async function totalDelayMs(convert: Convert, { inputRate, outputRate }: Pair): Promise<number> {
  const input = chunksOf(pulse(PULSE_AT_SECONDS, inputRate, Math.floor(2 * PULSE_AT_SECONDS * inputRate)), inputRate);
  const outputs = await convert(input);
  let heldBackMs = 0;
  let written = 0;
  outputs.forEach((output, i) => {
    written += output.length;
    const heard = Math.floor(((i + 1) * inputRate) / 50) / inputRate;
    if (heard >= SETTLED_SECONDS) heldBackMs = Math.max(heldBackMs, (heard - written / outputRate) * 1000);
  });
  return (centroid(concat(outputs)) / outputRate - PULSE_AT_SECONDS) * 1000 + heldBackMs;
}

/** The mean position of a pulse, in samples; what dither adds to silence is left out. */
function centroid(samples: Int16Array): number {
  let sum = 0;
  let moment = 0;
  samples.forEach((sample, i) => {
    if (Math.abs(sample) <= 8) return;
    sum += sample;
    moment += i * sample;
  });
  return moment / sum;
}
