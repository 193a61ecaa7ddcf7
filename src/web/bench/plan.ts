import type { ResamplerProfile } from "../../codec/index.ts";
import { PAIRS, type Pair, pairName, WIRE_RATE } from "./pairs.ts";

/** Who takes part: the three variants of the codec, and the way one would do it without (`usual`, messages only). */
export type ContestantName = "simd" | "scalar" | "js" | "usual";

export const CONTESTANT_NAMES: readonly ContestantName[] = ["simd", "scalar", "js", "usual"];

/** One thing that is measured: 20 ms of audio, resampled; or read from, or written as, a Wavix message. */
export type Row = ResampleRow | MessageRow;

export interface ResampleRow extends Pair {
  readonly kind: "resample";
  readonly profile: ResamplerProfile;
}

export interface MessageRow {
  readonly kind: "read" | "write";
  readonly sampleRate: number;
}

/** What a bot (16 kHz), a telephone (8 kHz) and a page (48 kHz) need. */
export const USUAL_PAIRS: readonly string[] = [
  "24000-8000",
  "24000-16000",
  "24000-48000",
  "8000-24000",
  "16000-24000",
  "48000-24000",
];

/** Rate of the bot's audio in the rows with messages that are resampled too. */
export const BOT_RATE = 16_000;

const MESSAGE_ROWS: readonly MessageRow[] = [
  { kind: "read", sampleRate: BOT_RATE },
  { kind: "write", sampleRate: BOT_RATE },
  { kind: "read", sampleRate: WIRE_RATE },
  { kind: "write", sampleRate: WIRE_RATE },
];

/** What a visitor has chosen. */
export interface Choice {
  /** By name: `24000-16000`. */
  readonly pairs: readonly string[];
  readonly profiles: readonly ResamplerProfile[];
  readonly messages: boolean;
  readonly rounds: number;
  /** How long one batch of steps runs, in ms; undefined: as long as the clock's steps ask for. */
  readonly batchMs?: number | undefined;
}

/**
 * The rows of a choice, in the order they are run and shown; pairs that do not exist are left out.
 *
 * @example
 * rowsOf({ pairs: ["24000-16000"], profiles: ["default"], messages: false, rounds: 30 }).length; // 1
 */
export function rowsOf({ pairs, profiles, messages }: Choice): Row[] {
  const resampling = PAIRS.filter((pair) => pairs.includes(pairName(pair))).flatMap((pair) =>
    profiles.map((profile): Row => ({ kind: "resample", ...pair, profile })),
  );
  return messages ? [...resampling, ...MESSAGE_ROWS] : resampling;
}

/** A name that no other row has. */
export function rowId(row: Row): string {
  return row.kind === "resample" ? `${pairName(row)} ${row.profile}` : `${row.kind} ${row.sampleRate}`;
}

/** Who can do a row. */
export function contestantsOf(row: Row): readonly ContestantName[] {
  return row.kind === "resample" ? CONTESTANT_NAMES.filter((name) => name !== "usual") : CONTESTANT_NAMES;
}

/** Whether the outcome of `name` has to be that of the others, bit for bit: the usual way does not resample. */
export function mustAgree(row: Row, name: ContestantName): boolean {
  return name !== "usual" || (row.kind !== "resample" && row.sampleRate === WIRE_RATE);
}
