import type { CartesiaRequest } from "./cartesia-request.ts";
import { type StandInVoice, standInSpeech } from "./cartesia-voice.ts";

/** What goes wrong in one context; nothing has to. Times are of its audio: after so much of it was sent. */
export interface CartesiaContextFault {
  /** Never answers. */
  readonly isSilent?: boolean;
  /** Falls silent in mid-speech. */
  readonly stallAfterMs?: number;
  /** An error event, and no more. */
  readonly errorAfterMs?: number;
  readonly error?: { readonly statusCode: number; readonly title: string; readonly message?: string };
  /** Closes the connection with `closeCode`, or drops it without a word when there is none. */
  readonly closeAfterMs?: number;
  readonly closeCode?: number;
  /** Messages put in as they are: malformed ones, unknown events. */
  readonly insertAfterMs?: number;
  readonly insert?: readonly string[];
  /** No `done`. */
  readonly withholdDone?: boolean;
}

/** How a context is spoken. */
export interface CartesiaDelivery extends StandInVoice {
  /** Speech per time: 1 is real time. Default 10. */
  readonly speed?: number;
  /** From a transcript to its first chunk, in ms. Default 40. */
  readonly firstChunkMs?: number;
  /** Audio in a chunk, in ms. Default 50. */
  readonly chunkMs?: number;
  /** Chunks of an odd number of bytes: samples cut in half. Default false. */
  readonly oddChunks?: boolean;
  /** Words with their audio, all of them before it, or none. Default "with-audio". */
  readonly timestamps?: "with-audio" | "early" | "none";
  /** Words without their punctuation. Default false. */
  readonly bareWords?: boolean;
  /** `flush_done` behind a transcript that is spoken at once. Default true. */
  readonly flushDone?: boolean;
  /** A context that is still open expires so long after its last audio, in ms. Default 1000, as published. */
  readonly expiryMs?: number;
}

type Generation = Extract<CartesiaRequest, { kind: "generate" }>;

/** What a context needs of its connection. */
export interface ContextConnection {
  send(message: Record<string, unknown>): void;
  insert(text: string): void;
  close(code: number | undefined): void;
  problem(text: string): void;
  over(contextId: string): void;
}

/** Of what a client may have said: bounds of the stand-in's own. */
const MAX_WAITING = 1_000;
const MAX_TRANSCRIPT = 20_000;

/** A context: what is said in it is one flow of speech, in the order of its transcripts. */
export class CartesiaContext {
  readonly #id: string;
  readonly #settings: string;
  readonly #sampleRate: number;
  readonly #delivery: CartesiaDelivery;
  readonly #fault: CartesiaContextFault;
  readonly #connection: ContextConnection;
  /** Transcripts that wait for their turn. */
  readonly #waiting: { text: string; hasFlush: boolean; addTimestamps: boolean }[] = [];
  #buffered = "";
  #isOpen = true;
  #isSpeaking = false;
  #isExpired = false;
  #isOver = false;
  #hasInserted = false;
  #flushId = 0;
  /** Speech sent so far, in bytes. */
  #sentBytes = 0;
  #bufferTimer: ReturnType<typeof setTimeout> | undefined;
  #speechTimer: ReturnType<typeof setTimeout> | undefined;
  #expiryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    first: Generation,
    delivery: CartesiaDelivery,
    fault: CartesiaContextFault,
    connection: ContextConnection,
  ) {
    this.#id = first.contextId;
    this.#settings = first.settings;
    this.#sampleRate = first.sampleRate;
    this.#delivery = delivery;
    this.#fault = fault;
    this.#connection = connection;
  }

  take(request: Generation): void {
    if (this.#isExpired) {
      // «Attempting to send another input on the same context ID after expiry is not supported»: no answer is published.
      this.#connection.problem(`context ${this.#id} has expired`);
      return;
    }
    if (!this.#isOpen) {
      this.#connection.problem(`context ${this.#id} was finished by its last request`);
      return;
    }
    if (request.settings !== this.#settings) {
      this.#connection.problem(`context ${this.#id} changed its settings`);
    }
    if (this.#waiting.length >= MAX_WAITING || request.transcript.length > MAX_TRANSCRIPT) {
      this.#connection.problem(`context ${this.#id} was given too much to say`);
      return;
    }
    clearTimeout(this.#expiryTimer);
    clearTimeout(this.#bufferTimer);
    this.#buffered += request.transcript;
    this.#isOpen = request.isContinued;
    const isAtOnce = request.maxBufferDelayMs === 0 || request.isFlush;
    if (isAtOnce || !request.isContinued || /[.!?。！？]\s*$/u.test(this.#buffered)) this.#generate(request, isAtOnce);
    else this.#bufferTimer = setTimeout(() => this.#generate(request, false), request.maxBufferDelayMs);
  }

  /** As published: what has not begun is halted; what is being spoken is sent to its end. */
  cancel(): void {
    this.#waiting.length = 0;
    this.#buffered = "";
    clearTimeout(this.#bufferTimer);
    this.#isOpen = false;
    if (!this.#isSpeaking) this.#done();
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#bufferTimer);
    clearTimeout(this.#speechTimer);
    clearTimeout(this.#expiryTimer);
  }

  #generate(request: Generation, isAtOnce: boolean): void {
    const text = this.#buffered;
    this.#buffered = "";
    if (text !== "") this.#waiting.push({ text, hasFlush: isAtOnce, addTimestamps: request.addTimestamps });
    this.#next();
  }

  #next(): void {
    if (this.#isSpeaking || this.#isOver || this.#fault.isSilent) return;
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.#speak(next.text, next.hasFlush, next.addTimestamps);
    } else if (!this.#isOpen) {
      this.#done();
    } else if (this.#sentBytes > 0) {
      this.#expiryTimer = setTimeout(() => {
        this.#isExpired = true;
      }, this.#delivery.expiryMs ?? 1_000);
    }
  }

  #speak(text: string, hasFlush: boolean, addTimestamps: boolean): void {
    this.#isSpeaking = true;
    const { speed = 10, firstChunkMs = 40, chunkMs = 50, oddChunks = false, timestamps } = this.#delivery;
    const { pcm, words } = standInSpeech(text, this.#sampleRate, this.#delivery);
    const bytes = Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    const baseMs = this.#msOf(this.#sentBytes);
    const untold = addTimestamps && timestamps !== "none" ? [...words] : [];
    const chunkBytes = 2 * Math.round((chunkMs * this.#sampleRate) / 1000) + (oddChunks ? 1 : 0);
    let offset = 0;
    const tell = (untilMs: number) => {
      const told = untold.splice(0, untold.filter((word) => word.startMs < untilMs).length);
      if (told.length > 0) this.#timestamps(told, baseMs);
    };
    const send = () => {
      if (this.#isOver) return;
      if (timestamps === "early") tell(Number.POSITIVE_INFINITY);
      if (offset < bytes.length) {
        const chunk = bytes.subarray(offset, offset + chunkBytes);
        offset += chunk.length;
        this.#sentBytes += chunk.length;
        this.#send({ type: "chunk", data: chunk.toString("base64"), step_time: 5, flush_id: this.#flushId + 1 });
        tell(offset >= bytes.length ? Number.POSITIVE_INFINITY : this.#msOf(offset));
        if (this.#fail()) return;
      }
      if (offset < bytes.length) {
        this.#speechTimer = setTimeout(send, chunkMs / speed);
        return;
      }
      this.#isSpeaking = false;
      if (hasFlush && this.#delivery.flushDone !== false) {
        this.#flushId++;
        this.#send({ type: "flush_done", flush_done: true, flush_id: this.#flushId });
      }
      this.#next();
    };
    this.#speechTimer = setTimeout(send, firstChunkMs);
  }

  #timestamps(words: { word: string; startMs: number; endMs: number }[], baseMs: number): void {
    const { bareWords = false } = this.#delivery;
    this.#send({
      type: "timestamps",
      word_timestamps: {
        words: words.map(({ word }) => (bareWords ? word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "") : word)),
        start: words.map(({ startMs }) => (baseMs + startMs) / 1000),
        end: words.map(({ endMs }) => (baseMs + endMs) / 1000),
      },
    });
  }

  /** Whether the script says that this is where it breaks. */
  #fail(): boolean {
    const sentMs = this.#msOf(this.#sentBytes);
    const { insertAfterMs, insert, stallAfterMs, errorAfterMs, closeAfterMs, error } = this.#fault;
    if (insertAfterMs !== undefined && sentMs >= insertAfterMs && !this.#hasInserted) {
      this.#hasInserted = true;
      for (const text of insert ?? []) this.#connection.insert(text);
    }
    if (stallAfterMs !== undefined && sentMs >= stallAfterMs) return true;
    if (closeAfterMs !== undefined && sentMs >= closeAfterMs) {
      this.#connection.close(this.#fault.closeCode);
      return true;
    }
    if (errorAfterMs !== undefined && sentMs >= errorAfterMs) {
      this.#end();
      this.#connection.send(errorEvent(this.#id, error ?? { statusCode: 500, title: "Internal server error" }));
      return true;
    }
    return false;
  }

  #send(message: Record<string, unknown>): void {
    const { type, ...rest } = message;
    this.#connection.send({ type, ...rest, done: type === "done", status_code: 206, context_id: this.#id });
  }

  #done(): void {
    if (this.#isOver) return;
    this.#end();
    if (this.#fault.withholdDone !== true) this.#send({ type: "done" });
  }

  #end(): void {
    this.stop();
    this.#connection.over(this.#id);
  }

  #msOf(byteLength: number): number {
    return (byteLength / 2 / this.#sampleRate) * 1000;
  }
}

let requests = 0;

/** An error event as version 2026-03-01 writes it. */
export function errorEvent(
  contextId: string | undefined,
  error: { readonly statusCode: number; readonly title: string; readonly message?: string },
): Record<string, unknown> {
  return {
    type: "error",
    done: true,
    status_code: error.statusCode,
    error_code: null,
    title: error.title,
    message: error.message ?? error.title,
    request_id: `stand-in-${++requests}`,
    ...(contextId === undefined ? {} : { context_id: contextId }),
  };
}
