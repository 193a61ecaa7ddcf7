import { bandLimit } from "./band-limit.ts";

/** Input of {@link compareHeard}: two recordings on one timeline. */
export interface CompareOptions {
  /** What the caller said, PCM16 mono. */
  said: Int16Array;
  /** What the caller heard, PCM16 mono, on the same timeline. */
  heard: Int16Array;
  /** Of both, in Hz. */
  sampleRate: number;
  /** What was heard before is left out of everything: the greeting. Default 0. */
  ignoreHeardBeforeMs?: number;
  /** The longest lag looked for, in ms. Default 2000. */
  maxLagMs?: number;
}

/** Result of {@link compareHeard}. */
export interface Comparison {
  /** By how much the heard lags behind the said, over all; null when either is silent. */
  lagMs: number | null;
  /** Correlation in the worst window, from -1 to 1; 1 is the same up to loudness. 0 when nothing could be compared. */
  similarity: number;
  /** Where that window begins on the caller's timeline. */
  worstWindowAtMs: number | null;
  /** Correlation in the best window: near 1 only where what was heard is what was said, if perhaps only in part. */
  bestSimilarity: number;
  /** The mean of all windows. */
  meanSimilarity: number;
  /** Windows of 500 ms in which the caller spoke and that had time to come back. */
  windowCount: number;
}

const WINDOW_MS = 500;
// Windows overlap by half, so that damage on a border lies in the middle of another.
const HOP_MS = 250;
const LAG_TOLERANCE_MS = 5;
const BAND_HZ = 7000;
// A window is speech when it is no more than 26 dB weaker than the loudest one, and louder than -66 dBFS.
const QUIETEST_SHARE = 0.05;
const QUIETEST_RMS = 16;
// The global lag is first looked for in telephone-like quality.
const COARSE_RATE = 4000;
const COARSE_BAND_HZ = 1700;

/**
 * Compares what came back to a caller with what the caller said, for a far end that repeats it: finds the lag by global
 * cross-correlation, and the correlation of every 500 ms of speech at that lag, give or take 5 ms. Both sides are
 * limited to 7 kHz. Pure; takes about 0.1 s per second of recording.
 *
 * A packet lost on the way shifts all that follows: the windows behind it no longer match, and `similarity` tells.
 *
 * @throws RangeError for a rate below 16000 Hz (7 kHz must fit into it).
 *
 * @example
 * const { said, heard, sampleRate } = report.recording!;
 * const { lagMs, similarity } = compareHeard({ said, heard, sampleRate, ignoreHeardBeforeMs: 1000 });
 */
export function compareHeard(options: CompareOptions): Comparison {
  const { sampleRate, ignoreHeardBeforeMs = 0, maxLagMs = 2000 } = options;
  if (!(sampleRate >= 16_000)) throw new RangeError(`sampleRate must be at least 16000 Hz, not ${sampleRate}`);
  const toSamples = (ms: number) => Math.round((ms * sampleRate) / 1000);
  const cut = toSamples(ignoreHeardBeforeMs);
  const withoutGreeting = options.heard.slice();
  withoutGreeting.fill(0, 0, cut);
  const said = bandLimit(options.said, sampleRate, BAND_HZ);
  const heard = bandLimit(withoutGreeting, sampleRate, BAND_HZ);

  const lag = globalLag(said, heard, sampleRate, toSamples(maxLagMs));
  if (lag === null) {
    return { lagMs: null, similarity: 0, worstWindowAtMs: null, bestSimilarity: 0, meanSimilarity: 0, windowCount: 0 };
  }

  const length = toSamples(WINDOW_MS);
  const tolerance = toSamples(LAG_TOLERANCE_MS);
  const scores: { at: number; similarity: number }[] = [];
  for (const at of speechWindows(said, length, toSamples(HOP_MS))) {
    // What lies in the greeting, or had no time to come back before the end, says nothing.
    if (at + lag - tolerance < cut || at + lag + tolerance + length > heard.length) continue;
    scores.push({ at, similarity: bestCorrelation(said, heard, at, length, lag, tolerance) });
  }
  const worst = scores.reduce((a, b) => (b.similarity < a.similarity ? b : a), scores[0] ?? { at: 0, similarity: 0 });
  return {
    lagMs: (lag * 1000) / sampleRate,
    similarity: worst.similarity,
    worstWindowAtMs: scores.length === 0 ? null : (worst.at * 1000) / sampleRate,
    bestSimilarity: scores.reduce((best, { similarity }) => Math.max(best, similarity), 0),
    meanSimilarity: scores.reduce((sum, { similarity }) => sum + similarity, 0) / Math.max(1, scores.length),
    windowCount: scores.length,
  };
}

/** The lag of the largest cross-correlation, in samples: every lag at a coarse rate, then every sample around the best. */
function globalLag(said: Float64Array, heard: Float64Array, sampleRate: number, maxLag: number): number | null {
  const step = Math.max(1, Math.floor(sampleRate / COARSE_RATE));
  const coarseSaid = bandLimit(said, sampleRate, COARSE_BAND_HZ, step);
  const coarseHeard = bandLimit(heard, sampleRate, COARSE_BAND_HZ, step);
  const coarse = bestLag(coarseSaid, coarseHeard, 0, Math.ceil(maxLag / step));
  if (coarse === null) return null;
  return bestLag(said, heard, Math.max(0, (coarse - 1) * step), Math.min(maxLag, (coarse + 1) * step));
}

function bestLag(said: Float64Array, heard: Float64Array, least: number, most: number): number | null {
  let best: number | null = null;
  let bestSum = 0;
  for (let lag = least; lag <= most; lag++) {
    const sum = product(said, 0, heard, lag, Math.min(said.length, heard.length - lag));
    if (sum > bestSum) {
      best = lag;
      bestSum = sum;
    }
  }
  return best;
}

function speechWindows(said: Float64Array, length: number, hop: number): number[] {
  const windows: { at: number; rms: number }[] = [];
  for (let at = 0; at + length <= said.length; at += hop) {
    windows.push({ at, rms: Math.sqrt(product(said, at, said, at, length) / length) });
  }
  const loudest = Math.max(0, ...windows.map(({ rms }) => rms));
  return windows.filter(({ rms }) => rms >= Math.max(QUIETEST_RMS, loudest * QUIETEST_SHARE)).map(({ at }) => at);
}

function bestCorrelation(
  said: Float64Array,
  heard: Float64Array,
  at: number,
  length: number,
  lag: number,
  tolerance: number,
): number {
  const saidEnergy = product(said, at, said, at, length);
  const first = Math.max(0, at + lag - tolerance);
  let heardEnergy = product(heard, first, heard, first, length);
  let best = -1;
  for (let from = first; from <= at + lag + tolerance; from++) {
    // What is left of the energy by rounding alone is silence.
    const silent = heardEnergy < 1e-3 * length;
    const score = silent ? 0 : product(said, at, heard, from, length) / Math.sqrt(saidEnergy * heardEnergy);
    if (score > best) best = score;
    heardEnergy += (heard[from + length] ?? 0) ** 2 - heard[from]! ** 2;
  }
  return best;
}

// Four sums, because one would wait for its own last addition.
function product(a: Float64Array, fromA: number, b: Float64Array, fromB: number, length: number): number {
  let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
  const whole = length - (length % 4);
  for (let at = 0; at < whole; at += 4) {
    sum0 += a[fromA + at]! * b[fromB + at]!;
    sum1 += a[fromA + at + 1]! * b[fromB + at + 1]!;
    sum2 += a[fromA + at + 2]! * b[fromB + at + 2]!;
    sum3 += a[fromA + at + 3]! * b[fromB + at + 3]!;
  }
  for (let at = whole; at < length; at++) sum0 += a[fromA + at]! * b[fromB + at]!;
  return sum0 + sum1 + sum2 + sum3;
}
