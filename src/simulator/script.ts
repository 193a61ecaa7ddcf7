import type { CallTally } from "./tally.ts";

/** A message of a {@link CallScript}. */
export interface ScriptedMessage {
  /** When it is sent, in ms from the opening of the socket. */
  atMs: number;
  /** A string goes out as a text frame, bytes as a binary one; as they are, be they wrong or not. */
  data: string | Uint8Array;
}

/**
 * What a call's stream says instead of what Wavix would: these messages at these moments and no others, no `start`, no
 * echoes of marks; a `stop` when the call ends, unless it has said one itself. What the server sends is played, counted and recorded as ever.
 */
export interface CallScript {
  /** The id the messages have; those of the server with another one are dropped. */
  streamId: string;
  /** In the order of time. Taken one by one, so that a long script need not lie in memory. */
  messages: Iterable<ScriptedMessage>;
  /** How the socket ends after the last message: a close code, or `"cut"` without a close frame. Default: with the call. */
  close?: { atMs: number; code: number | "cut" };
}

/** What plays a script onto a socket. */
export interface ScriptStage {
  /** False when the server reads so slowly that the message has to be left out. */
  send(data: string | Uint8Array): boolean;
  close(code: number | "cut"): void;
}

// A timer's longest is shorter than a script may be.
const LONGEST_WAIT_MS = 60_000;
const MEDIA = /"event"\s*:\s*"media"/;
const STOP = /"event"\s*:\s*"stop"/;

/** Plays one script, by absolute deadlines: a late message does not delay those behind it. */
export class ScriptPlayer {
  saidStop = false;
  readonly #script: CallScript;
  readonly #messages: Iterator<ScriptedMessage>;
  readonly #stage: ScriptStage;
  readonly #tally: CallTally;
  readonly #startMs = performance.now();
  #next: ScriptedMessage | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Begins at once. */
  constructor(script: CallScript, stage: ScriptStage, tally: CallTally) {
    this.#script = script;
    this.#messages = script.messages[Symbol.iterator]();
    this.#stage = stage;
    this.#tally = tally;
    this.#take();
    this.#run();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#next = undefined;
    this.#messages.return?.();
  }

  #take(): void {
    const { done, value } = this.#messages.next();
    this.#next = done ? undefined : value;
  }

  readonly #run = (): void => {
    const nowMs = performance.now() - this.#startMs;
    while (this.#next !== undefined && this.#next.atMs <= nowMs) {
      const { atMs, data } = this.#next;
      this.#take();
      const isMedia = typeof data === "string" && MEDIA.test(data);
      const sent = this.#stage.send(data);
      this.saidStop ||= typeof data === "string" && STOP.test(data);
      if (!isMedia) continue;
      if (!sent) this.#tally.skippedPackets += 1;
      else {
        this.#tally.sentPackets += 1;
        this.#tally.sendLateness.add(nowMs - atMs);
      }
    }
    const { close } = this.#script;
    const dueMs = this.#next?.atMs ?? close?.atMs;
    if (dueMs === undefined) return;
    if (this.#next === undefined && dueMs <= nowMs) this.#stage.close(close!.code);
    else this.#timer = setTimeout(this.#run, Math.min(LONGEST_WAIT_MS, Math.max(1, Math.ceil(dueMs - nowMs))));
  };
}
