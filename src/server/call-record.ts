import type { CallEnd, ReportSummary, TransportStats, WavixTransport } from "../call/index.ts";
import { WavixApiError } from "../wavix/control/index.ts";

/** An error in a log: what and where, without the fields of foreign errors, which may hold anything. */
export interface ErrorFacts {
  readonly name: string;
  readonly code?: string;
  readonly message: string;
  readonly stack?: string;
}

/** How one call went: the line «call ended» of the log, and a line of the call detail records. Without phone numbers. */
export interface CallRecord extends Partial<TransportStats> {
  /** Undefined for a socket without a token that never named one. */
  readonly callId: string | undefined;
  /** ISO 8601, when the server first heard of the call. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly endedBy: CallEnd["endedBy"];
  readonly reason: string;
  readonly error?: ErrorFacts;
  readonly durationMs: number;
  /** From the stream's start; absent when none came. */
  readonly streamMs?: number;
  /** Its `start` named another call than its token. */
  readonly startNamedAnother?: true;
  /** What bots have noted of it, by name: `bot` is where the Pipecat bot is that has the call, or had it last. */
  readonly notes?: Readonly<Record<string, string>>;
  /** What bots have reported of it, by name: `{ turn: { count: 5, answerMs: { p50: 812, max: 1240 } } }`. */
  readonly reports?: Readonly<Record<string, ReportSummary>>;
  /** Messages that came to nothing, by cause. */
  readonly drops?: Readonly<Record<string, number>>;
}

/** What a record is made of. Moments are of `performance.now()`. */
export interface CallCourse {
  readonly callId: string | undefined;
  readonly end: CallEnd;
  readonly startedAtMs: number;
  readonly streamingAtMs: number | undefined;
  readonly transport: WavixTransport | undefined;
  readonly startNamedAnother?: boolean;
}

/** The record of a call that has ended just now. */
export function recordOf({ callId, end, startedAtMs, streamingAtMs, transport, ...rest }: CallCourse): CallRecord {
  const nowMs = performance.now();
  const drops = nonZero(transport?.drops ?? {});
  const { notes = {}, reports = {} } = transport ?? {};
  return {
    callId,
    startedAt: isoOf(startedAtMs),
    endedAt: isoOf(nowMs),
    endedBy: end.endedBy,
    reason: end.reason,
    ...(end.error === undefined ? {} : { error: describe(end.error) }),
    durationMs: Math.round(nowMs - startedAtMs),
    ...(streamingAtMs === undefined ? {} : { streamMs: Math.round(nowMs - streamingAtMs) }),
    ...transport?.stats,
    ...(rest.startNamedAnother ? { startNamedAnother: true } : {}),
    ...(Object.keys(notes).length === 0 ? {} : { notes }),
    ...(Object.keys(reports).length === 0 ? {} : { reports }),
    ...(Object.keys(drops).length === 0 ? {} : { drops }),
  };
}

/** The counts that are not 0. */
export function nonZero(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

/** A moment of `performance.now()` as people and databases write it. */
export function isoOf(atMs: number): string {
  return new Date(performance.timeOrigin + atMs).toISOString();
}

/** An error for a log line; also one that cannot be read, since bots may throw anything. */
export function describe(error: unknown): ErrorFacts {
  try {
    return factsOf(error);
  } catch {
    return { name: "Error", message: "unreadable" };
  }
}

function factsOf(error: unknown): ErrorFacts {
  if (!(error instanceof Error)) return { name: "Error", message: typeof error };
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === "string" ? { code } : {}),
    // What a bot throws is looked for in its source; errors of Wavix's side have nothing to look at.
    ...(error instanceof WavixApiError || error.stack === undefined ? {} : { stack: error.stack }),
  };
}
