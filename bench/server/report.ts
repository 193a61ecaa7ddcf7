import { alignedTable } from "../table.ts";
import type { RowResult } from "./measure.ts";

const fixed = (value: number | null, digits: number) => (value === null ? "–" : value.toFixed(digits));

/** The rows as a table for people. */
export function describeRows(rows: readonly RowResult[]): string {
  const bare = rows.find(({ name }) => name === "bare-ws")?.usPerPacket ?? Number.NaN;
  const head = ["", "µs/packet", "× bare-ws", "calls/core", "packets/write", "delay ms", "kB/call", "kB queued", "loop p99", "late p99", "short"];
  const lines = rows.map((row) => [
    row.name,
    fixed(row.usPerPacket, 1),
    fixed(row.usPerPacket / bare, 2),
    String(row.callsPerCore),
    fixed(row.packetsPerWrite, 2),
    fixed(row.addedDelayMs, 1),
    fixed(row.rssPerCallKb, 0),
    fixed(row.rssPerQueuedCallKb, 0),
    fixed(row.loopDelayP99Ms, 1),
    fixed(row.latenessP99Ms, 1),
    String(row.callsShort),
  ]);
  return alignedTable([head, ...lines]);
}
