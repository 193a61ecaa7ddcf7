import { alignedTable, figure, microseconds, timesRealTime } from "../src/web/bench/text.ts";
import { machineLine } from "./machine.ts";
import type { Report, Result } from "./report.ts";

/** A table of the README: its first column are words, the others figures. */
export function markdownTable([head, ...rows]: readonly (readonly string[])[]): string {
  const rule = head!.map((_, i) => (i === 0 ? "---" : "---:"));
  const lines = [head!, ...rows].map((row) => `| ${row.join(" | ")} |`);
  return [lines[0], `|${rule.join("|")}|`, ...lines.slice(1)].join("\n");
}

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

const indented = (text: string) => text.replaceAll(/^/gm, "  ");

/** Everything, for a terminal. */
export function describeReport(report: Report): string {
  const { results, contenders, machine, notes } = report;
  const blocks = [
    machineLine(machine),
    indented(
      alignedTable(
        contenders.map(({ name, version, setting }) => [name, version, setting]),
        3,
      ),
    ),
    ...pairsIn(results).map((pair) => {
      return `${pair.replace("-", " → ")} Hz\n${indented(alignedTable(pairRows(results.filter((row) => row.pair === pair)), 1))}`;
    }),
    indented(alignedTable(messageRows(report), 1)),
    indented(alignedTable(streamRows(report), 1)),
    notes.map((note) => `note: ${note}`).join("\n"),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}
