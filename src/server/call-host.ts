import type { CallEvent } from "../wavix/control/index.ts";
import type { CallRecord } from "./call-record.ts";
import type { CallFigures } from "./figures.ts";
import type { CallSnapshot } from "./live-call.ts";
import type { TakeSocket } from "./upgrade.ts";

/** A call that was let in: what its webhook says of it, and where its stream is to go. */
export interface NewCall {
  readonly callId: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** `wss://…/ws/<token>`, signed for this call. */
  readonly streamUrl: string;
}

/** A stream token that was verified: good until its stream has started, and no longer than it lives. */
export interface StreamToken {
  readonly tokenId: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** What a host tells of its calls. */
export interface HostEvents {
  /** A stream has started: its token is good for no other socket. */
  tokenUsed(callId: string, token: StreamToken): void;
  /**
   * The call, or the open socket, is over and everything of it has been given back; its host has forgotten it. Without a
   * record it never began: no WebSocket came of an open socket.
   */
  ended(key: string, record: CallRecord | undefined): void;
}

/** The calls of a host as they stand now. */
export interface Snapshots {
  readonly calls: readonly CallSnapshot[];
  /** Workers that did not say what calls they have; absent when there is none. */
  readonly workersMissing?: number;
}

/** Whether there is such a call, and the file of its trace; without one there is no room. */
export interface TraceAnswer {
  readonly known: boolean;
  readonly file?: string | undefined;
  /** Workers that did not say whether it is theirs. */
  readonly workersMissing?: number | undefined;
}

/**
 * Where calls live: in this process (`LocalHost`), or in workers (`WorkerPool`). It is told what to do by the desk, which
 * knows who may come in.
 *
 * A call is known by its id. A socket without a token has a key that no call id can be.
 */
export interface CallHost {
  /** Calls that are up, and open sockets. */
  readonly size: number;
  /** Whether there is a process for one more call. */
  readonly up: boolean;
  /** How late the process that would get the next call has been all the time, in ms; beyond the front door's own. */
  readonly sustainedDelayMs: number;
  has(key: string): boolean;
  /** Whether the call is up and a socket may still come, or a newer one. */
  awaitsSocket(callId: string): boolean;
  /** @throws ServerError when it can carry no calls, or cannot trace them as it is to */
  start(): Promise<void>;
  /** Has the call answered. */
  begin(call: NewCall): void;
  /** A later webhook of one of its calls. */
  event(event: CallEvent): void;
  /** For a socket with this token, which belongs to this call. */
  attach(callId: string, token: StreamToken): TakeSocket;
  /** For a socket without a token. */
  open(key: string): TakeSocket;
  /** Ends all calls now; `HostEvents.ended` tells when each is over on both sides. */
  endAll(reason: string): void;
  snapshots(): Promise<Snapshots>;
  /**
   * Ends a call as its bot would: what was said is heard first. Settles when that has begun.
   *
   * @returns whether there is such a call
   */
  hangUp(callId: string, reason: string): Promise<boolean>;
  /** Traces a call from now on. */
  trace(callId: string): Promise<TraceAnswer>;
  figures(): Promise<CallFigures>;
  /** Once there is no call. It may be started again. */
  close(): Promise<void>;
  /** Gives back what its bots hold, where these are in this process; for good, and once. */
  releaseBots?(): Promise<void>;
}
