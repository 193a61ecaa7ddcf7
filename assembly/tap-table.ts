// Tap tables of a pair of rates, each made once and kept.

import { allocate, heapReserve, TABLE_DECIMATION, TABLE_INTERPOLATION, TABLE_PERIOD, TABLE_TAP_COUNT } from "./layout";
import { blockTableBound, writeBlocks } from "./tap-blocks";
import { rowTableBound, writeRows } from "./tap-rows";
import { designTaps, tapCount, tapCountOf } from "./taps";

/** All pairs of all profiles take less. */
const TABLES_LIMIT: usize = 8 << 20;

let tablesBytes: usize = 0;

/** Makes the table for a ratio of rates and a profile (src/codec/taps.ts); its address, or 0 without memory or above the limit. */
export function design(
  interpolation: i32,
  decimation: i32,
  delayLowSamples: i32,
  spanLowSamples: f64,
  cutoff: f64,
  beta: f64,
): usize {
  const taps = tapCountOf(interpolation, decimation, delayLowSamples);
  const bound = ASC_FEATURE_SIMD
    ? blockTableBound(interpolation, decimation, taps)
    : rowTableBound(interpolation, taps);
  if (!designTaps(interpolation, decimation, delayLowSamples, spanLowSamples, cutoff, beta, bound)) return 0;
  // Scratch memory begins where the table will be.
  const table = heapReserve(0);
  store<u32>(table, interpolation, TABLE_INTERPOLATION);
  store<u32>(table, decimation, TABLE_DECIMATION);
  store<u32>(table, tapCount, TABLE_TAP_COUNT);
  store<u32>(table, interpolation, TABLE_PERIOD);
  const byteLength = ASC_FEATURE_SIMD ? writeBlocks(table) : writeRows(table, interpolation);
  if (tablesBytes + byteLength > TABLES_LIMIT) return 0;
  tablesBytes += byteLength;
  return allocate(byteLength);
}
