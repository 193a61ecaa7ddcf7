import { machineLine } from "./machine.ts";
import type { Report, Result } from "./report.ts";

/** Columns under each other: the first one to the left, figures to the right. */
export function alignedTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "))
    .map((line) => `  ${line}`)
    .join("\n");
}

/** The same as a table of the README. */
export function markdownTable([head, ...rows]: readonly (readonly string[])[]): string {
  const rule = head!.map((_, i) => (i === 0 ? "---" : "---:"));
  const lines = [head!, ...rows].map((row) => `| ${row.join(" | ")} |`);
  return [lines[0], `|${rule.join("|")}|`, ...lines.slice(1)].join("\n");
}

/** A figure, or a dash where none was measured. */
export const figure = (value: number | null, digits: number) => (value === null ? "–" : value.toFixed(digits));

/** Times in µs: as many digits as tell something. */
export function microseconds(ns: number | null): string {
  if (ns === null) return "–";
  return (ns / 1000).toFixed(ns < 9_995 ? 2 : ns < 99_950 ? 1 : 0);
}

export const timesRealTime = (nsPer20ms: number | null) =>
  nsPer20ms === null ? "–" : Math.round(20e6 / nsPer20ms).toLocaleString("en-US");

export function byteCount(bytes: number | null): string {
  if (bytes === null) return "–";
  return bytes < 100 ? `${Math.round(bytes)} B` : `${(bytes / 1000).toFixed(bytes < 9_950 ? 1 : 0)} kB`;
}

/** All figures of one pair of rates. */
export function pairRows(results: readonly Result[]): string[][] {
  return [
    ["", "µs per 20 ms", "× real time", "SINAD dB", "rejection dB", "delay ms", "per stream"],
    ...results.map((result) => [
      result.name,
      microseconds(result.nsPer20ms),
      timesRealTime(result.nsPer20ms),
      figure(result.sinadDb, 1),
      figure(result.rejectionDb, 1),
      figure(result.delayMs, 2),
      byteCount(result.bytesPerStream),
    ]),
  ];
}

export function messageRows(report: Report): string[][] {
  return [
    ["20 ms as a message", "µs", "× usual"],
    ...report.messagePath.map(({ name, nsPerMessage, ratioToUsual }) => [
      name,
      microseconds(nsPerMessage),
      figure(ratioToUsual, 2),
    ]),
  ];
}

export function streamRows({ streams }: Report): string[][] {
  const { count, bytesBefore, bytesAfter } = streams.cycles;
  return [
    ["a stream of variant simd", ""],
    ["WebAssembly memory", `${Math.round(streams.wasmBytesPerResampler)} bytes`],
    ["resident, at 1000 streams", byteCount(streams.residentBytesPerStream)],
    ["creation", `${streams.creationUs.toFixed(1)} µs`],
    ["first of a pair, taps designed, 24 kHz on a side", `≤ ${streams.firstCreationMs.toFixed(1)} ms`],
    ["first of any pair", `≤ ${streams.firstCreationAnyPairMs.toFixed(1)} ms`],
    [`memory after ${count.toLocaleString("en-US")} × create and close`, signed(bytesAfter - bytesBefore)],
  ];
}

const signed = (bytes: number) => `${bytes > 0 ? "+" : ""}${Math.round(bytes)} bytes`;

/** The pairs of the results, in their order. */
export const pairsIn = (results: readonly Result[]) => [...new Set(results.map(({ pair }) => pair))];

/** Everything, for a terminal. */
export function describeReport(report: Report): string {
  const { results, contenders, machine, notes } = report;
  const blocks = [
    machineLine(machine),
    alignedTable(contenders.map(({ name, version, setting }) => [name, version.padEnd(8), ` ${setting}`])),
    ...pairsIn(results).map((pair) => {
      return `${pair.replace("-", " → ")} Hz\n${alignedTable(pairRows(results.filter((row) => row.pair === pair)))}`;
    }),
    alignedTable(messageRows(report)),
    alignedTable(streamRows(report)),
    notes.map((note) => `note: ${note}`).join("\n"),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}
