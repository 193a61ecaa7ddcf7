import type { Core } from "../../src/codec/core.ts";
import { greatestCommonDivisor, PROFILES, type ResamplerProfile, TAP_BITS } from "../../src/codec/taps.ts";

/** The taps of one output of the period, the oldest sample's first, as a variant keeps them. */
export interface TableRow {
  readonly phase: number;
  /** In units of 2^-21. */
  readonly taps: Int32Array;
  /** SIMD: what `taps` is the sum of, `fine + coarse · 2^7`. */
  readonly fine: Int32Array;
  readonly coarse: Int32Array;
  /** SIMD: the sums of |fine tap| of the four int32 lanes. */
  readonly laneSums: readonly number[];
}

export interface TapTable {
  readonly interpolation: number;
  readonly decimation: number;
  readonly tapCount: number;
  readonly rows: TableRow[];
}

/** Has a codec design a table and reads it out of its memory, by the picture in assembly/layout.ts. */
export function readTapTable(core: Core, a: number, b: number, profile: ResamplerProfile): TapTable {
  const divisor = greatestCommonDivisor(a, b);
  const { delayLowSamples, spanLowSamples, cutoff, beta } = PROFILES[profile];
  const address = core.exports.design(b / divisor, a / divisor, delayLowSamples, spanLowSamples, cutoff, beta);
  if (address === 0) throw new Error(`no table for ${a} → ${b} Hz`);
  const memory = new DataView(core.exports.memory.buffer, address);
  const header = Array.from({ length: 9 }, (_, i) => memory.getUint32(4 * i, true));
  const [interpolation, decimation, tapCount, period] = header as [number, number, number, number];
  const rows = Array.from({ length: period }, (_, output) => {
    const phase = (output * decimation) % interpolation;
    return core.variant === "simd"
      ? blockRow(memory, header, output, phase)
      : wholeRow(memory, tapCount, phase, header[4]!);
  });
  return { interpolation, decimation, tapCount, rows };
}

function blockRow(memory: DataView, header: number[], output: number, phase: number): TableRow {
  const [interpolation, decimation, tapCount, , blockRows, newestAge, vectors, coarseStart, coarseVectors] = header as [
    ...[number, number, number, number],
    ...[number, number, number, number, number],
  ];
  const index = output % blockRows;
  const block = 64 + 16 * (output - index) * (vectors + coarseVectors);
  const newest = (of: number) => Math.floor((of * decimation) / interpolation);
  const oldest = newestAge + 8 * vectors - tapCount - (newest(output - index + blockRows - 1) - newest(output));
  const [taps, fine, coarse] = [0, 0, 0].map(() => new Int32Array(tapCount)) as [Int32Array, Int32Array, Int32Array];
  const laneSums = [0, 0, 0, 0];
  for (let i = 0; i < 8 * (vectors + coarseVectors); i++) {
    const value = memory.getInt16(block + 16 * ((i >> 3) * blockRows + index) + 2 * (i % 8), true);
    const isFine = i < 8 * vectors;
    const j = (isFine ? i : i + 8 * (coarseStart - vectors)) - oldest;
    if (value !== 0 && (j < 0 || j >= tapCount)) throw new Error(`output ${output} has a tap outside its history`);
    if (value === 0) continue;
    (isFine ? fine : coarse)[j] = value;
    taps[j]! += isFine ? value : 128 * value;
    if (isFine) laneSums[(i >> 1) & 3]! += Math.abs(value);
  }
  return { phase, taps, fine, coarse, laneSums };
}

function wholeRow(memory: DataView, tapCount: number, phase: number, rows: number): TableRow {
  const entry = memory.getUint32(64 + 4 * phase, true);
  const kept = Int32Array.from({ length: tapCount }, (_, j) => {
    return memory.getFloat32(rows + 4 * ((entry & 0xffff) * tapCount + j), true) * 2 ** TAP_BITS;
  });
  const beyond = (entry >>> 16) & 0x7fff;
  // Read backwards, from `beyond` samples behind the newest on: those taps are zero, and so are the oldest's.
  const taps = entry >>> 31 === 0 ? kept : Int32Array.from(kept, (_, j) => kept[tapCount - 1 - j + beyond] ?? 0);
  if (kept.subarray(0, entry >>> 31 === 0 ? 0 : beyond).some((tap) => tap !== 0)) {
    throw new Error(`phase ${phase} has a tap beyond the newest sample`);
  }
  return { phase, taps, fine: taps, coarse: new Int32Array(tapCount), laneSums: [] };
}
