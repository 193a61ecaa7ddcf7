import type { LoadFigures, Percentiles } from "../simulator/index.ts";

/** What `load` prints; `load --help` says what each figure means. */
export interface LoadReport extends LoadFigures {
  ok: boolean;
  seconds: number;
  processes: number;
  /** How late the load generator sent its packets. */
  sendLatenessP99Ms: number;
  /** The load generator was in time: its figures are the server's. */
  trusted: boolean;
  /** CPU time ÷ time while all calls were up; null where it was not measured. */
  loadCores: number | null;
  serverCores: number | null;
  serverRssMb: number | null;
  /** What was not right, in words. */
  problems: string[];
}

/** The lateness of its own, in ms, up to which the load generator believes its figures: half a packet. */
export const TRUSTED_LATENESS_MS = 10;

/** The report as a person reads it. */
export function describeLoad(report: LoadReport): string {
  const { calls, held, setUpFailures, broken, jitterMs, roundTripMs, markersHeard, markersSaid } = report;
  const times = (values: Percentiles | null) =>
    values === null ? "—" : `p50 ${values.p50} ms, p95 ${values.p95} ms, p99 ${values.p99} ms`;
  const late = report.packetsLate === 0 ? "" : ` (longest gap ${report.longestGapMs} ms)`;
  const cores = (value: number | null) => (value === null ? "—" : value < 1 ? `${value} of a core` : `${value} cores`);
  const rows: [string, string][] = [
    ["calls held", `${held} of ${calls}`],
    ["failed", `${setUpFailures} in the set-up, ${broken} later`],
    ["set-up", times(report.setUpMs)],
    ["packets", `${report.packetsSent} sent, ${report.packetsReceived} received`],
    ["late, lost", `${report.packetsLate} late${late}, ${report.packetsLost} lost`],
    ["jitter", jitterMs === null ? "—" : `${jitterMs.p50} ms in the median call, ${jitterMs.max} ms in the worst`],
    [
      "round trip",
      roundTripMs === null
        ? "not measured: no echo of the markers came back"
        : `${times(roundTripMs)}; ${markersHeard} of ${markersSaid} markers came back`,
    ],
    ["server", report.serverRssMb === null ? "—" : `${cores(report.serverCores)}, ${report.serverRssMb} MB`],
    ["load", `${cores(report.loadCores)} in ${report.processes} process(es), p99 ${report.sendLatenessP99Ms} ms late`],
  ];
  const lines = rows.map(([name, value]) => `  ${name.padEnd(11)} ${value}`);
  if (!report.trusted) {
    lines.push(
      "",
      "The load generator was late itself: late, jitter and round trip are its own rather than the server's.",
      report.packetsSkipped === 0 ? "" : `It left out ${report.packetsSkipped} packets. `,
    );
    lines[lines.length - 1] += "Give it more --processes, more cores, or fewer --calls.";
  }
  const reasons = Object.entries(report.reasons);
  if (reasons.length > 0) {
    lines.push("", "Why calls failed:", ...reasons.map(([reason, count]) => `  ${count} × ${reason}`));
  }
  return lines.join("\n");
}
