// Inner products of int16 samples with the taps of one block: of the `rows` (3 or 4) outputs that follow one another.
//
//   samples   ················································   whole vectors of 8, the same for every row
//   row 0       0 0 q q q q q q q Q Q Q Q q q q q q q 0 0 0 0    each row lies where its output's samples are,
//   row 1       0 0 0 q q q q q q q Q Q Q Q q q q q q q 0 0 0    zeros fill the rest
//   row 2       0 0 0 0 0 q q q q q q q Q Q Q Q q q q q q q 0
//
// q is a fine tap alone, in units of 2^-21; Q is a coarse tap, in units of 2^-14, and a fine one.
// Vector 0 of all rows comes first, then vector 1 …, then the coarse taps of the centre in the same way.
//
// Two blocks of the same taps are taken at once where there are two: eight inner products with six loads per turn.
//
// output = (coarse · 2^7 + fine + 2^20) / 2^21, saturated: exact until this one rounding, so the order of
// the sums does not matter. Each lane of a fine sum fits int32, and so does a coarse sum with the fine sum's upper bits
// added; tap-blocks.ts sees to it. The lower bits, never negative, are added up on their own.

import {
  TABLE_BLOCK_ROWS,
  TABLE_BODY,
  TABLE_COARSE_START,
  TABLE_COARSE_VECTORS,
  TABLE_DECIMATION,
  TABLE_INTERPOLATION,
  TABLE_NEWEST_AGE,
  TABLE_PERIOD,
  TABLE_VECTORS,
} from "./layout";
import { COARSE_BITS, LOW_BITS } from "./tap-blocks";

const LOW_MASK: i32 = (1 << LOW_BITS) - 1;

// A class only because a function alone can be asked to be inlined by no decorator that TypeScript knows.
class Fir {
  /** What the lower bits of four fine sums add up to. */
  @inline
  static sumLow(fine0: v128, fine1: v128, fine2: v128, fine3: v128): v128 {
    const pairs01 = i32x4.dot_i16x8_s(
      i16x8.narrow_i32x4_s(v128.and(fine0, i32x4.splat(LOW_MASK)), v128.and(fine1, i32x4.splat(LOW_MASK))),
      i16x8.splat(1),
    );
    const pairs23 = i32x4.dot_i16x8_s(
      i16x8.narrow_i32x4_s(v128.and(fine2, i32x4.splat(LOW_MASK)), v128.and(fine3, i32x4.splat(LOW_MASK))),
      i16x8.splat(1),
    );
    return i32x4.add(v128.shuffle<i32>(pairs01, pairs23, 0, 2, 4, 6), v128.shuffle<i32>(pairs01, pairs23, 1, 3, 5, 7));
  }

  /** Lanes to sums, sums to rounded and saturated outputs. */
  @inline
  static finish(sum0: v128, sum1: v128, sum2: v128, sum3: v128, low: v128): v128 {
    const halves01 = i32x4.add(v128.shuffle<i32>(sum0, sum1, 0, 4, 1, 5), v128.shuffle<i32>(sum0, sum1, 2, 6, 3, 7));
    const halves23 = i32x4.add(v128.shuffle<i32>(sum2, sum3, 0, 4, 1, 5), v128.shuffle<i32>(sum2, sum3, 2, 6, 3, 7));
    const sums = i32x4.add(
      v128.shuffle<i32>(halves01, halves23, 0, 1, 4, 5),
      v128.shuffle<i32>(halves01, halves23, 2, 3, 6, 7),
    );
    const half = i32x4.add(i32x4.shr_u(low, LOW_BITS), i32x4.splat(1 << (COARSE_BITS - 1)));
    const rounded = i32x4.shr_s(i32x4.add(sums, half), COARSE_BITS);
    return i16x8.narrow_i32x4_s(rounded, rounded);
  }

  @inline
  static put(rows: i32, out: usize, outputs: v128): void {
    if (rows == 4) {
      v128.store64_lane(out, outputs, 0);
    } else {
      v128.store32_lane(out, outputs, 0);
      v128.store_lane<i16>(out, outputs, 2, 4);
    }
  }

  /** Two blocks, `xStep` bytes of samples and `outStep` bytes of outputs apart. `rows` is a literal. */
  @inline
  static pair(
    rows: i32,
    x: usize,
    xStep: usize,
    taps: usize,
    vectors: usize,
    coarseStart: usize,
    coarseVectors: usize,
    out: usize,
    outStep: usize,
  ): void {
    let a = x;
    let b = x + xStep;
    let row: v128;
    let sa: v128;
    let sb: v128;
    let a0 = i32x4.splat(0);
    let a1 = i32x4.splat(0);
    let a2 = i32x4.splat(0);
    let a3 = i32x4.splat(0);
    let b0 = i32x4.splat(0);
    let b1 = i32x4.splat(0);
    let b2 = i32x4.splat(0);
    let b3 = i32x4.splat(0);
    for (const end = taps + vectors * ((<usize>rows) << 4); taps < end; taps += (<usize>rows) << 4) {
      sa = v128.load(a);
      sb = v128.load(b);
      row = v128.load(taps);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(sa, row));
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(sb, row));
      row = v128.load(taps, 16);
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(sa, row));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(sb, row));
      row = v128.load(taps, 32);
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(sa, row));
      b2 = i32x4.add(b2, i32x4.dot_i16x8_s(sb, row));
      if (rows == 4) {
        row = v128.load(taps, 48);
        a3 = i32x4.add(a3, i32x4.dot_i16x8_s(sa, row));
        b3 = i32x4.add(b3, i32x4.dot_i16x8_s(sb, row));
      }
      a += 16;
      b += 16;
    }
    const lowA = Fir.sumLow(a0, a1, a2, a3);
    const lowB = Fir.sumLow(b0, b1, b2, b3);
    a0 = i32x4.shr_s(a0, LOW_BITS);
    a1 = i32x4.shr_s(a1, LOW_BITS);
    a2 = i32x4.shr_s(a2, LOW_BITS);
    a3 = i32x4.shr_s(a3, LOW_BITS);
    b0 = i32x4.shr_s(b0, LOW_BITS);
    b1 = i32x4.shr_s(b1, LOW_BITS);
    b2 = i32x4.shr_s(b2, LOW_BITS);
    b3 = i32x4.shr_s(b3, LOW_BITS);
    a = x + (coarseStart << 4);
    b = a + xStep;
    for (const end = taps + coarseVectors * ((<usize>rows) << 4); taps < end; taps += (<usize>rows) << 4) {
      sa = v128.load(a);
      sb = v128.load(b);
      row = v128.load(taps);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(sa, row));
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(sb, row));
      row = v128.load(taps, 16);
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(sa, row));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(sb, row));
      row = v128.load(taps, 32);
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(sa, row));
      b2 = i32x4.add(b2, i32x4.dot_i16x8_s(sb, row));
      if (rows == 4) {
        row = v128.load(taps, 48);
        a3 = i32x4.add(a3, i32x4.dot_i16x8_s(sa, row));
        b3 = i32x4.add(b3, i32x4.dot_i16x8_s(sb, row));
      }
      a += 16;
      b += 16;
    }
    Fir.put(rows, out, Fir.finish(a0, a1, a2, a3, lowA));
    Fir.put(rows, out + outStep, Fir.finish(b0, b1, b2, b3, lowB));
  }

  /** One block. */
  @inline
  static one(
    rows: i32,
    x: usize,
    taps: usize,
    vectors: usize,
    coarseStart: usize,
    coarseVectors: usize,
    out: usize,
  ): void {
    let a = x;
    let sa: v128;
    let a0 = i32x4.splat(0);
    let a1 = i32x4.splat(0);
    let a2 = i32x4.splat(0);
    let a3 = i32x4.splat(0);
    for (const end = taps + vectors * ((<usize>rows) << 4); taps < end; taps += (<usize>rows) << 4) {
      sa = v128.load(a);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(sa, v128.load(taps)));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(sa, v128.load(taps, 16)));
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(sa, v128.load(taps, 32)));
      if (rows == 4) a3 = i32x4.add(a3, i32x4.dot_i16x8_s(sa, v128.load(taps, 48)));
      a += 16;
    }
    const low = Fir.sumLow(a0, a1, a2, a3);
    a0 = i32x4.shr_s(a0, LOW_BITS);
    a1 = i32x4.shr_s(a1, LOW_BITS);
    a2 = i32x4.shr_s(a2, LOW_BITS);
    a3 = i32x4.shr_s(a3, LOW_BITS);
    a = x + (coarseStart << 4);
    for (const end = taps + coarseVectors * ((<usize>rows) << 4); taps < end; taps += (<usize>rows) << 4) {
      sa = v128.load(a);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(sa, v128.load(taps)));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(sa, v128.load(taps, 16)));
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(sa, v128.load(taps, 32)));
      if (rows == 4) a3 = i32x4.add(a3, i32x4.dot_i16x8_s(sa, v128.load(taps, 48)));
      a += 16;
    }
    Fir.put(rows, out, Fir.finish(a0, a1, a2, a3, low));
  }

  // Blocks begin at multiples of `rows`, so the first and the last may hold outputs that are not wanted: they are made of
  // whatever lies around the samples, and are written just before and behind the others, where nobody looks: up to three
  // on each side. Behind OUT, where PAIRS begins, there are none: only 8 → 48 kHz fills it, with whole blocks.
  @inline
  static run(rows: i32, table: usize, x: usize, position: i32, outputs: i32, out: usize): void {
    const interpolation = load<i32>(table, TABLE_INTERPOLATION);
    const decimation = load<i32>(table, TABLE_DECIMATION);
    const period = load<i32>(table, TABLE_PERIOD);
    const vectors: usize = load<u32>(table, TABLE_VECTORS);
    const coarseStart: usize = load<u32>(table, TABLE_COARSE_START);
    const coarseVectors: usize = load<u32>(table, TABLE_COARSE_VECTORS);
    const blockBytes = (vectors + coarseVectors) * ((<usize>rows) << 4);
    const blocksPerPeriod = period / rows;
    const xStep = (<usize>((period * decimation) / interpolation)) << 1;
    const outStep = (<usize>period) << 1;

    let block = position / rows;
    const blocks = (position + outputs + rows - 1) / rows - block;
    // Address of the oldest sample of a block whose last output has its newest sample at x.
    x -= ((<usize>load<u32>(table, TABLE_NEWEST_AGE)) << 1) + (vectors << 4) - 2;
    out -= (<usize>(position - block * rows)) << 1;
    const distinct = min(blocks, blocksPerPeriod);
    for (let i = 0; i < distinct; i++) {
      const newest = ((rows * block + rows - 1) * decimation) / interpolation;
      const taps = table + TABLE_BODY + <usize>(block % blocksPerPeriod) * blockBytes;
      let samples = x + ((<usize>newest) << 1);
      let to = out;
      let left = (blocks - i + blocksPerPeriod - 1) / blocksPerPeriod;
      for (; left >= 2; left -= 2) {
        Fir.pair(rows, samples, xStep, taps, vectors, coarseStart, coarseVectors, to, outStep);
        samples += xStep << 1;
        to += outStep << 1;
      }
      if (left > 0) Fir.one(rows, samples, taps, vectors, coarseStart, coarseVectors, to);
      block++;
      out += (<usize>rows) << 1;
    }
  }
}

/**
 * Makes `outputs` outputs, the first of them number `position` of the period.
 * `x` is the address of the sample that is the newest of the period's first output.
 */
export function runBlocks(table: usize, x: usize, position: i32, outputs: i32, out: usize): void {
  if (load<u32>(table, TABLE_BLOCK_ROWS) == 4) runFours(table, x, position, outputs, out);
  else runThrees(table, x, position, outputs, out);
}

// Each a function of its own: the compiler would fold the two arms into one, with a test in the inmost loop.
function runFours(table: usize, x: usize, position: i32, outputs: i32, out: usize): void {
  Fir.run(4, table, x, position, outputs, out);
}

function runThrees(table: usize, x: usize, position: i32, outputs: i32, out: usize): void {
  Fir.run(3, table, x, position, outputs, out);
}
