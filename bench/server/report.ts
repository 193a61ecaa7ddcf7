import { alignedTable } from "../../src/web/bench/text.ts";
import type { ClockResult, PressureResult } from "./clock.ts";
import type { MemoryResult } from "./memory.ts";
import type { CostResult } from "./turns.ts";

export type RowResult = CostResult & MemoryResult;

export interface ServerReport {
  readonly results: readonly RowResult[];
  readonly pressure: readonly PressureResult[];
  readonly clock: ClockResult | null;
  /** How late a timer of a process is that has nothing to do: the machine's own share in all lateness. */
  readonly idleTimerP99Ms: number;
  /** Calls at once in `results`. */
  readonly calls: number;
}

const fixed = (value: number | null, digits: number) => (value === null ? "–" : value.toFixed(digits));

/** The figures as tables for people. */
export function describe({ results, pressure, clock, idleTimerP99Ms, calls }: ServerReport): string {
  const usOf = (wanted: string) => results.find(({ name }) => name === wanted)?.usPerPacket;
  const times = (us: number, of: string) => fixed(usOf(of) === undefined ? null : us / usOf(of)!, 2);
  const head = ["", "µs/packet", "× bare-ws", "× usual", "calls/core", "packets/write", "delay ms"];
  const costs = results.map((row) => [
    row.name,
    fixed(row.usPerPacket, 1),
    times(row.usPerPacket, "bare-ws"),
    times(row.usPerPacket, "usual"),
    String(row.callsPerCore),
    fixed(row.packetsPerWrite, 2),
    fixed(row.addedDelayMs, 1),
  ]);
  const more = results.map((row) => [
    row.name,
    fixed(row.rssPerCallKb, 0),
    fixed(row.rssPerQueuedCallKb, 0),
    fixed(row.loopDelayP99Ms, 1),
    String(row.callsShort),
  ]);
  const moreHead = ["", "kB/call", "with 1 s queued", "event loop p99 ms", "calls short of packets"];
  const parts = [
    `CPU time for 20 ms of a two-way call, ${calls} calls at once`,
    alignedTable([head, ...costs], 1),
    "",
    alignedTable([moreHead, ...more], 1),
    "",
    ...pressure.map(
      ({ name, calls: many, latenessP99Ms, latenessMaxMs, goalMs, coresUsed, sendLateP99Ms }) =>
        `${many} calls of ${name}: late p99 ${fixed(latenessP99Ms, 1)} ms (goal ${goalMs}), at most ` +
        `${fixed(latenessMaxMs, 1)} ms; ${fixed(coresUsed, 2)} cores; the load itself late p99 ${fixed(sendLateP99Ms, 1)} ms`,
    ),
  ];
  if (clock !== null) {
    const { seconds, audioPerTime, latenessP99Ms } = clock;
    parts.push(
      `packet clock over ${seconds} s: audio ÷ time ${fixed(audioPerTime, 5)}, late p99 ${fixed(latenessP99Ms, 1)} ms`,
    );
  }
  parts.push(`a timer of an idle process: late p99 ${fixed(idleTimerP99Ms, 1)} ms`);
  return parts.join("\n");
}

/** All figures on one line, for programs. */
export function jsonLine(report: ServerReport): string {
  return JSON.stringify(report, (_key, value) => (typeof value === "number" ? Number(value.toPrecision(6)) : value));
}
