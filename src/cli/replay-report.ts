import { type CallReport, PlaybackBuffer, streamSteps } from "../simulator/index.ts";
import type { SocketStep, Trace } from "../wavix/trace/index.ts";

/** What one side of the comparison amounts to. */
export interface ReplayCounts {
  /** From the caller: packets, and all messages. */
  packetsIn: number;
  messagesIn: number;
  /** To the caller. */
  packetsOut: number;
  marks: number;
  clears: number;
  /** Messages to the caller that are none of these. */
  others: number;
  /** Times the caller ran dry and audio resumed within 500 ms. */
  gaps: number;
  longestGapMs: number;
  /** The server hung up over REST. */
  hungUp: boolean;
  /** Who closed the socket first, and with which code; null where nobody did. */
  closedBy: "wavix" | "server" | null;
  closeCode: number | null;
}

/** How a replay went, for people and machines. */
export interface ReplayFigures {
  ok: boolean;
  traced: ReplayCounts;
  replayed: ReplayCounts;
  /** Names of the counts that are not alike. Packets and gaps depend on the clock too: a few are no sign of anything. */
  differences: string[];
  /** What kept it from being a replay, in words. */
  problems: string[];
}

/** What the server did in the recorded call. */
export function countsOf(trace: Trace): ReplayCounts {
  const steps = streamSteps(trace);
  const texts = (dir: "in" | "out") => steps.filter((step) => step.dir === dir && step.kind === "text");
  const events = (dir: "in" | "out", event: string) => texts(dir).filter((step) => eventOf(step) === event).length;
  const messages = (dir: "in" | "out") => steps.filter(({ dir: its, kind }) => its === dir && /text|binary/.test(kind));
  const [closing] = steps.filter((step) => step.kind === "close");
  const [packetsOut, marks, clears] = [events("out", "media"), events("out", "mark"), events("out", "clear")];
  return {
    packetsIn: events("in", "media"),
    messagesIn: messages("in").length,
    packetsOut,
    marks,
    clears,
    others: messages("out").length - packetsOut - marks - clears,
    ...gapsOf(steps),
    hungUp: trace.steps.some((step) => step.kind === "rest" && step.operation === "hangUp" && step.outcome === "ok"),
    closedBy: closing === undefined ? null : closing.dir === "out" ? "server" : "wavix",
    closeCode: closing?.kind === "close" ? closing.code : null,
  };
}

/** The same of the call that was placed. */
export function countsOfReplay({ sent, received, playout, ...report }: CallReport, messagesIn: number): ReplayCounts {
  return {
    packetsIn: sent.packets,
    messagesIn,
    packetsOut: received.packets,
    marks: received.marks,
    clears: received.clears,
    others: received.invalidMessages + received.mismatchedStreamIds,
    gaps: playout.gaps,
    longestGapMs: Math.round(playout.longestGapMs),
    hungUp: report.hungUpOverRest,
    closedBy: report.closedBy === null ? null : report.closedBy === "server" ? "server" : "wavix",
    closeCode: report.closeCode,
  };
}

/** Names of the counts in which the two are not alike. */
export function differencesOf(traced: ReplayCounts, replayed: ReplayCounts): string[] {
  return (Object.keys(traced) as (keyof ReplayCounts)[]).filter((name) => traced[name] !== replayed[name]);
}

/** Both sides as a person reads them. */
export function describeReplay({ traced, replayed, differences }: ReplayFigures): string {
  const rows: [string, (counts: ReplayCounts) => string][] = [
    ["from the caller", ({ packetsIn, messagesIn }) => `${packetsIn} packets in ${messagesIn} messages`],
    ["to the caller", ({ packetsOut }) => `${packetsOut} packets`],
    ["marks, clears", ({ marks, clears, others }) => `${marks}, ${clears}${others === 0 ? "" : `; ${others} others`}`],
    ["gaps heard", ({ gaps, longestGapMs }) => (gaps === 0 ? "none" : `${gaps}, the longest ${longestGapMs} ms`)],
    ["hung up", ({ hungUp }) => (hungUp ? "by the server" : "by the caller")],
    ["socket closed", ({ closedBy, closeCode }) => (closedBy === null ? "—" : `by ${closedBy}, ${closeCode}`)],
  ];
  const width = 32;
  const lines = rows.map(([name, cell]) => `  ${name.padEnd(15)} ${cell(traced).padEnd(width)} ${cell(replayed)}`);
  const head = `  ${"".padEnd(15)} ${"traced".padEnd(width)} replayed`;
  return [head, ...lines, "", differences.length === 0 ? "Alike." : `Not alike: ${differences.join(", ")}.`].join("\n");
}

/** What the caller would have heard of gaps: the messages' moments, played as Wavix plays them. */
function gapsOf(steps: readonly SocketStep[]): Pick<ReplayCounts, "gaps" | "longestGapMs"> {
  let nowMs = steps[0]?.ms ?? 0;
  const playback = new PlaybackBuffer({ now: () => nowMs, onMark: () => {} });
  for (const step of steps) {
    if (step.dir !== "out" || step.kind !== "text") continue;
    nowMs = step.ms;
    const event = eventOf(step);
    if (event === "clear") playback.clear();
    // Packets of the server have 20 ms.
    else if (event === "media") playback.push(new Int16Array(480));
  }
  return { gaps: playback.gaps, longestGapMs: Math.round((playback.longestGapSamples * 1_000) / 24_000) };
}

function eventOf(step: SocketStep): string | undefined {
  return step.kind === "text" ? /"event"\s*:\s*"([^"]*)"/.exec(step.text)?.[1] : undefined;
}
