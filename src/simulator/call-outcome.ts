import type { MarkersHeard } from "./markers.ts";
import type { CallReport, WebhookDelivery } from "./model.ts";
import { PACKET_MS } from "./wire-audio.ts";

/** How one call of a load test went: plain data. */
export interface CallOutcome {
  /** `held`: streamed until its caller hung up. `not-set-up`: no stream came. `broken`: it was over before its time. */
  result: "held" | "not-set-up" | "broken";
  /** What was wrong, in a line; empty for a call that was held. */
  reason: string;
  /** When it was over, in ms of the wall clock: the clocks of several processes agree on that one. */
  endedAt: number;
  /** From the first webhook to the open stream; `null` without one. */
  setUpMs: number | null;
  packetsSent: number;
  /** Packets the server did not take, and packets it sent that found the playback buffer full. */
  packetsLost: number;
  /** Packets that were never sent because the load generator stalled. */
  packetsSkipped: number;
  packetsReceived: number;
  /** Packets that came when the caller had run dry in mid-utterance: a gap was heard. */
  packetsLate: number;
  longestGapMs: number;
  jitterMs: number;
  invalidMessages: number;
  markers: MarkersHeard;
}

/**
 * What a finished call of a load test amounts to.
 *
 * @param announced the outcome of its first webhook
 * @example
 * const { result, reason } = outcomeOf(await call.ended, await call.announced, ear.markers(durationMs));
 */
export function outcomeOf(report: CallReport, announced: WebhookDelivery | null, markers: MarkersHeard): CallOutcome {
  const { times, sent, received, playout } = report;
  const refused = refusalOf(announced);
  const setUpMs = times.socketMs;
  const reason = setUpMs === null ? (refused ?? whyNoStream(report)) : whyBroken(report);
  return {
    result: setUpMs === null ? "not-set-up" : reason === "" ? "held" : "broken",
    reason,
    endedAt: Date.now(),
    setUpMs,
    packetsSent: sent.packets,
    packetsLost: sent.untakenPackets + Math.ceil(playout.droppedMs / PACKET_MS),
    packetsSkipped: sent.skippedPackets - sent.untakenPackets,
    packetsReceived: received.packets,
    packetsLate: playout.gaps,
    longestGapMs: playout.longestGapMs,
    jitterMs: received.jitterMs,
    invalidMessages: received.invalidMessages + received.offSizePackets,
    markers,
  };
}

/**
 * Why a server does not take a call, read off its reply to the first webhook; `null` when it seems to. A status other than
 * 200 is a refusal to Wavix; `{"accepted": false, "reason": …}` is this package's own word for it.
 */
export function refusalOf(announced: WebhookDelivery | null): string | null {
  if (announced === null) return null;
  const { status, error, reply } = announced;
  if (status === null) return `no reply to the webhook (${error})`;
  if (status !== 200) return `the webhook was answered with ${status}`;
  try {
    const { accepted, reason }: { accepted?: unknown; reason?: unknown } = Object(JSON.parse(reply));
    return accepted === false && reason !== "duplicate" ? `not accepted: ${clip(reason)}` : null;
  } catch {
    return null;
  }
}

function whyNoStream({ endedBy, times, streamError }: CallReport): string {
  if (streamError !== null) return `the stream could not be opened (${streamError})`;
  if (endedBy === "unanswered") return "not answered in time";
  if (endedBy === "rest") return "hung up by the server during the set-up";
  return times.answeredMs === null ? "stopped before it was answered" : "answered, but no stream was asked for";
}

function whyBroken({ endedBy, closedBy, closeCode }: CallReport): string {
  if (endedBy === "rest") return "hung up by the server";
  if (endedBy === "stream") return "a second stream could not be opened";
  if (closedBy === "cut") return "the stream's socket broke";
  if (closedBy === "server" && endedBy !== "caller") return `the server closed the stream's socket (${closeCode})`;
  return "";
}

// What a server says ends on a terminal.
function clip(text: unknown): string {
  return typeof text === "string" ? text.replace(/[^ -~]/g, "?").slice(0, 80) : "no reason given";
}
