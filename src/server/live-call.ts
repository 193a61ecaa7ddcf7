import type { EndOptions, TransportStats, WavixTransport } from "../call/index.ts";

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
  readonly drops?: Readonly<Record<string, number>>;
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
