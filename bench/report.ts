import { rounded } from "../src/web/bench/text.ts";
import type { Machine } from "./machine.ts";

/** One resampler at one pair of rates. null: not measured, or no number at all. */
export interface Result {
  /** `24000-16000` */
  readonly pair: string;
  /** `simd`, `scalar`, `js`, or a peer. */
  readonly name: string;
  readonly nsPer20ms: number | null;
  readonly sinadDb: number | null;
  readonly rejectionDb: number | null;
  readonly delayMs: number | null;
  readonly bytesPerStream: number | null;
}

/** One way to or from the bytes of a message of 20 ms. */
export interface MessageResult {
  readonly name: string;
  readonly nsPerMessage: number;
  /** To the usual way without resampling; of the rows named `vs speex-resampler`: to the usual way with it. */
  readonly ratioToUsual: number;
}

/** What a stream takes, of variant `simd`. */
export interface StreamFigures {
  /** Of WebAssembly memory, from 24 to 16 kHz. */
  readonly wasmBytesPerResampler: number;
  /** Resident, at 1000 streams from 24 to 16 kHz, in a fresh process: median of three. */
  readonly residentBytesPerStream: number;
  /** Once the pair's taps exist. */
  readonly creationUs: number;
  /** The slowest pair's, taps designed: with 24 kHz on a side, and of all 72. */
  readonly firstCreationMs: number;
  readonly firstCreationAnyPairMs: number;
  /** WebAssembly and heap before and after 100,000 times create and close. */
  readonly cycles: { readonly count: number; readonly bytesBefore: number; readonly bytesAfter: number };
}

export interface Contender {
  readonly name: string;
  readonly version: string;
  readonly setting: string;
}

export interface Report {
  readonly results: readonly Result[];
  readonly messagePath: readonly MessageResult[];
  readonly streams: StreamFigures;
  readonly machine: Machine;
  readonly contenders: readonly Contender[];
  /** What could not be had, and what did not resample: a line each. */
  readonly notes: readonly string[];
}

/** JSON with one row of a list on a line, so that a change of figures reads well. */
export function reportText(report: Report): string {
  const lists = Object.entries(report).map(([key, value]) => {
    const rows = Array.isArray(value) ? value.map((row) => `    ${JSON.stringify(row, rounded)}`) : null;
    return `  "${key}": ${rows === null || rows.length === 0 ? JSON.stringify(value, rounded) : `[\n${rows.join(",\n")}\n  ]`}`;
  });
  return `{\n${lists.join(",\n")}\n}\n`;
}
