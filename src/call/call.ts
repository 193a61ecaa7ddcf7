import type { Frame, FrameProcessor } from "../pipecat/index.ts";
import type { CollectOptions, PlayOptions } from "../wavix/control/index.ts";

/** Who made an end of a call. */
export type EndedBy = "bot" | "caller" | "server";

/** How a call ended. */
export interface CallEnd {
  readonly endedBy: EndedBy;
  /**
   * Why, in one word: `bot-ended`, `bot-failed`, `hang-up` (the bot asked for it), `stop` (Wavix ended the stream),
   * `socket-closed`, `socket-stalled`, `flooded` (with messages), `call-over` (a webhook said so), `codec-failed`, or what
   * the server gave.
   */
  readonly reason: string;
  /** What a bot threw, or what the hang-up over REST failed with. */
  readonly error?: unknown;
}

/** How much of the bot's speech an interruption found heard. */
export interface Interruption {
  /**
   * Of the utterance that was cut off: how much the caller has heard, in ms. By marks when the utterance was begun with
   * {@link Call.beginUtterance}, by the clock otherwise.
   */
  readonly heardMs: number;
  /** How much was taken back, here and at Wavix, in ms. */
  readonly droppedMs: number;
  /** Those of {@link Call.beginUtterance} that were cut off, in their order; they say how much was heard of each. */
  readonly utterances: readonly Utterance[];
}

/**
 * A stretch of the bot's speech whose playback is followed: by marks, of which Wavix sends each back when it has played
 * what was sent before it, and between them by the clock. Right to a packet (20 ms) and the round trip to Wavix.
 *
 * @example
 * const utterance = call.beginUtterance();
 * await call.send(speech);
 * await call.send(new TTSStoppedFrame());
 * const { heardMs, interrupted } = await utterance.finished;
 */
export interface Utterance {
  /** How much of it has been given to `send` so far, in ms. */
  readonly durationMs: number;
  /** How much of it the caller has heard by now, in ms. */
  readonly heardMs: number;
  /**
   * What that rests on. `clock` until the first mark has come back, and when Wavix sends none back: then nothing is known
   * of the time audio takes to get there, and of its staying away.
   */
  readonly measuredBy: "marks" | "clock";
  /** Settles when it was heard to its end, was cut off, or the call is over. Never rejects. */
  readonly finished: Promise<UtteranceEnd>;
}

/** How the playback of an {@link Utterance} ended. */
export interface UtteranceEnd {
  readonly durationMs: number;
  readonly heardMs: number;
  readonly measuredBy: "marks" | "clock";
  /** The caller has not heard all of it: it was cut off, or the call ended. */
  readonly interrupted: boolean;
}

/** Steers a call beside its audio; `WavixRestClient` with a call id behind it. */
export interface CallControl {
  hangUp(): Promise<unknown>;
  /**
   * Asks for keys. They come as an `InputDTMFFrame` each when they are all there, and behind them an
   * `InputTransportMessageFrame` with `{ event: "collect", status: "completed" | "failed", digits }`: that was it, more keys
   * are to be asked for again. `failed` is what becomes of one without keys.
   */
  collect?(options?: CollectOptions): Promise<unknown>;
  /** Has Wavix play a file. */
  play?(options: PlayOptions): Promise<unknown>;
}

/** What is known of a call beside its audio. Numbers are E.164 with `+`, absent when withheld. */
export interface CallFacts {
  readonly callId?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * One phone call, as a bot sees it.
 *
 * @example
 * const parrot: Bot = async (call) => {
 *   for await (const frame of call.frames()) {
 *     if (frame instanceof InputAudioRawFrame) await call.send(frame);
 *   }
 * };
 */
export interface Call {
  readonly callId: string | undefined;
  readonly streamId: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** Rate of the caller's frames, in Hz. */
  readonly audioInSampleRate: number;
  /** How much audio is gathered before a sound starts, in ms: the cushion of a bot that speaks in real time. */
  readonly playoutDelayMs: number;
  /** How much of what was sent the caller has not heard yet, in ms; by the clock unless an utterance is followed. */
  readonly unheardMs: number;
  /** Aborted when the call is over: whatever the bot still does for it is in vain. */
  readonly signal: AbortSignal;
  /** Settles when the call is over on both sides. Never rejects. */
  readonly closed: Promise<CallEnd>;

  /**
   * The caller's frames as they come: `InputAudioRawFrame`, `MarkFrame`, and the keys of a `collect` ({@link CallControl}).
   * One listener at a time, or {@link frames}. Frames that came before are given first. A listener that throws or rejects
   * is a bot that failed. Returns what ends the listening.
   */
  onFrame(listener: (frame: Frame) => unknown): () => void;
  /** The same frames as an iteration, which ends with the call. A bot that is 5 s behind loses the oldest (counted). */
  frames(): AsyncIterable<Frame>;

  /**
   * The beginning of a pipeline for this call: passes its frames on, and cancels the pipeline when the call is over. It
   * listens as {@link onFrame} does.
   *
   * @example
   * const bot: Bot = (call) => pipeline([call.input(), menu, call.output()]).run();
   */
  input(): FrameProcessor;
  /**
   * Where a pipeline speaks to the caller. Takes what {@link send} takes; other frames go on when all that came before them
   * was heard, so that whoever stands behind sees what was heard. `EndFrame` ends the call when the caller has heard it all.
   */
  output(): FrameProcessor;

  /**
   * Says something. Takes the frames that mean something on a phone: `OutputAudioRawFrame` of any length, rate and
   * channel count (an `InputAudioRawFrame` too: an echo), `InterruptionFrame`, `TTSStoppedFrame` (the utterance is
   * complete: what does not fill a packet is sent too), transport messages, `EndFrame` (as {@link hangUp}),
   * `CancelFrame`. Others are ignored.
   *
   * Settles as soon as there is room: up to 30 s of audio may wait, whoever is faster is held back here.
   *
   * @throws RangeError when the audio's rate is not one of the codec's
   * @throws CallError `CALL_OVER` when the call is over; `CALL_FLOODED` when 1000 frames wait that nobody awaits, of any kind
   */
  send(frame: Frame): Promise<void>;
  /**
   * Begins an utterance whose playback is followed: what is sent from now on belongs to it, up to `TTSStoppedFrame`, an
   * interruption, or the next one. Costs about four marks a second on the wire while it is sent; without this there are
   * none. What does not fill a packet of the speech before it is sent first.
   *
   * @throws CallError `CALL_OVER`; `CALL_FLOODED` when 1000 utterances wait to be heard
   */
  beginUtterance(): Utterance;
  /** Barge-in: what the caller has not heard yet is dropped, here and at Wavix, at once. */
  interrupt(): Interruption;
  /** Settles when the caller has heard all that was sent so far, or it was interrupted, or the call is over. */
  waitForPlayout(): Promise<void>;
  /** Lets the caller hear what was sent, then ends the call. */
  hangUp(reason?: string): Promise<void>;
  /**
   * Keeps a word about the call for the log, the records and `/calls`: `call.note("bot", "10.0.0.5:7861")`. The last of a
   * name counts; names beyond 20, and what is longer than 200 characters, are left out. No secrets, no phone numbers.
   */
  note?(name: string, text: string): void;
  /**
   * Reports figures of something that happened in the call, such as a turn: a line of the log (the first 1000 of a call),
   * the call's record and `/calls` (how many there were; of each figure the median and the greatest), and, of those in
   * …`Ms`, `wavix_bot_duration_seconds` in `/metrics`.
   *
   * Reports are named in snake_case, figures in camelCase, up to 64 characters; there may be 20 of the former, and of each
   * 20 of the latter. Whatever else there is, and what is no finite number from 0 up, is left out; all of it once the call
   * is over (`closed`). No secrets, no phone numbers.
   *
   * @example
   * call.report?.("turn", { answerMs: 812, sttMs: 230, llmMs: 310, ttsMs: 140, playoutMs: 132 });
   */
  report?(name: string, figures: Readonly<Record<string, number>>): void;
  /** Access to REST for this call; undefined for a socket of one's own without it. */
  readonly control: CallControl | undefined;
}

/**
 * Talks to a caller. The call ends when the returned promise settles, so a bot that only listens with `onFrame` waits
 * for `call.closed`.
 *
 * @example
 * const goodbye: Bot = async (call) => {
 *   await call.send(new OutputAudioRawFrame({ audio: speech, sampleRate: 24000 }));
 * };
 */
export interface Bot {
  (call: Call): void | Promise<void>;
  /**
   * Gives back what it holds beyond calls, such as processes. The server calls it once, when it closes and its calls are
   * over, and waits for it up to 10 s.
   */
  close?(): Promise<void>;
  /**
   * Counts that only rise, by name: snake_case, up to 64 characters, at most 100 of them (`processes_started`). `/metrics`
   * has them as `wavix_bot_events_total{event="processes_started"}`.
   */
  readonly counters?: Readonly<Record<string, number>>;
}

/** Thrown at a bot that goes on after its call is over, or floods it. */
export class CallError extends Error {
  override readonly name = "CallError";
  readonly code: "CALL_OVER" | "CALL_FLOODED";

  constructor(code: CallError["code"], message: string) {
    super(message);
    this.code = code;
  }
}
