// One streaming resampler: after n inputs exactly ceil(n · interpolation / decimation) outputs have been given, and
// the position of every output is an exact fraction, so nothing drifts and no split of the input is audible.

import { fir1, fir4 } from "./fir";
import {
  closeSlot,
  openSlot,
  SLOT_COARSE_COUNT,
  SLOT_COARSE_START,
  SLOT_DECIMATION,
  SLOT_FINE_BITS,
  SLOT_HISTORY,
  SLOT_INTERPOLATION,
  SLOT_NEXT,
  SLOT_PHASE,
  SLOT_TAP_COUNT,
  SLOT_TAPS,
  slotOf,
} from "./layout";

/** Opens a resampler; its handle, or 0 when there is no memory left. */
export function open(
  taps: usize,
  interpolation: i32,
  decimation: i32,
  tapCount: i32,
  coarseStart: i32,
  coarseCount: i32,
  fineBits: i32,
): u32 {
  const handle = openSlot(tapCount);
  if (handle == 0) return 0;
  const slot = slotOf(handle);
  store<u32>(slot, <u32>taps, SLOT_TAPS);
  store<u32>(slot, interpolation, SLOT_INTERPOLATION);
  store<u32>(slot, decimation, SLOT_DECIMATION);
  store<u16>(slot, <u16>tapCount, SLOT_TAP_COUNT);
  store<u16>(slot, <u16>coarseStart, SLOT_COARSE_START);
  store<u16>(slot, <u16>coarseCount, SLOT_COARSE_COUNT);
  store<u8>(slot, <u8>fineBits, SLOT_FINE_BITS);
  reset(handle);
  return handle;
}

/** Forgets the past: as if just opened. */
export function reset(handle: u32): bool {
  const slot = slotOf(handle);
  if (slot == 0) return false;
  store<u32>(slot, 0, SLOT_PHASE);
  store<u32>(slot, 0, SLOT_NEXT);
  memory.fill(slot + SLOT_HISTORY, 0, (<usize>load<u16>(slot, SLOT_TAP_COUNT)) << 1);
  return true;
}

export function close(handle: u32): bool {
  return closeSlot(handle);
}

function outputsOf(slot: usize, count: i32): i32 {
  const decimation: i32 = load<i32>(slot, SLOT_DECIMATION);
  // Output q has its newest input at next + (phase + q · decimation) / interpolation, which must lie below count.
  const room = (count - load<i32>(slot, SLOT_NEXT)) * load<i32>(slot, SLOT_INTERPOLATION) - load<i32>(slot, SLOT_PHASE);
  return room <= 0 ? 0 : (room + decimation - 1) / decimation;
}

/**
 * Resamples `count` inputs at `src` to `out`; the number of outputs, or −1 for a stale handle.
 * The bytes before `src` are overwritten with the history.
 */
export function process(handle: u32, src: usize, count: i32, out: usize): i32 {
  const slot = slotOf(handle);
  if (slot == 0) return -1;
  const taps: usize = load<u32>(slot, SLOT_TAPS);
  const interpolation = load<i32>(slot, SLOT_INTERPOLATION);
  const decimation = load<i32>(slot, SLOT_DECIMATION);
  const phase = load<i32>(slot, SLOT_PHASE);
  const next = load<i32>(slot, SLOT_NEXT);
  const tapCount: usize = load<u16>(slot, SLOT_TAP_COUNT);
  const coarseStart: usize = load<u16>(slot, SLOT_COARSE_START);
  const coarseCount: usize = load<u16>(slot, SLOT_COARSE_COUNT);
  const fineBits: i32 = load<u8>(slot, SLOT_FINE_BITS);
  const historyBytes = tapCount << 1;
  const rowBytes = (tapCount + coarseCount) << 1;
  const outputs = outputsOf(slot, count);

  memory.copy(src - historyBytes, slot + SLOT_HISTORY, historyBytes);
  // Outputs `interpolation` apart have the same phase, and their inputs lie `decimation` apart.
  const xStep = (<usize>decimation) << 1;
  const outStep = (<usize>interpolation) << 1;
  const first = src - historyBytes + 2;
  const distinct = min(interpolation, outputs);
  for (let r = 0; r < distinct; r++) {
    const position = phase + r * decimation;
    const row = taps + <usize>(position % interpolation) * rowBytes;
    let x = first + ((<usize>(next + position / interpolation)) << 1);
    let y = out + ((<usize>r) << 1);
    let left = (outputs - r + interpolation - 1) / interpolation;
    for (; left >= 4; left -= 4) {
      fir4(x, xStep, row, tapCount, coarseStart, coarseCount, fineBits, y, outStep);
      x += xStep << 2;
      y += outStep << 2;
    }
    for (; left > 0; left--) {
      store<i16>(y, <i16>fir1(x, row, tapCount, coarseStart, coarseCount, fineBits));
      x += xStep;
      y += outStep;
    }
  }

  const end = phase + outputs * decimation;
  store<i32>(slot, end % interpolation, SLOT_PHASE);
  store<i32>(slot, next + end / interpolation - count, SLOT_NEXT);
  memory.copy(slot + SLOT_HISTORY, src + ((<usize>count) << 1) - historyBytes, historyBytes);
  return outputs;
}
