import {
  EagerEndOfTurnFrame,
  type Frame,
  type FrameDirection,
  FrameProcessor,
  InputAudioRawFrame,
  InterimTranscriptionFrame,
  type ProcessRun,
  StartFrame,
  TranscriptionFrame,
  TurnResumedFrame,
  UserStartedSpeakingFrame,
  UserStoppedSpeakingFrame,
} from "../../../../pipecat/index.ts";
import { FluxTurns } from "./flux-turns.ts";
import { KeptAudio } from "./kept-audio.ts";
import { type ConnectionLoss, ListenConnection, loadSdk } from "./listen-connection.ts";
import { parseListenMessage } from "./listen-message.ts";
import { isFlux } from "./models.ts";
import { NovaTurns } from "./nova-turns.ts";
import { type CompleteOptions, completeOptions, type DeepgramSTTOptions, queryOf } from "./options.ts";
import type { TurnEvent, Turns } from "./turns.ts";

/** Rising numbers of a {@link DeepgramSTTService}. */
export interface DeepgramSTTCounters {
  /** Turns of the caller that ended. */
  turns: number;
  /** Of them, those that the service never ended: nothing more was heard. */
  turn_timeouts: number;
  /** Connections that took the place of a lost one. */
  reconnects: number;
  /** Connections lost, and attempts that failed. */
  connection_failures: number;
  malformed_messages: number;
  /** Errors that the service told of. */
  service_errors: number;
  /** Audio that the service never got, in ms. */
  dropped_audio_ms: number;
  /** Audio that was sent again on a new connection, in ms. */
  resent_audio_ms: number;
  /** Frames of another rate than the pipeline's, or of several channels. */
  refused_frames: number;
}

const MAX_RECONNECT_DELAY_MS = 2000;
const RESTARTED_TURN_MS = 2000;
const GOODBYE_MS = 500;
// developers.deepgram.com/docs/flux/quickstart: 80 ms are strongly recommended.
const FLUX_MESSAGE_MS = 80;
// What a socket may hold that takes less than it is given; more stays in the kept audio, which is bounded.
const MAX_BUFFERED_MS = 1000;
const WATCH_EVERY_MS = 1000;

/**
 * Speech to text by Deepgram: nova models, or Flux with its own turns. Takes the caller's audio out of the pipeline and
 * pushes what he says: `UserStartedSpeakingFrame` with his first words, `InterimTranscriptionFrame` (the whole turn so far),
 * `TranscriptionFrame` for each piece that is final, `UserStoppedSpeakingFrame` at once when the turn is over; with Flux
 * also `EagerEndOfTurnFrame` and `TurnResumedFrame`. Sound without words makes no turn.
 *
 * A lost connection is made again; the audio since the last final transcript is kept meanwhile and sent again, 5 s at most.
 * After 5 attempts in a row, none of which has heard more than that, or when the key is refused, it pushes an `ErrorFrame`
 * that is fatal.
 *
 * Needs the package `@deepgram/sdk`.
 *
 * @throws TypeError | RangeError for an option that is none
 * @example
 * const stt = new DeepgramSTTService({ apiKey: process.env.DEEPGRAM_API_KEY, model: "flux-general-en" });
 * await new Pipeline([call.input(), stt, userContext, llm, tts, call.output(), assistantContext]).run();
 * console.log(stt.counters.turns);
 */
export class DeepgramSTTService extends FrameProcessor {
  readonly counters: DeepgramSTTCounters = {
    turns: 0,
    turn_timeouts: 0,
    reconnects: 0,
    connection_failures: 0,
    malformed_messages: 0,
    service_errors: 0,
    dropped_audio_ms: 0,
    resent_audio_ms: 0,
    refused_frames: 0,
  };
  readonly #options: CompleteOptions;
  readonly #turns: Turns;
  #sampleRate = 0;
  #kept: KeptAudio | undefined;
  #connection: ListenConnection | undefined;
  #isOpen = false;
  #isOver = false;
  #wasOpen = false;
  #failures = 0;
  #sentAtMs = 0;
  /** Audio that this connection was given, in ms. */
  #givenMs = 0;
  /**
   * Audio since the last message. The service answers by the audio's time, in silence too, so that a connection without
   * audio owes nothing.
   */
  #unansweredMs = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  #turnTimer: NodeJS.Timeout | undefined;
  #watchTimer: NodeJS.Timeout | undefined;

  constructor(options: DeepgramSTTOptions) {
    super(options.name === undefined ? {} : { name: options.name });
    this.#options = completeOptions(options);
    const arrivedAt = (positionMs: number) => this.#kept?.arrivedAt(positionMs) ?? null;
    this.#turns = isFlux(this.#options.model) ? new FluxTurns(arrivedAt) : new NovaTurns(arrivedAt);
    void loadSdk().catch(() => {}); // said when the connection needs it
  }

  override processFrame(frame: Frame, direction: FrameDirection, run: ProcessRun): void | Promise<void> {
    if (frame instanceof InputAudioRawFrame && direction === "downstream") {
      this.#hear(frame);
      return;
    }
    if (frame instanceof StartFrame && this.#kept === undefined) this.#start(frame.audioInSampleRate);
    return run.pushFrame(frame, direction);
  }

  override async cleanup(): Promise<void> {
    this.#end();
    await this.#connection?.close(GOODBYE_MS);
  }

  #start(sampleRate: number): void {
    this.#sampleRate = sampleRate;
    this.#kept = new KeptAudio(sampleRate, this.#options.keepAudioMs);
    const everyMs = Math.min(WATCH_EVERY_MS, this.#options.keepAliveMs / 4);
    this.#watchTimer = setInterval(() => this.#keepAlive(), everyMs);
    this.#connect();
  }

  #hear({ audio, sampleRate, numChannels }: InputAudioRawFrame): void {
    if (this.#kept === undefined || this.#isOver) return;
    if (sampleRate !== this.#sampleRate || numChannels !== 1) {
      this.counters.refused_frames += 1;
      return;
    }
    this.#kept.append(audio, performance.now());
    this.#send();
    if (!this.#isOpen) return;
    this.#unansweredMs += (audio.length * 1000) / sampleRate;
    const { answerTimeoutMs } = this.#options;
    if (this.#unansweredMs >= answerTimeoutMs) this.#connection?.drop(`no answer to ${answerTimeoutMs} ms of audio`);
  }

  /** Sends what there is to send, as far as the connection takes it. */
  #send(): void {
    const connection = this.#connection;
    if (this.#kept === undefined || connection === undefined) return;
    const bytesPerMs = (this.#sampleRate * 2) / 1000;
    const minSamples = isFlux(this.#options.model) ? Math.round((this.#sampleRate * FLUX_MESSAGE_MS) / 1000) : 1;
    while (this.#isOpen && connection.bufferedBytes < MAX_BUFFERED_MS * bytesPerMs) {
      const bytes = this.#kept.take(minSamples);
      if (bytes === null) break;
      connection.sendAudio(bytes);
      this.#givenMs += bytes.byteLength / bytesPerMs;
      this.#sentAtMs = performance.now();
    }
    this.counters.dropped_audio_ms = Math.round(this.#kept.droppedMs);
  }

  #connect(): void {
    const { apiKey, baseUrl, model, connectTimeoutMs } = this.#options;
    const parameters = queryOf(this.#options, this.#sampleRate);
    this.#connection = new ListenConnection(
      { apiKey, baseUrl, model, parameters, connectTimeoutMs },
      {
        opened: () => this.#opened(),
        message: (value) => this.#message(value),
        lost: (loss) => this.#lost(loss),
      },
    );
  }

  #opened(): void {
    const { replayFromMs, resentMs } = this.#kept!.restart();
    if (this.#wasOpen) {
      this.counters.reconnects += 1;
      this.counters.resent_audio_ms += Math.round(resentMs);
      this.#turns.restarted(replayFromMs);
      // Perhaps it was lost between the caller's last word and the end of his turn: of that the new one knows nothing.
      if (this.#turns.isOpen) this.#awaitWords(Math.min(RESTARTED_TURN_MS, this.#options.turnTimeoutMs / 2));
    }
    this.#wasOpen = true;
    this.#isOpen = true;
    this.#sentAtMs = performance.now();
    this.#givenMs = 0;
    this.#unansweredMs = 0;
    this.#send();
  }

  #message(value: unknown): void {
    this.#unansweredMs = 0;
    const message = parseListenMessage(value);
    if (message === null) {
      this.counters.malformed_messages += 1;
      return;
    }
    if (message.kind === "error") {
      this.counters.service_errors += 1;
      return;
    }
    // It hears, and more than what may be sent again: of one that is lost word after word there would be no end. A greeting,
    // which Flux sends at once, does not say so: it may be all that ever comes.
    if (message.kind !== "other" && this.#givenMs > this.#options.keepAudioMs) this.#failures = 0;
    const events = this.#turns.handle(message);
    this.#kept!.settle(this.#turns.settledMs);
    this.#tell(events);
  }

  #lost(loss: ConnectionLoss): void {
    this.#isOpen = false;
    this.counters.connection_failures += 1;
    this.#tell(this.#turns.lost());
    this.#failures += 1;
    const { maxReconnects, reconnectDelayMs } = this.#options;
    if (loss.isFinal || this.#failures > maxReconnects) {
      this.#tell(this.#turns.end());
      this.#end();
      const after = this.#failures > 1 ? ` after ${this.#failures} attempts` : "";
      this.pushError(`no speech to text from Deepgram${after}: ${loss.text}`, { fatal: true });
      return;
    }
    const delayMs = Math.min(MAX_RECONNECT_DELAY_MS, reconnectDelayMs * 2 ** (this.#failures - 1));
    this.#retryTimer = setTimeout(() => this.#connect(), delayMs);
  }

  /** Now and then, lest the service close a connection on which nothing comes. */
  #keepAlive(): void {
    const nowMs = performance.now();
    if (!this.#isOpen || nowMs - this.#sentAtMs < this.#options.keepAliveMs) return;
    this.#sentAtMs = nowMs;
    if (this.#connection?.keepAlive()) return;
    // Flux closes a connection that says KeepAlive; it hears a moment of silence instead.
    this.#kept?.append(new Int16Array(Math.round((this.#sampleRate * FLUX_MESSAGE_MS) / 1000)), nowMs);
    this.#send();
  }

  #awaitWords(timeoutMs: number): void {
    clearTimeout(this.#turnTimer);
    this.#turnTimer = setTimeout(() => {
      this.counters.turn_timeouts += 1;
      this.#tell(this.#turns.end());
      this.#kept?.settle(this.#turns.settledMs);
    }, timeoutMs);
  }

  #end(): void {
    this.#isOver = true;
    this.#isOpen = false;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#turnTimer);
    clearInterval(this.#watchTimer);
  }

  #tell(events: readonly TurnEvent[]): void {
    for (const event of events) {
      if (event.type === "stopped") {
        this.counters.turns += 1;
        clearTimeout(this.#turnTimer);
      } else this.#awaitWords(this.#options.turnTimeoutMs);
      void this.pushFrame(this.#frameOf(event));
    }
  }

  #frameOf(event: TurnEvent): Frame {
    if (event.type === "started") return new UserStartedSpeakingFrame();
    if (event.type === "eager") return new EagerEndOfTurnFrame({ text: event.text });
    if (event.type === "resumed") return new TurnResumedFrame();
    if (event.type === "stopped") return new UserStoppedSpeakingFrame({ speechEndedAtMs: event.speechEndedAtMs });
    const { text, speechMs, language } = event;
    const said = { text, speechMs, language, userId: this.#options.userId, timestamp: new Date().toISOString() };
    if (event.type === "interim") return new InterimTranscriptionFrame(said);
    return new TranscriptionFrame({ ...said, finalized: event.finalized });
  }
}
