import type { CallRecord } from "./call-record.ts";

/** Reasons that are counted by name. A bot may hang up with any word: the others are `other`, so that a label is bounded. */
const REASONS: ReadonlySet<string> = new Set([
  ...["bot-ended", "bot-failed", "hang-up", "cancelled", "stop", "socket-closed", "socket-stalled", "flooded"],
  ...["call-over", "codec-failed", "no-start", "no-socket", "no-media", "no-pong", "idle", "too-long", "replaced"],
  ...["wrong-call", "unverified", "answer-failed", "stream-failed", "drain", "shutdown"],
  ...["completed", "busy", "cancelled", "rejected", "failed", "post-call"],
]);

/** What the calls that have ended amount to: plain numbers, so that counting costs nothing until somebody asks. */
export class CallTotals {
  /** By `endedBy`, then by reason. */
  readonly ended = new Map<CallRecord["endedBy"], Map<string, number>>();
  packetsIn = 0;
  packetsOut = 0;
  interruptions = 0;
  starvations = 0;
  /** Messages, packets and frames that came to nothing, by cause. */
  readonly dropped = new Map<string, number>();

  add(record: CallRecord): void {
    const reasons = this.ended.get(record.endedBy) ?? new Map<string, number>();
    this.ended.set(record.endedBy, reasons);
    addTo(reasons, REASONS.has(record.reason) ? record.reason : "other", 1);
    this.packetsIn += record.packetsIn ?? 0;
    this.packetsOut += record.packetsOut ?? 0;
    this.interruptions += record.interruptions ?? 0;
    this.starvations += record.starvations ?? 0;
    addDrops(this.dropped, record, record.drops);
  }
}

/** All that a call lost on the way, under one name per cause. The causes are those of the serializer and of the transport. */
export function addDrops(
  totals: Map<string, number>,
  stats: Partial<CallRecord>,
  drops: Readonly<Record<string, number>> = {},
): void {
  for (const [cause, count] of Object.entries(drops)) addTo(totals, cause, count);
  addTo(totals, "rate", stats.messagesDropped ?? 0);
  addTo(totals, "binary", stats.binaryMessages ?? 0);
  addTo(totals, "not-read", stats.framesDropped ?? 0);
  addTo(totals, "not-drained", stats.packetsDropped ?? 0);
}

function addTo(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}
