/**
 * G.711 from the standard's definition: the decision values that part the intervals, the code of each interval, and
 * the value it decodes to, looked for one by one. ITU-T G.711, tables 1 (A-law, 13 bits) and 2 (µ-law, 14 bits).
 *
 * A value right on a decision value is left open there. As in the usual tables, its magnitude belongs to the interval
 * above; A-law takes the magnitude of a negative number in one's complement, µ-law in two's.
 */
export interface Law {
  /** Bits of the uniform values; in a 16-bit sample, the upper ones. */
  readonly bits: 13 | 14;
  /** Lower edges of the intervals, in uniform values, from 0 up; the last interval has no end. */
  readonly decisions: readonly number[];
  /** What each interval decodes to. */
  readonly values: readonly number[];
  readonly magnitudeOf: (value: number) => number;
  readonly codeOf: (interval: number, negative: boolean) => number;
}

/** Edges of `segments`, each a list of as many steps of a width. */
function edges(segments: readonly { steps: number; width: number }[]): number[] {
  const all = [0];
  for (const { steps, width } of segments) for (let i = 0; i < steps; i++) all.push((all.at(-1) as number) + width);
  return all;
}

const middles = (bounds: readonly number[]) => bounds.slice(1).map((bound, i) => (bound + (bounds[i] as number)) / 2);

// µ-law: 0 to 1 alone, 15 steps of 2, then seven segments of 16 steps, each twice as wide; up to 8159.
const muEdges = edges([
  { steps: 1, width: 1 },
  { steps: 15, width: 2 },
  ...[4, 8, 16, 32, 64, 128, 256].map((width) => ({ steps: 16, width })),
]);

// A-law: 32 steps of 2, then six segments of 16 steps, each twice as wide; up to 4096.
const aEdges = edges([{ steps: 32, width: 2 }, ...[4, 8, 16, 32, 64, 128].map((width) => ({ steps: 16, width }))]);

export const muLaw: Law = {
  bits: 14,
  decisions: muEdges.slice(0, -1),
  // The innermost interval, −1 to 1, decodes to 0.
  values: [0, ...middles(muEdges).slice(1)],
  magnitudeOf: Math.abs,
  // Table 2: the code of positive interval n is 255 − n; the sign bit is 0 for negative values.
  codeOf: (interval, negative) => (negative ? 127 : 255) - interval,
};

export const aLaw: Law = {
  bits: 13,
  decisions: aEdges.slice(0, -1),
  values: middles(aEdges),
  magnitudeOf: (value) => (value < 0 ? -value - 1 : value),
  // Table 1 and its note: sign bit 1 for positive values, then the interval; the even bits are inverted on the line.
  codeOf: (interval, negative) => ((negative ? 0 : 128) + interval) ^ 0b01010101,
};

export function encodeReference(law: Law, sample: number): number {
  const value = Math.floor(sample / 2 ** (16 - law.bits));
  const magnitude = law.magnitudeOf(value);
  const interval = law.decisions.findLastIndex((decision) => decision <= magnitude);
  return law.codeOf(interval, value < 0);
}

export function decodeReference(law: Law, code: number): number {
  for (const negative of [false, true]) {
    for (let interval = 0; interval < 128; interval++) {
      if (law.codeOf(interval, negative) !== code) continue;
      const sample = (law.values[interval] as number) * 2 ** (16 - law.bits);
      return negative ? 0 - sample : sample;
    }
  }
  throw new RangeError(`no interval has code ${code}`);
}
