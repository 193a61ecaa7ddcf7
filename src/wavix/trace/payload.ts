import { Buffer } from "node:buffer";
import type { Cut } from "./format.ts";

const FULL_SCALE = 32_768;
/** 400 Hz at 24 kHz: every packet of 480 samples holds eight whole periods, so that packets join without a click. */
const PERIOD = 60;

/** Level of PCM16 in base64, in dBFS to a tenth; undefined for silence. */
export function levelDbOf(base64: string): number | undefined {
  const bytes = Buffer.from(base64, "base64");
  // A copy, which begins at an even place.
  const samples = new Int16Array(new Uint8Array(bytes).buffer, 0, bytes.length >> 1);
  let squares = 0;
  for (const sample of samples) squares += sample * sample;
  if (squares === 0) return undefined;
  return Math.round(100 * Math.log10(squares / samples.length / FULL_SCALE ** 2)) / 10;
}

/**
 * A message with its cuts filled: a tone of the same length and the same level where there was sound, silence where there
 * was none. What was said is gone, its rhythm is not.
 *
 * @example
 * restore('{"event":"media","media":{"payload":""}}', [{ at: 37, length: 1280 }]); // 20 ms of silence
 */
export function restore(text: string, cuts: readonly Cut[] = []): string {
  let whole = "";
  let from = 0;
  for (const cut of cuts) {
    whole += text.slice(from, cut.at) + tone(cut);
    from = cut.at;
  }
  return whole + text.slice(from);
}

/** The last one made: neighbours are often alike, silence above all. */
let last: { length: number; levelDb: number | undefined; base64: string } | undefined;

function tone({ length, levelDb }: Cut): string {
  if (last?.length === length && last.levelDb === levelDb) return last.base64;
  const bytes = Buffer.alloc(Math.ceil(length / 4) * 3);
  const peak = levelDb === undefined ? 0 : Math.min(1, Math.SQRT2 * 10 ** (levelDb / 20)) * (FULL_SCALE - 1);
  for (let i = 0; 2 * i + 1 < bytes.length; i++) {
    bytes.writeInt16LE(Math.round(peak * Math.sin((2 * Math.PI * i) / PERIOD)), 2 * i);
  }
  // Before `==` stand two characters of one byte, before `=` three of two: their spare bits must be 0.
  const byteLength = Math.floor((length * 3) / 4);
  const base64 = bytes.subarray(0, byteLength).toString("base64").replaceAll("=", "").padEnd(length, "A");
  last = { length, levelDb, base64 };
  return base64;
}
