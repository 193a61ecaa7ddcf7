import {
  CancelFrame,
  EndFrame,
  type Frame,
  type FrameDirection,
  FrameProcessor,
  InterruptionFrame,
  LLMFullResponseEndFrame,
  LLMFullResponseStartFrame,
  LLMTextFrame,
  type ProcessRun,
  StartFrame,
  SystemFrame,
  TTSSpeakFrame,
} from "../../../../pipecat/index.ts";
import { CartesiaConnection } from "./connection.ts";
import { type CartesiaCounters, newCounters } from "./counters.ts";
import type { CartesiaError } from "./errors.ts";
import type { CartesiaAnswer } from "./messages.ts";
import { type CartesiaOptions, readOptions } from "./options.ts";
import { Outbox } from "./outbox.ts";
import { SentenceSplitter } from "./sentence-splitter.ts";
import { isSpeakable, speakable } from "./speakable.ts";
import { synthesize } from "./synthesize.ts";
import { Utterance, type UtteranceHost } from "./utterance.ts";

/**
 * Says what the language model writes, with a voice of Cartesia's: 24 kHz, mono.
 *
 * Takes `LLMTextFrame` between `LLMFullResponseStartFrame` and `LLMFullResponseEndFrame`, and `TTSSpeakFrame`. Every
 * sentence goes to Cartesia as soon as it has ended. Out come, for each utterance, `TTSStartedFrame`, `TTSAudioRawFrame`,
 * a `TTSTextFrame` for each word with the time of its end, and `TTSStoppedFrame`. All other frames keep their place behind
 * the speech. An `InterruptionFrame` ends it: nothing that was meant to be said comes after it.
 *
 * @throws TypeError | RangeError when an option is not what it must be
 * @example
 * const tts = new CartesiaTTSService({ apiKey: process.env.CARTESIA_API_KEY ?? "" });
 * await pipeline([call.input(), stt, userContext, llm, tts, call.output(), assistantContext]).run();
 */
export class CartesiaTTSService extends FrameProcessor {
  /** What has happened so far. */
  readonly counters: Readonly<CartesiaCounters>;
  readonly #options: CartesiaOptions;
  readonly #host: UtteranceHost;
  readonly #connection: CartesiaConnection;
  readonly #outbox: Outbox;
  #splitter = new SentenceSplitter();
  /** What is being said. There is one at a time: the next is begun when Cartesia is through with it, not the caller. */
  #utterance: Utterance | undefined;
  /** The rest of a response that failed is not said. */
  #isMuted = false;
  #hasGivenUp = false;
  #endTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: CartesiaOptions) {
    super({ name: options.name ?? "CartesiaTTSService" });
    const settings = readOptions(options);
    const counters = newCounters();
    this.#options = options;
    this.counters = counters;
    this.#connection = new CartesiaConnection(settings, counters, {
      ready: () => this.#utterance?.ready(),
      answer: (answer) => this.#answer(answer),
      lost: () => this.#utterance?.lost(),
      failed: (error) => this.#giveUp(error),
    });
    this.#outbox = new Outbox({
      push: (frame) => this.pushFrame(frame),
      full: () => this.#connection.holdBack(),
      room: () => this.#connection.letGo(),
    });
    this.#host = {
      settings,
      counters,
      send: (message) => this.#connection.send(message),
      isHeldBack: () => this.#connection.isHeldBack,
      emit: (frame) => this.#outbox.add(frame),
    };
  }

  /** From the moment the end is asked for, what is still to be said has so much time. */
  override queueFrame(frame: Frame, direction: FrameDirection = "downstream"): void | Promise<void> {
    if (frame instanceof EndFrame && direction === "downstream") {
      this.#endTimer ??= setTimeout(() => {
        this.#hasGivenUp = true;
        this.#interrupt();
      }, this.#host.settings.endTimeoutMs);
    }
    return super.queueFrame(frame, direction);
  }

  override processFrame(frame: Frame, direction: FrameDirection, run: ProcessRun): void | Promise<void> {
    if (direction === "upstream") return run.pushFrame(frame, direction);
    if (frame instanceof LLMTextFrame) return this.#text(frame.text);
    if (frame instanceof StartFrame) this.#connection.open();
    else if (frame instanceof InterruptionFrame || frame instanceof CancelFrame) this.#interrupt();
    if (frame instanceof SystemFrame) return run.pushFrame(frame);
    return this.#inOrder(frame, run);
  }

  override cleanup(): void {
    clearTimeout(this.#endTimer);
    this.#interrupt();
    this.#connection.close();
  }

  /**
   * Says a text into memory, over a connection of its own: what has to be at hand when Cartesia is not.
   *
   * @returns samples at 24 kHz, mono
   * @throws CartesiaError when it was not said to its end, or `signal` aborted
   * @example
   * const apology = await tts.synthesize("I am sorry, I did not get that. Please say it again.");
   */
  synthesize(text: string, signal?: AbortSignal): Promise<Int16Array> {
    return synthesize(this.#options, text, signal);
  }

  // ── Text ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #text(text: string): void {
    for (const sentence of this.#splitter.push(text)) this.#say(sentence);
  }

  #say(sentence: string): void {
    const text = speakable(sentence);
    if (this.#isMuted || this.#hasGivenUp || !isSpeakable(text)) return;
    this.#utterance ??= this.#begin(true);
    this.#utterance.say(text);
  }

  #begin(appendToContext: boolean): Utterance {
    const utterance = new Utterance(this.#host, { appendToContext });
    void utterance.ended.then((how) => {
      if (how === "failed" && utterance === this.#utterance) this.#failed(utterance);
    });
    return utterance;
  }

  /** Everything that is neither text nor system: behind what was said before it. */
  #inOrder(frame: Frame, run: ProcessRun): void | Promise<void> {
    const saying = this.#sayAll();
    if (saying === undefined) return this.#afterSpeech(frame, run);
    return saying.then(() => (run.signal.aborted ? undefined : this.#afterSpeech(frame, run)));
  }

  #afterSpeech(frame: Frame, run: ProcessRun): void | Promise<void> {
    if (frame instanceof TTSSpeakFrame) return this.#speak(frame);
    if (frame instanceof LLMFullResponseStartFrame || frame instanceof LLMFullResponseEndFrame) this.#isMuted = false;
    return run.pushFrame(frame);
  }

  #speak({ text, appendToContext }: TTSSpeakFrame): Promise<void> | undefined {
    if (this.#hasGivenUp || !isSpeakable(speakable(text))) return undefined;
    this.#utterance = this.#begin(appendToContext);
    const splitter = new SentenceSplitter();
    for (const sentence of [...splitter.push(text), ...splitter.flush()]) {
      const said = speakable(sentence);
      if (isSpeakable(said)) this.#utterance.say(said);
    }
    return this.#sayAll();
  }

  /** Has what is begun said to its end. @returns nothing when there is nothing to say */
  #sayAll(): Promise<void> | undefined {
    for (const sentence of this.#splitter.flush()) this.#say(sentence);
    const utterance = this.#utterance;
    if (utterance === undefined) return this.#outbox.idle();
    utterance.complete();
    return utterance.ended.then(async () => {
      if (utterance === this.#utterance) this.#utterance = undefined;
      await this.#outbox.idle();
    });
  }

  #interrupt(): void {
    this.#splitter = new SentenceSplitter();
    this.#isMuted = false;
    const utterance = this.#utterance;
    this.#utterance = undefined;
    utterance?.cancel();
    this.#outbox.clear();
  }

  // ── What comes of Cartesia ────────────────────────────────────────────────────────────────────────────────────────

  #answer(answer: CartesiaAnswer): void {
    const utterance = this.#utterance;
    if (utterance?.answer(answer) === true) return;
    if (answer.type === "chunk") (this.counters as CartesiaCounters).late_chunks++;
  }

  #failed(utterance: Utterance): void {
    this.#isMuted = true;
    this.#utterance = undefined;
    const { error } = utterance;
    if (error === undefined || this.#hasGivenUp) return;
    // Nothing came at all: the connection may be dead.
    if (error.code === "CARTESIA_TIMEOUT") this.#connection.renew();
    this.pushError(error.message, { exception: error });
  }

  #giveUp(error: CartesiaError): void {
    this.#hasGivenUp = true;
    this.#utterance?.fail(error);
    this.pushError(error.message, { fatal: true, exception: error });
  }
}
