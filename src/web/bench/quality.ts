import type { Resampler } from "../../codec/index.ts";

/** In Hz, whole: over one second sine, cosine and mean are then orthogonal, and fitting them is a sum each. */
const TONES = [301, 997, 3001, 6007, 7001, 9001, 10_007];
/** −1 dBFS. */
const AMPLITUDE = 32_767 * 10 ** (-1 / 20);

/** What a resampler does to sound, beside what it costs. */
export interface Quality {
  /** Signal to noise and distortion of the worst of some tones at −1 dBFS. */
  readonly sinadDb: number;
  readonly delayMs: number;
}

/**
 * Measures a resampler with tones below 0.9 of the lower Nyquist frequency, and leaves it reset.
 *
 * @example
 * measureQuality(codec.createResampler(24000, 16000)); // { sinadDb: 95.8, delayMs: 3 }
 */
export function measureQuality(resampler: Resampler): Quality {
  const { inputRate, outputRate, delayMs } = resampler;
  const limit = 0.45 * Math.min(inputRate, outputRate);
  let sinadDb = Number.POSITIVE_INFINITY;
  for (const frequency of TONES.filter((tone) => tone < limit)) {
    const output = resampler.process(sine(frequency, inputRate, 1.5));
    sinadDb = Math.min(sinadDb, sinadOf(output.subarray(output.length - outputRate), frequency, outputRate));
    resampler.reset();
  }
  return { sinadDb, delayMs };
}

function sine(frequency: number, sampleRate: number, seconds: number): Int16Array {
  const step = (2 * Math.PI * frequency) / sampleRate;
  return Int16Array.from({ length: seconds * sampleRate }, (_, i) => Math.round(AMPLITUDE * Math.sin(step * i)));
}

/**
 * Signal to noise and distortion, in dB, of one second of a tone whose frequency is a whole number of Hz.
 */
export function sinadOf(second: Int16Array, frequency: number, sampleRate: number): number {
  const step = (2 * Math.PI * frequency) / sampleRate;
  let inPhase = 0;
  let quadrature = 0;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < second.length; i++) {
    const sample = second[i]!;
    inPhase += sample * Math.sin(step * i);
    quadrature += sample * Math.cos(step * i);
    sum += sample;
    squares += sample * sample;
  }
  const signal = (2 * (inPhase * inPhase + quadrature * quadrature)) / second.length;
  const rest = squares - (sum * sum) / second.length - signal;
  return 10 * Math.log10(signal / rest);
}
