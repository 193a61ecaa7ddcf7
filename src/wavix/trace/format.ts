/**
 * The wire trace of one call: a file of JSON lines, the first a {@link TraceHeader}, every other a {@link TraceStep}, in the
 * order of time. Written by the server, read by whoever plays it back.
 *
 * ```
 * {"format":"pipecat-wavix-trace","version":1,"package":"0.1.0","startedAt":"…","callId":"…","audio":false,"midCall":false}
 * {"ms":0.4,"dir":"in","kind":"webhook","event":"call_setup"}
 * {"ms":58.1,"dir":"out","kind":"rest","operation":"answer","outcome":"ok","tookMs":57.2}
 * {"ms":60.2,"dir":"in","kind":"open","socket":1}
 * {"ms":81,"dir":"in","kind":"text","socket":1,"text":"{…\"payload\":\"\"…}","cuts":[{"at":152,"length":1280,"levelDb":-31.5}]}
 * {"ms":9042,"kind":"end","endedBy":"caller","reason":"stop","lost":0}
 * ```
 */
export const TRACE_FORMAT = "pipecat-wavix-trace";
export const TRACE_VERSION = 1;

/** The longest file that is written, in bytes: half an hour, or six minutes with audio. */
export const MAX_TRACE_BYTES = 64 * 1024 * 1024;

/** The first line. */
export interface TraceHeader {
  readonly format: typeof TRACE_FORMAT;
  readonly version: number;
  /** Version of the package that wrote it. */
  readonly package: string;
  /** ISO 8601, the moment that `ms` is counted from. */
  readonly startedAt: string;
  /** Undefined for a socket without a token. */
  readonly callId?: string;
  /** Whether payloads are kept. */
  readonly audio: boolean;
  /** It was asked for when the call was up: its beginning is missing. */
  readonly midCall: boolean;
}

/** A payload that was cut out of a message. */
export interface Cut {
  /** Where it stood, in UTF-16 units of what is left of the message. */
  readonly at: number;
  /** How many base64 characters are missing; `=` behind them is not. */
  readonly length: number;
  /** Root mean square of its PCM16, in dBFS; absent for silence. */
  readonly levelDb?: number;
}

/** What happened on a socket. A call has one, as a rule; they are counted from 1. */
export type SocketStep = { readonly ms: number; readonly dir: "in" | "out"; readonly socket: number } & (
  | { readonly kind: "open" }
  /** A text message, redacted: see `redact`. */
  | { readonly kind: "text"; readonly text: string; readonly cuts?: readonly Cut[] }
  /** A binary message; its bytes as base64 where audio is kept. */
  | { readonly kind: "binary"; readonly byteLength: number; readonly base64?: string }
  /** Out: the server closes. In: it is closed; 1005 without a code, 1006 without a close frame. */
  | { readonly kind: "close"; readonly code: number }
);

/** A line behind the first. `ms` is the time since `startedAt`. */
export type TraceStep =
  | SocketStep
  | { readonly ms: number; readonly dir: "in"; readonly kind: "webhook"; readonly event: string }
  /** A request that has ended: `ok`, or the code of its error. */
  | {
      readonly ms: number;
      readonly dir: "out";
      readonly kind: "rest";
      readonly operation: string;
      readonly outcome: string;
      readonly tookMs: number;
    }
  /** The last: the call is over. `lost`: lines that are missing, because the disk was slow or the file full. */
  | {
      readonly ms: number;
      readonly kind: "end";
      readonly endedBy: string;
      readonly reason: string;
      readonly lost: number;
    };
