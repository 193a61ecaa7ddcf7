import type { EndOptions, ReportSummary, TransportStats, WavixTransport } from "../call/index.ts";
import { isoOf, nonZero } from "./call-record.ts";

/** How a call stands now, for an operator. Without phone numbers. */
export interface CallSnapshot extends Partial<TransportStats> {
  readonly callId: string | undefined;
  /** `answering` until the answer is in, `waiting` for the socket and its stream, `streaming`, `ending`. */
  readonly state: "answering" | "waiting" | "streaming" | "ending";
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly streamId?: string | undefined;
  readonly unheardMs?: number;
  readonly notes?: Readonly<Record<string, string>>;
  readonly reports?: Readonly<Record<string, ReportSummary>>;
  readonly drops?: Readonly<Record<string, number>>;
  /** The one that carries it, where there are workers. */
  readonly worker?: number;
}

/** A call that is up: one with a token, or an open socket. */
export interface LiveCall {
  readonly callId: string | undefined;
  /** The one that has its audio now. */
  readonly transport: WavixTransport | undefined;
  snapshot(): CallSnapshot;
  end(options: EndOptions): Promise<unknown>;
  /** Traces it from now on; the file's name, undefined when there is none to be had. */
  trace(): string | undefined;
}

/** @param startedAtMs of `performance.now()` */
export function snapshotOf(
  callId: string | undefined,
  state: CallSnapshot["state"],
  startedAtMs: number,
  transport: WavixTransport | undefined,
): CallSnapshot {
  const facts = {
    callId,
    state,
    startedAt: isoOf(startedAtMs),
    durationMs: Math.round(performance.now() - startedAtMs),
  };
  if (transport === undefined) return facts;
  const { streamId, unheardMs, stats, notes, reports, drops } = transport;
  return { ...facts, streamId, unheardMs: Math.round(unheardMs), ...stats, notes, reports, drops: nonZero(drops) };
}
