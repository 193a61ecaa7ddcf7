import type { CallFacts } from "../../call/index.ts";

/** Room for one call at one bot. */
export interface Seat {
  /** `ws://…` or `wss://…`; may hold a secret. */
  readonly url: string;
  /** To be sent with the upgrade: `authorization`, say. */
  readonly headers: Readonly<Record<string, string>>;
  /** It could not be connected to, in time, while the call was still there; to be called before {@link release}. */
  failed(): void;
  /** The call is over, or never came to be; once. */
  release(): void;
}

/** Where the bots are: one URL or several, processes that are started, Pipecat Cloud. */
export interface Seats {
  /**
   * Seats for a call, the best first; the next one is asked for when one could not be connected to. What was not
   * released by whoever took it stays taken; a seat is taken when it is yielded.
   *
   * @param signal aborted when the call is over or the time for connecting is: waiting for a seat ends then
   * @throws BotError `NO_BOT_FREE`, `BOT_START_FAILED`, `BOT_REFUSED`, `BOT_UNREACHABLE`; ends without one when there is
   * no other, and when the signal is aborted
   */
  offer(facts: CallFacts, signal: AbortSignal): AsyncGenerator<Seat, void, void>;
  /** Counts that only rise, by name. */
  readonly counters?: Readonly<Record<string, number>>;
  /** Stops what it keeps running: checks, and processes, those with a call too. Nothing is offered after it. */
  close(): Promise<void>;
}
