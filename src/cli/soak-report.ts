import { type Flatness, flatnessOf } from "./flatness.ts";
import type { Account } from "./soak-accounts.ts";
import type { SoakEnd } from "./soak-calls.ts";

/** What `soak` prints; `soak --help` says what is right. */
export interface SoakReport {
  ok: boolean;
  minutes: number;
  calls: number;
  callsEnded: number;
  /** How many calls there were of each kind. */
  ends: Record<SoakEnd, number>;
  toServer: Account;
  fromServer: Account;
  /** Sockets that were cut because their end took more than two seconds: something was slow. */
  slowCloses: number;
  /** Null where it was too short to say. */
  heap: Flatness | null;
  rss: Flatness | null;
  /** The server's at the end of the calls. */
  heapMb: number | null;
  rssMb: number | null;
  problems: string[];
}

/** Shorter than that, what is still warming up cannot be told from what grows. */
const SHORTEST_JUDGED_MS = 90_000;
const WARM_UP_MS = 20_000;

const mb = (bytes: number) => Number((bytes / 1e6).toFixed(1));

/** The server's memory over the time, and what is wrong with it. */
export function judgeMemory(
  samples: readonly { atMs: number; heapBytes: number; rssBytes: number }[],
  durationMs: number,
): { memory: Pick<SoakReport, "heap" | "rss" | "heapMb" | "rssMb">; problems: string[] } {
  const last = samples.at(-1);
  const warmUpMs = Math.max(WARM_UP_MS, durationMs / 5);
  const judge = (of: "heapBytes" | "rssBytes", share: number, allowance: number) =>
    durationMs < SHORTEST_JUDGED_MS
      ? null
      : flatnessOf(
          samples.map((sample) => ({ atMs: sample.atMs, bytes: sample[of] })),
          warmUpMs,
          share,
          allowance,
        );
  const heap = judge("heapBytes", 0.05, 2e6);
  const rss = judge("rssBytes", 0.1, 8e6);
  const problems = Object.entries({ heap, "resident memory": rss }).flatMap(([name, flatness]) =>
    flatness === null || flatness.flat ? [] : [`the server's ${name} grew from ${described(flatness)}`],
  );
  return {
    memory: { heap, rss, heapMb: last ? mb(last.heapBytes) : null, rssMb: last ? mb(last.rssBytes) : null },
    problems,
  };
}

/** The report as a person reads it. */
export function describeSoak(report: SoakReport): string {
  const { toServer, fromServer, slowCloses, heap, rss, heapMb, rssMb, ends } = report;
  const account = ({ sent, received, reportedLost, onCutSockets, unaccounted }: Account) =>
    `${sent} sent = ${received} received + ${reportedLost} left out + ${onCutSockets} on cut sockets` +
    (unaccounted === 0 ? "" : `; ${unaccounted} UNACCOUNTED FOR`);
  const memory = (flatness: Flatness | null, atEnd: number | null) =>
    flatness === null ? `${atEnd ?? "—"} MB at the end; too short to be judged` : described(flatness);
  const rows: [string, string][] = [
    ["calls", `${report.callsEnded} in ${report.minutes} min, ${report.calls} at once`],
    [
      "ended by",
      Object.entries(ends)
        .map(([end, count]) => `${end} ${count}`)
        .join(", "),
    ],
    ["to the bot", account(toServer)],
    ["to the caller", account(fromServer)],
    ...(slowCloses === 0
      ? []
      : [["slow", `${slowCloses} sockets were cut because their end took more than 2 s`] as [string, string]]),
    ["heap", memory(heap, heapMb)],
    ["resident", memory(rss, rssMb)],
  ];
  const lines = rows.map(([name, value]) => `  ${name.padEnd(13)} ${value}`);
  lines.push("", report.ok ? "All of it was right." : `Not right:\n  ${report.problems.join("\n  ")}`);
  return lines.join("\n");
}

function described({ earlyBytes, lateBytes, boundBytes, bytesPerHour }: Flatness): string {
  return `${mb(earlyBytes)} to ${mb(lateBytes)} MB (bound ${mb(boundBytes)} MB; slope ${mb(bytesPerHour)} MB an hour)`;
}
