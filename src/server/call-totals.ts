import type { CallRecord } from "./call-record.ts";

/** Reasons that are counted by name. A bot may hang up with any word: the others are `other`, so that a label is bounded. */
const REASONS: ReadonlySet<string> = new Set([
  ...[
    "bot-ended",
    "bot-failed",
    "hang-up",
    "goodbye",
    "cancelled",
    "stop",
    "socket-closed",
    "socket-stalled",
    "flooded",
  ],
  ...["call-over", "codec-failed", "no-start", "no-socket", "no-media", "no-pong", "idle", "too-long", "replaced"],
  ...["wrong-call", "unverified", "answer-failed", "stream-failed", "drain", "shutdown", "worker-died"],
  ...["completed", "busy", "cancelled", "rejected", "failed", "post-call"],
]);

/** How calls ended: plain numbers, so that counting costs nothing until somebody asks. */
export class CallTotals {
  /** By `endedBy`, then by reason. */
  readonly ended = new Map<CallRecord["endedBy"], Map<string, number>>();

  add({ endedBy, reason }: CallRecord): void {
    const reasons = this.ended.get(endedBy) ?? new Map<string, number>();
    this.ended.set(endedBy, reasons);
    const name = REASONS.has(reason) ? reason : "other";
    reasons.set(name, (reasons.get(name) ?? 0) + 1);
  }
}
