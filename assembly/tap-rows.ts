// The tap table of the scalar variant (layout.ts): a directory of the phases, and rows of whole taps as floats, which
// hold them exactly. Of a phase and its mirror image one row is kept. An entry of the directory says which row it is, in
// 16 bits; from bit 16 on by how many samples beyond the newest one the row begins when it is read backwards; and in
// bit 31 that it is. The same as src/codec/twin/tap-rows.ts.

import { TABLE_BODY, TABLE_ROWS } from "./layout";
import { gridSpan, mirrorPhase, TAP_BITS, tapCount, values } from "./taps";

/** More bytes than any such table takes. */
export function rowTableBound(interpolation: i32, taps: i32): usize {
  return TABLE_BODY + ((<usize>interpolation + 15) << 2) + ((<usize>(interpolation * taps)) << 2);
}

/** Writes the table behind the header; its length with the header. */
export function writeRows(table: usize, interpolation: i32): usize {
  const directory = table + TABLE_BODY;
  const rows = directory + ((((<usize>interpolation + 15) >> 4) << 4) << 2);
  store<u32>(table, <u32>(rows - table), TABLE_ROWS);
  let kept: i32 = 0;
  for (let phase = 0; phase < interpolation; phase++) {
    const mirror = mirrorPhase(phase, interpolation);
    const entry = directory + ((<usize>phase) << 2);
    if (mirror < phase) {
      const beyond = tapCount - 1 - (gridSpan - phase - mirror) / interpolation;
      store<u32>(entry, load<u32>(directory + ((<usize>mirror) << 2)) | (beyond << 16) | 0x80000000);
      continue;
    }
    store<u32>(entry, kept);
    const row = rows + ((<usize>(kept * tapCount)) << 2);
    const from = values + ((<usize>(phase * tapCount)) << 2);
    for (let at: usize = 0, end = (<usize>tapCount) << 2; at < end; at += 4) {
      store<f32>(row + at, <f32>(<f64>load<i32>(from + at) / <f64>(1 << TAP_BITS)));
    }
    kept++;
  }
  return rows + ((<usize>(kept * tapCount)) << 2) - table;
}
