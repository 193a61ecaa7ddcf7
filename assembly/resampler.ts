// One streaming resampler: after n inputs exactly ceil(n · interpolation / decimation) outputs have been given, and
// the position of every output is an exact fraction, so nothing drifts and no split of the input is audible.

import { runBlocks } from "./fir-blocks";
import { runRows } from "./fir-rows";
import {
  closeSlot,
  openSlot,
  SLOT_HISTORY,
  SLOT_NEXT,
  SLOT_POSITION,
  SLOT_TABLE,
  slotOf,
  TABLE_DECIMATION,
  TABLE_INTERPOLATION,
  TABLE_PERIOD,
  TABLE_TAP_COUNT,
} from "./layout";

/** Opens a resampler with the tap table at `table`; its handle, or 0 when there is no memory left. */
export function open(table: usize): u32 {
  const handle = openSlot(load<u32>(table, TABLE_TAP_COUNT));
  if (handle == 0) return 0;
  store<u32>(slotOf(handle), <u32>table, SLOT_TABLE);
  reset(handle);
  return handle;
}

/** Forgets the past: as if just opened. */
export function reset(handle: u32): bool {
  const slot = slotOf(handle);
  if (slot == 0) return false;
  store<u32>(slot, 0, SLOT_POSITION);
  store<u32>(slot, 0, SLOT_NEXT);
  memory.fill(slot + SLOT_HISTORY, 0, (<usize>load<u32>(load<u32>(slot, SLOT_TABLE), TABLE_TAP_COUNT)) << 1);
  return true;
}

export function close(handle: u32): bool {
  return closeSlot(handle);
}

/**
 * Resamples `count` inputs at `src` to `out`; the number of outputs, or −1 for a stale handle.
 * The bytes before `src` are overwritten with the history.
 */
export function process(handle: u32, src: usize, count: i32, out: usize): i32 {
  const slot = slotOf(handle);
  if (slot == 0) return -1;
  const table: usize = load<u32>(slot, SLOT_TABLE);
  const interpolation = load<i32>(table, TABLE_INTERPOLATION);
  const decimation = load<i32>(table, TABLE_DECIMATION);
  const historyBytes = (<usize>load<u32>(table, TABLE_TAP_COUNT)) << 1;
  const position = load<i32>(slot, SLOT_POSITION);
  const next = load<i32>(slot, SLOT_NEXT);

  // Output q has its newest input at origin + (position + q) · decimation / interpolation, which must lie below count.
  const origin = next - (position * decimation) / interpolation;
  const end = ((count - origin) * interpolation + decimation - 1) / decimation;
  const outputs = max(0, end - position);

  memory.copy(src - historyBytes, slot + SLOT_HISTORY, historyBytes);
  if (outputs > 0) {
    if (ASC_FEATURE_SIMD) runBlocks(table, src + <usize>(origin << 1), position, outputs, out);
    else runRows(table, src, origin, position, count, outputs, out);
  }

  const last = position + outputs;
  store<i32>(slot, last % load<i32>(table, TABLE_PERIOD), SLOT_POSITION);
  store<i32>(slot, origin + (last * decimation) / interpolation - count, SLOT_NEXT);
  memory.copy(slot + SLOT_HISTORY, src + ((<usize>count) << 1) - historyBytes, historyBytes);
  return outputs;
}
