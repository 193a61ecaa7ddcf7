import { type RawData, WebSocket } from "ws";
import { placeOf } from "./bot-socket.ts";
import type { BridgeCounters } from "./counters.ts";
import { BotError } from "./errors.ts";
import type { FoundBot } from "./find-bot.ts";
import type { Protocol } from "./protocol.ts";

/** Eight seconds of audio at 16 kHz: five from before the bot was there, and three that it takes too late to be answered. */
const MAX_BACKLOG_BYTES = 262_144;
/** Answers to what it sends come on top. With so much that it has not taken it is given up. */
const HOPELESS_BACKLOG_BYTES = 1_048_576;
/** A bot that gives no sign of life from one of these looks to the next, or takes nothing in the meantime, hangs. */
const LOOK_MS = 10_000;
/** How long a bot may take to close its side. */
const CLOSE_MS = 2_000;

/** Closed in peace: with 1000, or without a code. */
const IN_PEACE: ReadonlySet<number> = new Set([1000, 1005]);

/** What is said between one call and one bot, on one socket. */
export class Conversation {
  /**
   * Settles when the socket is closed: with nothing when the bot ended in peace or the call is over, else with what
   * happened. Rejects with what was thrown over a message of the bot.
   */
  readonly over: Promise<BotError | undefined>;
  readonly #socket: WebSocket;
  readonly #place: string;
  readonly #counters: BridgeCounters;
  #protocol: Protocol | undefined;
  #settle!: (error: BotError | undefined) => void;
  #reject!: (error: unknown) => void;
  /** The call is over, or the bot was given up: what it still says counts no more. */
  #isOver = false;
  #hasSpoken = false;
  /** Since the last look: a message or pong came, a message was taken. */
  #isAlive = true;
  #hasRoom = true;
  readonly #looking: ReturnType<typeof setInterval>;
  #closing: ReturnType<typeof setTimeout> | undefined;

  constructor({ seat, socket }: FoundBot, counters: BridgeCounters) {
    this.#socket = socket;
    this.#place = placeOf(seat.url);
    this.#counters = counters;
    this.over = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#reject = reject;
    });
    this.#looking = setInterval(this.#look, LOOK_MS);
    socket.on("message", this.#onMessage);
    socket.on("pong", () => {
      this.#isAlive = true;
    });
    socket.once("close", this.#onClose);
  }

  /** Begins to talk. */
  begin(protocol: Protocol): void {
    this.#protocol = protocol;
    protocol.opened();
    this.#socket.resume();
  }

  send(data: string | Uint8Array): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(data, { binary: typeof data !== "string", compress: false });
  }

  /** The caller's audio, which is dropped while the bot does not take what it has got. */
  hear(samples: Int16Array): void {
    const { bufferedAmount, readyState } = this.#socket;
    if (readyState !== WebSocket.OPEN || bufferedAmount > MAX_BACKLOG_BYTES) {
      this.#counters.caller_packets_dropped++;
      if (readyState === WebSocket.CLOSING) this.#hasToClose();
      else if (bufferedAmount > HOPELESS_BACKLOG_BYTES) this.#stalled("sends, but takes nothing");
      return;
    }
    this.#hasRoom = true;
    this.#protocol?.audio(samples);
  }

  /** Has the bot's socket rest while it is too far ahead of the caller's ear. */
  rest(resting: boolean): void {
    if (resting) this.#socket.pause();
    else this.#socket.resume();
  }

  /** The call is over: says so, and closes with 1000. */
  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#protocol?.callOver();
    // Else its side of the close would not be read.
    this.#socket.resume();
    this.#socket.close(1000);
    this.#hasToClose();
  }

  /** Both have said that they close, or this side has: what is left is the bot's to do, in time. */
  #hasToClose(): void {
    this.#closing ??= setTimeout(() => this.#socket.terminate(), CLOSE_MS);
  }

  readonly #onMessage = (data: RawData, isBinary: boolean): void => {
    this.#isAlive = true;
    this.#hasSpoken = true;
    if (this.#isOver) return;
    try {
      this.#protocol?.received(data as Buffer, isBinary);
    } catch (error) {
      // The codec met a trap: this call ends, and not the process.
      this.#reject(error);
      this.#giveUp();
    }
  };

  readonly #onClose = (code: number): void => {
    clearInterval(this.#looking);
    clearTimeout(this.#closing);
    const wasOver = this.#isOver;
    this.#isOver = true;
    if (wasOver) this.#settle(undefined);
    else if (!IN_PEACE.has(code)) this.#settle(this.#gone(`is gone (close code ${code}); its own log may say why`));
    else if (!this.#hasSpoken) this.#settle(this.#gone("closed the socket without a word; its own log may say why"));
    else this.#settle(undefined);
  };

  readonly #look = (): void => {
    // One that rests cannot be heard, one that closes says no more.
    if (this.#socket.isPaused || this.#socket.readyState !== WebSocket.OPEN) return;
    if (!this.#isAlive || (!this.#hasRoom && this.#socket.bufferedAmount > 0)) {
      const why = this.#isAlive ? "takes no audio" : "gives no sign of life";
      this.#stalled(why);
      return;
    }
    this.#isAlive = false;
    this.#hasRoom = this.#socket.bufferedAmount === 0;
    this.#socket.ping();
  };

  #stalled(why: string): void {
    this.#settle(new BotError("BOT_STALLED", `the bot ${this.#place} ${why}`));
    this.#giveUp();
  }

  #giveUp(): void {
    this.#isOver = true;
    this.#socket.terminate();
  }

  #gone(what: string): BotError {
    return new BotError("BOT_GONE", `the bot ${this.#place} ${what}`);
  }
}
