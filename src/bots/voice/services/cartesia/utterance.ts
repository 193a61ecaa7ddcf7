import { randomUUID } from "node:crypto";
import {
  type Frame,
  TTSAudioRawFrame,
  TTSStartedFrame,
  TTSStoppedFrame,
  TTSTextFrame,
} from "../../../../pipecat/index.ts";
import type { CartesiaCounters } from "./counters.ts";
import { CartesiaError } from "./errors.ts";
import { type CartesiaAnswer, cancelRequest, generationRequest } from "./messages.ts";
import { type CartesiaSettings, SAMPLE_RATE } from "./options.ts";
import { isSpeakable } from "./speakable.ts";
import { msOf, SpeechContext } from "./speech-context.ts";
import type { SpokenPiece } from "./spoken-text.ts";

/** What an utterance needs of whoever has it said. */
export interface UtteranceHost {
  readonly settings: CartesiaSettings;
  readonly counters: CartesiaCounters;
  /** @returns false when there is no connection */
  send(message: Record<string, unknown>): boolean;
  /** Whether nothing is read because there is no room for it: no fault of Cartesia's. */
  isHeldBack(): boolean;
  emit(frame: Frame): void;
}

/** How long to wait for the `done` of a context whose text was spoken, or for more of one that has expired. */
const DONE_MS = 1_000;
/** Lost connections that one utterance survives. */
const MAX_RESUMPTIONS = 3;
/** Sentences that may wait for a connection. */
const MAX_WAITING = 500;

/**
 * One flow of speech: what a language model answers, or one text. At Cartesia it is one context; a new one takes over when
 * the connection was lost, or when the next sentence took so long that the context has expired.
 */
export class Utterance {
  /** Names it in frames. */
  readonly id: string = randomUUID();
  /** What became of it. */
  readonly ended: Promise<"said" | "failed" | "cancelled">;
  readonly #host: UtteranceHost;
  readonly #appendToContext: boolean;
  readonly #waiting: string[] = [];
  #end!: (how: "said" | "failed" | "cancelled") => void;
  #error: CartesiaError | undefined;
  #context: SpeechContext | undefined;
  #contextCount = 0;
  #resumptions = 0;
  /** Audio of its earlier contexts, in bytes. */
  #earlierByteLength = 0;
  #isComplete = false;
  #hasStarted = false;
  #isOver = false;
  #limitTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: UtteranceHost, options: { appendToContext?: boolean } = {}) {
    this.#host = host;
    this.#appendToContext = options.appendToContext ?? true;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Why it failed. */
  get error(): CartesiaError | undefined {
    return this.#error;
  }

  /** Adds a sentence. The spaces between sentences are theirs. */
  say(sentence: string): void {
    if (this.#isOver || this.#isComplete) return;
    if (this.#waiting.length >= MAX_WAITING) this.#host.counters.dropped_sentences++;
    else this.#waiting.push(sentence);
    this.#advance();
  }

  /** All of it was given. */
  complete(): void {
    if (this.#isOver || this.#isComplete) return;
    this.#isComplete = true;
    this.#advance();
  }

  /** The connection is there. */
  ready(): void {
    this.#advance();
  }

  /** The connection is gone, and its contexts with it. */
  lost(): void {
    if (!this.#isOver && this.#context !== undefined) this.#resume(this.#context);
  }

  /** @returns whether it was an answer to this utterance */
  answer(answer: CartesiaAnswer): boolean {
    const context = this.#context;
    if (this.#isOver || context === undefined || answer.type === "unknown") return false;
    // An error that names no context was brought about by what was said last.
    if (answer.contextId !== context.id && !(answer.type === "error" && answer.contextId === undefined)) return false;
    switch (answer.type) {
      case "chunk":
        this.#audio(context, answer.audio);
        break;
      case "timestamps":
        this.#tell(context.words(answer.words));
        break;
      case "flush_done":
        this.#tell(context.sentenceOver());
        break;
      case "done":
        this.#done(context);
        return true;
      case "error":
        // It was said; the complaint is about what came behind it.
        if (context.isSpoken) this.#finish(context);
        else if (context.isLeft) this.#resume(context);
        else this.fail(new CartesiaError("CARTESIA_FAILED", `Cartesia does not say it: ${answer.text}`));
        return true;
    }
    this.#limit(context);
    return true;
  }

  /** Says no more: nothing of it comes out after this. */
  cancel(): void {
    if (this.#isOver) return;
    const context = this.#context;
    if (context !== undefined && this.#host.send(cancelRequest(context.id))) this.#host.counters.cancelled++;
    this.#over("cancelled");
  }

  /** Gives it up. */
  fail(error: CartesiaError): void {
    if (this.#isOver) return;
    this.#error = error;
    this.#host.counters.failed++;
    if (this.#context !== undefined) this.#leave(this.#context);
    this.#stopped();
    this.#over("failed");
  }

  /** Sends what can be sent. */
  #advance(): void {
    if (this.#isOver) return;
    const context = this.#context;
    if (context !== undefined && !context.isClosed && context.isExpired) {
      if (context.isSpoken) {
        this.#finish(context);
        return;
      }
      context.isLeft = true;
      this.#close(context);
    }
    while (this.#waiting.length > 0 && this.#context?.isClosed !== true) {
      const sentence = this.#waiting[0] as string;
      if (!this.#send(sentence)) {
        if (this.#limitTimer === undefined) this.#arm(this.#host.settings.audioTimeoutMs);
        return;
      }
      this.#waiting.shift();
    }
    if (!this.#isComplete || this.#waiting.length > 0) return;
    if (this.#context === undefined) this.#said();
    else if (!this.#context.isClosed) this.#close(this.#context);
  }

  #send(sentence: string): boolean {
    const { settings, counters } = this.#host;
    const id = this.#context?.id ?? (this.#contextCount === 0 ? this.id : `${this.id}-${this.#contextCount + 1}`);
    if (!this.#host.send(generationRequest(settings, id, sentence, true))) return false;
    if (this.#context === undefined) {
      this.#contextCount++;
      counters.contexts++;
      this.#context = new SpeechContext(id);
      if (!this.#hasStarted) this.#host.emit(new TTSStartedFrame({ contextId: this.id }));
      this.#hasStarted = true;
    }
    this.#context.sent(sentence);
    this.#arm(settings.audioTimeoutMs);
    return true;
  }

  #close(context: SpeechContext): void {
    context.isClosed = true;
    // Not sent: the connection is gone, and `lost` follows.
    this.#host.send(generationRequest(this.#host.settings, context.id, "", false));
    this.#limit(context);
  }

  // ── What comes ────────────────────────────────────────────────────────────────────────────────────────────────────

  #audio(context: SpeechContext, audio: Uint8Array): void {
    if (audio.length === 0) return;
    this.#emitAudio(audio);
    this.#tell(context.audio(audio.length));
  }

  /** Cartesia has ended the context; perhaps as expired, with what came too late for it still unsaid. */
  #done(context: SpeechContext): void {
    if (!context.hasUnbegun) {
      this.#finish(context);
      return;
    }
    this.#tell(context.over());
    this.#resume(context);
  }

  /** The context has given all it has. */
  #finish(context: SpeechContext): void {
    if (context.byteLength === 0) {
      this.fail(new CartesiaError("CARTESIA_FAILED", "Cartesia made no audio of the text"));
      return;
    }
    this.#tell(context.over());
    this.#leave(context);
    this.#advance();
  }

  /** Nothing more comes of a context: what was not spoken is said again in another. */
  #resume(context: SpeechContext): void {
    const { rest, isSpoken } = context;
    this.#leave(context);
    if (!isSpoken && isSpeakable(rest)) this.#waiting.unshift(rest.trimStart());
    this.#resumptions++;
    if (this.#resumptions > MAX_RESUMPTIONS) {
      this.fail(new CartesiaError("CARTESIA_UNREACHABLE", "the connection to Cartesia was lost too often"));
      return;
    }
    if (this.#waiting.length > 0 || !this.#isComplete) this.#host.counters.resumed++;
    this.#advance();
  }

  #leave(context: SpeechContext): void {
    this.#disarm();
    // Half a sample: what follows must not be shifted by it.
    const isCut = context.byteLength % 2 === 1;
    if (isCut) this.#emitAudio(new Uint8Array(1));
    this.#earlierByteLength += context.byteLength + (isCut ? 1 : 0);
    this.#context = undefined;
  }

  #emitAudio(audio: Uint8Array): void {
    this.#host.emit(new TTSAudioRawFrame({ audio, sampleRate: SAMPLE_RATE, contextId: this.id }));
  }

  #tell(pieces: SpokenPiece[]): void {
    const earlierMs = msOf(this.#earlierByteLength);
    for (const { text, endMs } of pieces) {
      const contextId = this.id;
      const frame = { text, contextId, endMs: earlierMs + endMs, appendToContext: this.#appendToContext };
      this.#host.emit(new TTSTextFrame(frame));
    }
  }

  // ── Limits and the end ────────────────────────────────────────────────────────────────────────────────────────────

  /** Sets the time within which more has to come, if anything has to. */
  #limit(context: SpeechContext): void {
    if (context.isLeft || (context.isClosed && context.isSpoken)) this.#arm(DONE_MS);
    else if (context.isOwed) this.#arm(this.#host.settings.audioTimeoutMs);
    else this.#disarm();
  }

  #arm(limitMs: number): void {
    this.#disarm();
    this.#limitTimer = setTimeout(() => {
      const context = this.#context;
      if (this.#host.isHeldBack()) this.#arm(limitMs);
      else if (context?.isSpoken === true) this.#finish(context);
      else if (context?.isLeft === true) this.#resume(context);
      else this.fail(new CartesiaError("CARTESIA_TIMEOUT", `no audio from Cartesia within ${limitMs} ms`));
    }, limitMs);
  }

  #disarm(): void {
    clearTimeout(this.#limitTimer);
    this.#limitTimer = undefined;
  }

  #said(): void {
    this.#stopped();
    this.#over("said");
  }

  #stopped(): void {
    if (this.#hasStarted) this.#host.emit(new TTSStoppedFrame({ contextId: this.id }));
  }

  #over(how: "said" | "failed" | "cancelled"): void {
    this.#isOver = true;
    this.#waiting.length = 0;
    this.#disarm();
    this.#end(how);
  }
}
