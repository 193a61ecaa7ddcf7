import { type Call, DigitCollector } from "../../call/index.ts";
import { defaultCodec, type Resampler } from "../../codec/index.ts";
import {
  type Frame,
  InputAudioRawFrame,
  type OutputAudioRawFrame,
  type ProcessRun,
  type Tool,
} from "../../pipecat/index.ts";
import type { Apologies } from "../conversation/apologies.ts";
import { VoiceBotError } from "../conversation/errors.ts";
import { IdleWatch } from "../conversation/idle-watch.ts";
import { sayLastWords } from "../conversation/last-words.ts";
import type { Tally } from "../conversation/tally.ts";
import { Teller } from "../conversation/teller.ts";
import { collectDigitsTool } from "../conversation/tools/collect-digits.ts";
import { endCallTool } from "../conversation/tools/end-call.ts";
import { withOwn } from "../conversation/tools/own-tools.ts";
import { Asks } from "./asks.ts";
import { newCounters, type RealtimeCounters } from "./counters.ts";
import { KeptAudio } from "./kept-audio.ts";
import { LinkError, type RealtimeLink } from "./link.ts";
import { Memory } from "./memory.ts";
import { Mouth, type Speech } from "./mouth.ts";
import type { RealtimeSettings } from "./options.ts";
import { Responses } from "./responses.ts";
import type { ServerEvent } from "./server-event.ts";
import { REALTIME_SAMPLE_RATE, silenceMsOf } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { ToolCalls } from "./tool-calls.ts";
import { TurnClock } from "./turn-clock.ts";

/** So many answers may fail one after the other. */
const MAX_FAILURES = 3;
/** Of the caller's audio is kept while there is no session, in ms. */
const KEEP_MS = 5_000;
/** The end of the caller's speech is taken from the service's word only when it is about as long ago. */
const MAX_SPEECH_END_AGE_MS = 10_000;

/** What goes through the collector of digits goes no further. */
const NOWHERE: ProcessRun = { signal: new AbortController().signal, pushFrame: () => {} };

/** One call of a speech-to-speech bot: its sessions with the service, one after the other, and what is said in them. */
export class RealtimeConversation {
  readonly counters: RealtimeCounters = newCounters();
  readonly #call: Call;
  readonly #settings: RealtimeSettings;
  readonly #apologies: Apologies;
  readonly #tally: Tally;
  readonly #tools: readonly Tool[];
  readonly #digits: DigitCollector;
  readonly #resampler: Resampler | undefined;
  readonly #over = new AbortController();
  readonly #memory: Memory;
  readonly #kept = new KeptAudio(KEEP_MS);
  readonly #clock = new TurnClock();
  readonly #sessions: Sessions;
  readonly #asks: Asks;
  readonly #idle: IdleWatch;
  readonly #teller: Teller;
  readonly #mouth: Mouth;
  readonly #toolCalls: ToolCalls;
  /** Whether the caller was told anything since the last turn, in whatever words. */
  #hasWords = false;
  /** Answers the present session has completed. */
  #completedCount = 0;
  #responses: Responses;
  #failures = 0;
  #isUserSpeaking = false;
  /** Why the call ends when the caller has heard all that is said; an interruption takes it back. */
  #ending: string | undefined;
  #fail!: (error: unknown) => void;
  #end!: () => void;

  constructor(call: Call, settings: RealtimeSettings, apologies: Apologies, tally: Tally) {
    this.#call = call;
    this.#settings = settings;
    this.#apologies = apologies;
    this.#tally = tally;
    this.#digits = new DigitCollector(call);
    this.#tools = withOwn(
      [endCallTool(), ...(call.control?.collect === undefined ? [] : [collectDigitsTool(this.#digits)])],
      settings.tools(call),
    );
    const { audioInSampleRate } = call;
    if (audioInSampleRate !== REALTIME_SAMPLE_RATE) {
      this.#resampler = defaultCodec().createResampler(audioInSampleRate, REALTIME_SAMPLE_RATE);
    }
    this.#teller = new Teller({
      call,
      tally,
      onEvent: settings.onEvent,
      onFailed: (error) => this.#fail(error),
    });
    this.#asks = new Asks(settings.instructions);
    this.#sessions = new Sessions({
      settings,
      tools: this.#tools,
      counters: this.counters,
      over: this.#over.signal,
      onOpen: (link) => this.#resume(link),
      onEvent: (event) => this.#event(event),
      onLost: (why, isLast) => this.#lost(why, isLast),
    });
    this.#memory = new Memory({
      send: (event) => this.#sessions.link?.send(event),
      isReady: () => this.#sessions.link?.isReady === true,
      onTruncated: () => this.counters.truncations++,
    });
    this.#idle = new IdleWatch(settings.idleMs, () => this.#hangUp("idle"));
    this.#mouth = new Mouth({
      call,
      onFirstHeard: (speech, atMs) => this.#firstHeard(speech, atMs),
      onHeard: (speech, heardMs, interrupted) => this.#heard(speech, heardMs, interrupted),
      onFailed: (error) => this.#fail(error),
    });
    this.#responses = this.#newResponses();
    this.#toolCalls = new ToolCalls({
      tools: this.#tools,
      over: this.#over.signal,
      counters: this.counters,
      send: (event) => this.#sessions.link?.send(event),
      tell: (text) => this.#memory.tell(text),
      ask: (inWords) => this.#responses.ask(inWords ? { tool_choice: "none" } : {}),
      hasWords: () => this.#hasWords,
      say: (text) => this.#responses.ask(this.#asks.saying(text)),
      play: (frame) => this.#playFrame(frame),
      endWhenHeard: (reason) => {
        this.#ending = reason;
        this.#endIfHeard();
      },
      call,
    });
  }

  /** @throws VoiceBotError when the service is gone for good, after the caller was told */
  async run(): Promise<void> {
    const unfollow = this.#tally.follow({ realtime: this });
    const over = new Promise<void>((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    void this.#call.closed.then(() => this.#end());
    const unlisten = this.#call.onFrame((frame) => this.#frame(frame));
    const { greeting } = this.#settings;
    if (greeting !== "") this.#responses.ask(this.#asks.greeting(greeting));
    this.#idle.restart();
    void this.#sessions.run().catch((error) => this.#fail(error));
    try {
      await over;
    } catch (error) {
      this.#close();
      if (error instanceof VoiceBotError) {
        this.#tally.own.apologies++;
        await sayLastWords(this.#call, this.#apologies.audioOf("goodbye"));
      }
      throw error;
    } finally {
      unlisten();
      this.#close();
      this.#resampler?.close();
      unfollow();
    }
  }

  #close(): void {
    this.#over.abort();
    this.#responses.stop();
    this.#sessions.close();
    this.#mouth.stop();
    this.#idle.stop();
    this.#digits.cleanup();
  }

  // ── Sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A session is there: it is told what was said so far, hears what was kept, and is asked for what is owed. */
  #resume(link: RealtimeLink): void {
    const owed = this.#responses.takeOwed();
    for (const item of this.#memory.items) link.send({ type: "conversation.item.create", item });
    for (const audio of this.#kept.take()) link.sendAudio(audio);
    this.#responses = this.#newResponses();
    for (const ask of owed.asks) this.#responses.ask(ask);
    if (owed.isCut) this.#responses.ask(this.#asks.goingOn());
    else if (owed.isTurn) this.#responses.ask(this.#memory.isLastKnown ? {} : this.#asks.saying(this.#settings.again));
  }

  #lost(why: LinkError, isLast: boolean): void {
    this.counters.connections_lost++;
    for (const speech of this.#memory.lost()) this.#mouth.complete(speech);
    if (this.#toolCalls.lost()) this.#responses.expectTurn();
    if (this.#isUserSpeaking) {
      // What the caller has begun to say is lost with it.
      this.#memory.begin("", "user");
      this.#responses.expectTurn();
    }
    this.#isUserSpeaking = false;
    const isDue = why.isExpiry && this.#completedCount > 0;
    this.#completedCount = 0;
    if (isDue) return;
    this.#trouble(why.message, isLast, why);
  }

  /** Something failed; the conversation is over when it was the last straw. */
  #trouble(message: string, isFinal: boolean, cause?: unknown): void {
    this.#failures++;
    this.#tally.own.troubles++;
    const fatal = isFinal || this.#failures >= MAX_FAILURES;
    this.#call.note?.("trouble", message);
    this.#teller.tell({ type: "trouble", message, fatal });
    if (fatal) this.#fail(new VoiceBotError(message, { cause }));
  }

  // ── The caller ────────────────────────────────────────────────────────────────────────────────────────────────────

  #frame(frame: Frame): void {
    if (!(frame instanceof InputAudioRawFrame)) {
      void this.#digits.processFrame(frame, "downstream", NOWHERE);
      return;
    }
    const converted = this.#resampler?.process(frame.audio) ?? frame.audio;
    if (converted.length === 0) return;
    const bytes = new Uint8Array(converted.buffer, converted.byteOffset, converted.byteLength);
    const { link } = this.#sessions;
    if (link?.isReady && link.sendAudio(bytes)) return;
    this.counters.dropped_audio_ms += this.#kept.push(bytes);
  }

  /** Barge-in. What was not heard is taken back here, at Wavix, and out of what the model believes to have said. */
  #speechStarted(): void {
    const isInterruption = this.#mouth.isSpeaking;
    this.#idle.restart();
    this.#isUserSpeaking = true;
    this.#ending = undefined;
    this.#responses.interrupt();
    this.#toolCalls.interrupt();
    this.#clock.interrupted();
    if (!isInterruption) return;
    this.#mouth.interrupt();
    this.#teller.tell({ type: "interruption", text: "" });
  }

  #speechStopped(audioEndMs: number): void {
    this.#isUserSpeaking = false;
    this.#hasWords = false;
    const nowMs = performance.now();
    const silenceMs = silenceMsOf(this.#settings.turnDetection);
    // The service counts in ms of the audio it was sent, and the last of that was sent just now.
    const agoMs = (this.#sessions.link?.sentMs ?? 0) - (audioEndMs - silenceMs);
    this.#clock.turnOver(agoMs >= 0 && agoMs < MAX_SPEECH_END_AGE_MS ? nowMs - agoMs : nowMs);
    this.#responses.expectTurn();
  }

  // ── The service ───────────────────────────────────────────────────────────────────────────────────────────────────

  #event(event: ServerEvent): void {
    switch (event.type) {
      case "speech-started":
        this.#speechStarted();
        break;
      case "speech-stopped":
        this.#speechStopped(event.audioEndMs);
        break;
      case "committed":
        this.#memory.begin(event.itemId, "user");
        break;
      case "transcribed":
        this.#memory.userSaid(event.itemId, event.text);
        this.#idle.restart();
        if (event.text !== "") this.#teller.tell({ type: "user", text: event.text });
        break;
      case "response-created":
        this.#responses.created(event.responseId, event.ask, this.#isUserSpeaking);
        break;
      case "message-added":
        if (this.#responses.isWanted(event.responseId)) this.#memory.begin(event.itemId, "assistant");
        break;
      case "audio":
        this.#audio(event);
        break;
      case "transcript":
        if (this.#responses.isWanted(event.responseId)) this.#memory.speechOf(event.itemId).transcript += event.text;
        break;
      case "audio-done":
        this.#speechDone(event.itemId);
        break;
      case "function-call":
        if (this.#responses.isWanted(event.responseId)) this.#toolCalls.add(event);
        break;
      case "response-done":
        this.#responseDone(event);
        break;
      case "error":
        this.#refused(event.code);
        break;
    }
  }

  #audio({ responseId, itemId, audio }: ServerEvent & { type: "audio" }): void {
    if (!this.#responses.isWanted(responseId)) {
      this.counters.late_deltas++;
      this.#memory.late(itemId);
      return;
    }
    const speech = this.#memory.speechOf(itemId);
    this.#responses.spoke();
    this.#hasWords = true;
    this.#idle.botSpeaks(true);
    this.#clock.audio(speech);
    if (this.#mouth.say(speech, audio)) return;
    this.counters.answers_too_long++;
    speech.isCut = true;
    this.#responses.cancel();
  }

  #speechDone(itemId: string): void {
    const speech = this.#memory.done(itemId);
    if (speech !== undefined) this.#mouth.complete(speech);
  }

  #responseDone({ responseId, status, code }: ServerEvent & { type: "response-done" }): void {
    const wasWanted = this.#responses.isWanted(responseId);
    for (const [itemId, speech] of this.#memory.speeches) {
      // It broke off, and its text is ahead of its audio.
      if (!speech.isComplete && status !== "completed") speech.isCut = true;
      this.#speechDone(itemId);
    }
    this.#memory.forgetLate();
    this.counters.responses++;
    const isSilent = !this.#hasWords && status !== "cancelled" && !this.#toolCalls.hasCalls;
    if (wasWanted && (status === "failed" || isSilent)) {
      this.counters.responses_failed++;
      this.#toolCalls.drop();
      this.#apologize();
      const why = status === "failed" ? code || "no reason given" : "its answer has no words";
      this.#trouble(`OpenAI failed to answer (${why})`, false);
    } else if (wasWanted) {
      if (status === "completed") {
        this.#failures = 0;
        this.#completedCount++;
      }
      this.#toolCalls.run();
    } else this.#toolCalls.drop();
    this.#responses.done(responseId);
    this.#endIfHeard();
  }

  /** Most errors leave the session as it is, says the service; an answer that does not come is noticed by its staying away. */
  #refused(code: string): void {
    this.counters.errors++;
    if (code === "conversation_already_has_active_response") this.#responses.askAgain();
    else if (code !== "response_cancel_not_active") this.#call.note?.("realtime_error", code);
  }

  #newResponses(): Responses {
    return new Responses({
      timeoutMs: this.#settings.answerTimeoutMs,
      send: (event) => this.#sessions.link?.send(event),
      isReady: () => this.#sessions.link?.isReady === true,
      onSilence: () =>
        this.#sessions.link?.fail(new LinkError(`OpenAI did not answer for ${this.#settings.answerTimeoutMs} ms`)),
    });
  }

  // ── What is said ──────────────────────────────────────────────────────────────────────────────────────────────────

  #apologize(): void {
    this.#tally.own.apologies++;
    this.#playFrame(this.#apologies.audioOf("again"));
  }

  #playFrame(frame: OutputAudioRawFrame): void {
    this.#hasWords = true;
    const speech: Speech = { itemId: undefined, transcript: "", receivedMs: 0, isComplete: false, isCut: false };
    this.#mouth.play(speech, frame);
    this.#mouth.complete(speech);
  }

  #firstHeard(speech: Speech, atMs: number): void {
    const figures = this.#clock.heard(speech, atMs);
    if (figures === undefined) return;
    this.#call.report?.("turn", { ...figures });
    this.#teller.tell({ type: "turn", figures });
  }

  #heard(speech: Speech, heardMs: number, interrupted: boolean): void {
    this.#idle.botSpeaks(this.#mouth.isSpeaking);
    const heard = this.#memory.heard(speech, heardMs, interrupted);
    if (heard !== undefined && heard.text !== "") {
      this.#teller.tell({ type: "bot", text: heard.text, interrupted: heard.isPart });
    }
    this.#endIfHeard();
  }

  #endIfHeard(): void {
    const isBusy = this.#mouth.isSpeaking || !this.#responses.isIdle || this.#isUserSpeaking;
    if (this.#ending === undefined || isBusy) return;
    const reason = this.#ending;
    this.#ending = undefined;
    this.#hangUp(reason);
  }

  #hangUp(reason: string): void {
    this.#call.hangUp(reason).then(() => this.#end(), this.#fail);
  }
}
