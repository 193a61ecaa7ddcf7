import { greatestCommonDivisor, mirrorOf, TAP_BITS, type Taps } from "./taps.ts";

/**
 * Tap tables as the resamplers read them (assembly/layout.ts): a header of u32, and rows behind it.
 *
 * `rows`, for the scalar code and the twin: each phase's taps as floats, which hold them exactly. Of a phase and its mirror
 * image one row is kept. A directory before the rows says for each phase which row it is, in 16 bits; from bit 16 on by
 * how many samples beyond the newest one the row begins when it is read backwards; and in bit 31 that it is.
 *
 * `blocks`, for SIMD: int16 taps of the `rows` outputs that follow one another, aligned to the same samples, in vectors
 * of 8. The taps far from the centre are small, and one int16 holds them; those in the centre are split.
 *
 * ```
 * one row   | oldest sample ···············  centre  ··············· newest sample |
 * fine      | 0  q      q      q      q    rest   rest    q      q      q     q  0 |   int16, 2^-21
 * coarse    |                              top    top                              |   int16, 2^-14
 * ```
 */
export type TapLayout = "rows" | "blocks";

const HEADER_WORDS = 16;
const LANES = 8;
/** A coarse tap in units of 2^-TAP_BITS: one of 2^-14. */
const COARSE_STEP = 2 ** (TAP_BITS - 14);
const INT16_MAX = 32_767;
/** Above this sum of |tap| an int32 lane could overflow with an input of −32768 throughout. */
const LANE_LIMIT = 65_535;
/** The sum of |coarse tap| to which the upper bits of four fine lanes can still be added in int32. */
const COARSE_LIMIT = LANE_LIMIT - 4 * Math.ceil(LANE_LIMIT / COARSE_STEP);

/** The table of these taps in that layout, to be copied into the codec's memory. */
export function tapTable(taps: Taps, layout: TapLayout): Uint8Array {
  return layout === "rows" ? rowTable(taps) : blockTable(taps);
}

function rowTable(taps: Taps): Uint8Array {
  const { interpolation, decimation, tapCount, values } = taps;
  const directory = new Uint32Array(Math.ceil(interpolation / HEADER_WORDS) * HEADER_WORDS);
  const kept: number[] = [];
  for (let phase = 0; phase < interpolation; phase++) {
    const mirror = mirrorOf(taps, phase);
    const backwards = mirror.phase < phase;
    directory[phase] = backwards
      ? (directory[mirror.phase]! | ((tapCount - 1 - mirror.span) << 16) | (1 << 31)) >>> 0
      : kept.push(phase) - 1;
  }
  const header = HEADER_WORDS + directory.length;
  const table = new Float32Array(header + kept.length * tapCount);
  const words = new Uint32Array(table.buffer);
  words.set([interpolation, decimation, tapCount, interpolation, header * 4]);
  words.set(directory, HEADER_WORDS);
  kept.forEach((phase, row) => {
    for (let j = 0; j < tapCount; j++)
      table[header + row * tapCount + j] = values[phase * tapCount + j]! / 2 ** TAP_BITS;
  });
  return new Uint8Array(table.buffer);
}

/** Where the taps of a block's rows lie. An age is counted back from the newest sample of the block's last output. */
interface Placement {
  readonly newestAge: number;
  readonly vectors: number;
  /** In vectors, from the oldest sample on. */
  coarseStart: number;
  coarseVectors: number;
}

/** One row of a block: its phase, and how much older its newest sample is than the block's. */
interface Row {
  readonly phase: number;
  readonly lag: number;
}

function blockTable(taps: Taps): Uint8Array {
  const { interpolation, decimation, tapCount, values } = taps;
  // Three rows where four would make the table four times as long: 147 and 441 phases.
  const blockRows = interpolation > 4 && interpolation % 4 !== 0 ? 3 : 4;
  const period = (interpolation / greatestCommonDivisor(interpolation, blockRows)) * blockRows;
  const rows = Array.from({ length: period }, (_, output): Row => {
    const lastOfBlock = output - (output % blockRows) + blockRows - 1;
    const newest = Math.floor((output * decimation) / interpolation);
    return {
      phase: (output * decimation) % interpolation,
      lag: Math.floor((lastOfBlock * decimation) / interpolation) - newest,
    };
  });
  const { newestAge, vectors, coarseStart, coarseVectors } = place(taps, rows);

  const width = vectors + coarseVectors;
  const table = new Int16Array(HEADER_WORDS * 2 + period * width * LANES);
  new Uint32Array(table.buffer).set([interpolation, decimation, tapCount, period]);
  new Uint32Array(table.buffer).set([blockRows, newestAge, vectors, coarseStart, coarseVectors], 4);
  rows.forEach(({ phase, lag }, output) => {
    const row = output % blockRows;
    const block = HEADER_WORDS * 2 + (output - row) * width * LANES;
    const at = (vector: number, lane: number) => block + (vector * blockRows + row) * LANES + lane;
    for (let i = 0; i < vectors * LANES; i++) {
      const age = newestAge + vectors * LANES - 1 - i - lag;
      if (age < 0 || age >= tapCount) continue;
      const value = values[phase * tapCount + tapCount - 1 - age]!;
      const vector = Math.floor(i / LANES);
      const inCentre = vector >= coarseStart && vector < coarseStart + coarseVectors;
      const coarse = inCentre ? coarsePart(value) : 0;
      if (inCentre) table[at(vectors + vector - coarseStart, i % LANES)] = coarse;
      table[at(vector, i % LANES)] = value - coarse * COARSE_STEP;
    }
  });
  return new Uint8Array(table.buffer);
}

function coarsePart(value: number): number {
  return Math.round(value / COARSE_STEP);
}

/** As few vectors as hold all taps that are not zero, at that offset at which the centre takes the fewest. */
function place(taps: Taps, rows: Row[]): Placement {
  const { tapCount, values } = taps;
  let youngest = tapCount;
  let oldest = 0;
  let most = 0;
  for (const { phase, lag } of rows) {
    const row = values.subarray(phase * tapCount, (phase + 1) * tapCount);
    oldest = Math.max(oldest, lag + tapCount - 1 - row.findIndex((value) => value !== 0));
    youngest = Math.min(youngest, lag + tapCount - 1 - row.findLastIndex((value) => value !== 0));
    most = Math.max(most, lag);
  }
  const vectors = Math.ceil((oldest - youngest + 1) / LANES);
  let best: Placement | undefined;
  for (let newestAge = youngest; newestAge + vectors * LANES > oldest; newestAge--) {
    if (newestAge < 0) break;
    const placement = placeCentre(taps, rows, newestAge, vectors);
    if (best === undefined || placement.coarseVectors < best.coarseVectors) best = placement;
  }
  return best!;
}

/** Finds the centre: every tap that no int16 holds, and more around it until no fine sum can overflow. */
function placeCentre(taps: Taps, rows: Row[], newestAge: number, vectors: number): Placement {
  const { tapCount, values } = taps;
  const vectorOf = (age: number) => Math.floor((newestAge + vectors * LANES - 1 - age) / LANES);
  let first = vectors;
  let last = -1;
  for (const { phase, lag } of rows) {
    for (let j = 0; j < tapCount; j++) {
      if (Math.abs(values[phase * tapCount + j]!) <= INT16_MAX) continue;
      const vector = vectorOf(tapCount - 1 - j + lag);
      first = Math.min(first, vector);
      last = Math.max(last, vector);
    }
  }
  for (; ; first = Math.max(0, first - 1), last = Math.min(vectors - 1, last + 1)) {
    if (rows.every((row) => fits(taps, row, newestAge, vectors, first, last))) break;
    if (first === 0 && last === vectors - 1) throw new RangeError(`taps of ${TAP_BITS} bits do not fit int32 sums`);
  }
  return { newestAge, vectors, coarseStart: first, coarseVectors: last - first + 1 };
}

/** Whether no input can make a sum over this row leave int32. */
function fits(taps: Taps, { phase, lag }: Row, newestAge: number, vectors: number, first: number, last: number) {
  const { tapCount, values } = taps;
  const laneSums = [0, 0, 0, 0];
  let coarseSum = 0;
  for (let j = 0; j < tapCount; j++) {
    let fine = values[phase * tapCount + j]!;
    if (fine === 0) continue;
    const i = newestAge + vectors * LANES - 1 - (tapCount - 1 - j + lag);
    const vector = Math.floor(i / LANES);
    if (vector >= first && vector <= last) {
      const coarse = coarsePart(fine);
      fine -= coarse * COARSE_STEP;
      coarseSum += Math.abs(coarse);
    }
    laneSums[(i % LANES) >> 1]! += Math.abs(fine);
  }
  return coarseSum <= COARSE_LIMIT && Math.max(...laneSums) <= LANE_LIMIT;
}
