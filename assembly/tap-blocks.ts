// The tap table of the SIMD variant (layout.ts, fir-blocks.ts): int16 taps of the outputs that follow one another, in
// rows aligned to the same samples. The taps far from the centre are small, and one int16 holds them; those in the centre
// are split.
//
//   one row   | oldest sample ···············  centre  ··············· newest sample |
//   fine      | 0  q      q      q      q    rest   rest    q      q      q     q  0 |   int16, 2^-21
//   coarse    |                              top    top                              |   int16, 2^-14

import {
  TABLE_BLOCK_ROWS,
  TABLE_BODY,
  TABLE_COARSE_START,
  TABLE_COARSE_VECTORS,
  TABLE_NEWEST_AGE,
  TABLE_PERIOD,
  TABLE_VECTORS,
} from "./layout";
import { TAP_BITS, tapCount, values } from "./taps";

/** A coarse tap is in units of 2^-COARSE_BITS, */
export const COARSE_BITS: i32 = 14;
/** and so many bits are left to the fine one. */
export const LOW_BITS: i32 = TAP_BITS - COARSE_BITS;
/** Above this sum of |tap| an int32 lane could overflow with an input of −32768 throughout. */
const LANE_LIMIT: i32 = 65535;
/** The sum of |coarse tap| to which the upper bits of four fine lanes can still be added in int32. */
const COARSE_LIMIT: i32 = LANE_LIMIT - 4 * ((LANE_LIMIT >> LOW_BITS) + 1);

let interpolation: i32 = 0;
let decimation: i32 = 0;
let blockRows: i32 = 0;
let period: i32 = 0;
let newestAge: i32 = 0;
let vectors: i32 = 0;
let coarseFirst: i32 = 0;
let coarseLast: i32 = 0;

function setRatio(outputs: i32, inputs: i32): void {
  interpolation = outputs;
  decimation = inputs;
  // Three rows where four would make the table four times as long: 147 and 441 phases.
  blockRows = interpolation > 4 && interpolation % 4 != 0 ? 3 : 4;
  period = interpolation;
  while (period % blockRows != 0) period += interpolation;
}

/** More bytes than any such table takes: all of it centre, and the widest block. */
export function blockTableBound(outputs: i32, inputs: i32, taps: i32): usize {
  setRatio(outputs, inputs);
  const most = (taps + (blockRows * decimation) / interpolation) / 8 + 2;
  return TABLE_BODY + ((<usize>(period * most)) << 5);
}

/** The taps of that output of the period. */
function rowOf(output: i32): usize {
  return values + ((<usize>(((output * decimation) % interpolation) * tapCount)) << 2);
}

/** How many samples older the newest one of that output is than that of its block's last. */
function lagOf(output: i32): i32 {
  const last = output - (output % blockRows) + blockRows - 1;
  return (last * decimation) / interpolation - (output * decimation) / interpolation;
}

/** The place of the oldest tap of an output in its row of the block. */
function placeOf(output: i32): i32 {
  return newestAge + (vectors << 3) - tapCount - lagOf(output);
}

/** As few vectors as hold all taps that are not zero, at that offset at which the centre takes the fewest. */
function place(): void {
  // Ages, counted back from the newest sample of a block, of taps that are not zero and of those that no int16 holds.
  let youngest = i32.MAX_VALUE;
  let oldest: i32 = 0;
  let youngestLarge = i32.MAX_VALUE;
  let oldestLarge: i32 = 0;
  for (let output = 0; output < period; output++) {
    const row = rowOf(output);
    let age = lagOf(output) + tapCount - 1;
    for (let j = 0; j < tapCount; j++, age--) {
      const tap = load<i32>(row + ((<usize>j) << 2));
      if (tap == 0) continue;
      youngest = min(youngest, age);
      oldest = max(oldest, age);
      if (abs(tap) <= 32767) continue;
      youngestLarge = min(youngestLarge, age);
      oldestLarge = max(oldestLarge, age);
    }
  }
  vectors = (oldest - youngest + 8) >> 3;
  let fewest = vectors + 1;
  for (let start = youngest; start >= 0 && start + (vectors << 3) > oldest; start--) {
    const last = start + (vectors << 3) - 1;
    const first = (last - oldestLarge) >> 3;
    const count = ((last - youngestLarge) >> 3) - first + 1;
    if (count >= fewest) continue;
    fewest = count;
    newestAge = start;
    coarseFirst = first;
    coarseLast = first + count - 1;
  }
  // More of them belong to the centre until no fine sum can overflow. The rows are much alike: few go back to the first.
  for (let output = 0; output < period; ) {
    if (fits(output)) {
      output++;
    } else {
      // A profile whose taps these kernels cannot add up.
      if (coarseFirst == 0 && coarseLast == vectors - 1) unreachable();
      coarseFirst = max(0, coarseFirst - 1);
      coarseLast = min(vectors - 1, coarseLast + 1);
      output = 0;
    }
  }
}

/** Whether no input can make a sum over this row leave int32. With everything in the centre it always does. */
function fits(output: i32): bool {
  const row = rowOf(output);
  const start = placeOf(output);
  let lane0: i32 = 0;
  let lane1: i32 = 0;
  let lane2: i32 = 0;
  let lane3: i32 = 0;
  let coarseSum: i32 = 0;
  for (let j = 0; j < tapCount; j++) {
    let fine = load<i32>(row + ((<usize>j) << 2));
    const i = start + j;
    const vector = i >> 3;
    if (vector >= coarseFirst && vector <= coarseLast) {
      const coarse = coarsePart(fine);
      fine -= coarse << LOW_BITS;
      coarseSum += abs(coarse);
    }
    fine = abs(fine);
    const lane = (i >> 1) & 3;
    if (lane == 0) lane0 += fine;
    else if (lane == 1) lane1 += fine;
    else if (lane == 2) lane2 += fine;
    else lane3 += fine;
  }
  return coarseSum <= COARSE_LIMIT && max(max(lane0, lane1), max(lane2, lane3)) <= LANE_LIMIT;
}

function coarsePart(value: i32): i32 {
  return (value + (1 << (LOW_BITS - 1))) >> LOW_BITS;
}

/** Writes the table behind the header, and the rest of the header; its length with the header. */
export function writeBlocks(table: usize): usize {
  place();
  const coarseVectors = coarseLast - coarseFirst + 1;
  store<u32>(table, period, TABLE_PERIOD);
  store<u32>(table, blockRows, TABLE_BLOCK_ROWS);
  store<u32>(table, newestAge, TABLE_NEWEST_AGE);
  store<u32>(table, vectors, TABLE_VECTORS);
  store<u32>(table, coarseFirst, TABLE_COARSE_START);
  store<u32>(table, coarseVectors, TABLE_COARSE_VECTORS);
  const width = vectors + coarseVectors;
  const byteLength = (<usize>(period * width)) << 4;
  memory.fill(table + TABLE_BODY, 0, byteLength);
  for (let output = 0; output < period; output++) {
    const row = rowOf(output);
    const start = placeOf(output);
    const index = output % blockRows;
    const block = table + TABLE_BODY + ((<usize>((output - index) * width + index)) << 4);
    for (let j = 0; j < tapCount; j++) {
      let fine = load<i32>(row + ((<usize>j) << 2));
      if (fine == 0) continue;
      const i = start + j;
      const vector = i >> 3;
      const lane = (<usize>(i & 7)) << 1;
      if (vector >= coarseFirst && vector <= coarseLast) {
        const coarse = coarsePart(fine);
        fine -= coarse << LOW_BITS;
        store<i16>(block + ((<usize>((vectors + vector - coarseFirst) * blockRows)) << 4) + lane, <i16>coarse);
      }
      store<i16>(block + ((<usize>(vector * blockRows)) << 4) + lane, <i16>fine);
    }
  }
  return TABLE_BODY + byteLength;
}
