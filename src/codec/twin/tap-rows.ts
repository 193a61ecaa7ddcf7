import { mirrorOf, TAP_BITS, type Taps } from "../taps.ts";

const HEADER_WORDS = 16;

/**
 * The tap table that the twin reads, as assembly/tap-rows.ts makes it: a header, a directory of the phases, and rows of
 * whole taps as floats, which hold them exactly. Of a phase and its mirror image one row is kept. An entry of the
 * directory says which row it is, in 16 bits; from bit 16 on by how many samples beyond the newest one the row begins
 * when it is read backwards; and in bit 31 that it is.
 */
export function rowTable(taps: Taps): Uint8Array {
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
