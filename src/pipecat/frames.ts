/**
 * The frames of Pipecat that reach the edge of a transport, under Pipecat's own names; fields in camelCase.
 *
 * Categories as in Pipecat: a SystemFrame is handled at once, DataFrame and ControlFrame keep their order and are dropped
 * by an interruption. Frames are light: one is made for every 20 ms of every call, so `name` and `metadata` come into
 * being when somebody reads them.
 */

let lastId = 0;

/**
 * What all frames have in common. A class of your own extends `SystemFrame`, `DataFrame` or `ControlFrame`.
 *
 * @example
 * class SurveyFrame extends DataFrame {}
 * new SurveyFrame().name; // "SurveyFrame#7"
 */
export abstract class Frame {
  /** Unique in this process, rising. */
  readonly id: number = ++lastId;
  /** Presentation time in nanoseconds since the start of the stream; null when unknown. */
  pts: number | null = null;
  /** Where a transport got the frame from; the serializer names the track: "inbound" or "outbound". */
  transportSource: string | null = null;
  #metadata: Record<string, unknown> | undefined;

  /** Class and id, for people. Pipecat counts per class; the id is already there and tells as much. */
  get name(): string {
    return `${this.constructor.name}#${this.id}`;
  }

  /** Whether an interruption leaves it in the queue: Pipecat's UninterruptibleFrame. */
  get isUninterruptible(): boolean {
    return false;
  }

  /** Room for notes of the application. */
  get metadata(): Record<string, unknown> {
    this.#metadata ??= {};
    return this.#metadata;
  }
}

/** Handled at once, ahead of what is queued. @example new InterruptionFrame() instanceof SystemFrame; // true */
export abstract class SystemFrame extends Frame {}

/** Content, kept in order. @example new TextFrame({ text: "hello" }) instanceof DataFrame; // true */
export abstract class DataFrame extends Frame {}

/**
 * A step in the life of a pipeline or an utterance, kept in order with the data.
 *
 * @example
 * new TTSStoppedFrame() instanceof ControlFrame; // true
 */
export abstract class ControlFrame extends Frame {}

// ── Life of a pipeline ──────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Starts a pipeline and sets its rates, in Hz. The defaults are Pipecat's (PipelineParams).
 *
 * @throws TypeError | RangeError when a rate is not a positive integer.
 * @example
 * new StartFrame().audioInSampleRate; // 16000
 */
export class StartFrame extends SystemFrame {
  readonly audioInSampleRate: number;
  readonly audioOutSampleRate: number;

  constructor(options: { audioInSampleRate?: number; audioOutSampleRate?: number } = {}) {
    super();
    this.audioInSampleRate = positiveInteger("audioInSampleRate", options.audioInSampleRate ?? 16000);
    this.audioOutSampleRate = positiveInteger("audioOutSampleRate", options.audioOutSampleRate ?? 24000);
  }
}

/** The end, after everything queued before it. @example new EndFrame({ reason: "stop" }).reason; // "stop" */
export class EndFrame extends ControlFrame {
  readonly reason: string | null;

  constructor(options: { reason?: string | null } = {}) {
    super();
    this.reason = options.reason ?? null;
  }

  override get isUninterruptible(): boolean {
    return true;
  }
}

/** The end, now; what is queued is dropped. @example new CancelFrame({ reason: "drain" }).reason; // "drain" */
export class CancelFrame extends SystemFrame {
  readonly reason: string | null;

  constructor(options: { reason?: string | null } = {}) {
    super();
    this.reason = options.reason ?? null;
  }
}

/**
 * Stops the transports and leaves the processors as they are.
 *
 * @example
 * new StopFrame() instanceof ControlFrame; // true
 */
export class StopFrame extends ControlFrame {
  override get isUninterruptible(): boolean {
    return true;
  }
}

/**
 * Something failed. `fatal` says that the pipeline cannot go on; `processor` names the one that says so; `exception` is what
 * was thrown.
 *
 * @example
 * new ErrorFrame({ error: "speech service is gone", fatal: true }).fatal; // true
 */
export class ErrorFrame extends SystemFrame {
  readonly error: string;
  readonly fatal: boolean;
  readonly processor: string | null;
  readonly exception: unknown;

  constructor(options: { error: string; fatal?: boolean; processor?: string | null; exception?: unknown }) {
    super();
    this.error = text("error", options.error);
    this.fatal = options.fatal ?? false;
    this.processor = options.processor ?? null;
    this.exception = options.exception;
  }
}

// ── Audio ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Audio from the caller: signed 16-bit samples, channels interleaved.
 *
 * @throws TypeError | RangeError when `audio` is not an Int16Array, or a number is not a positive integer.
 * @example
 * new InputAudioRawFrame({ audio: new Int16Array(320), sampleRate: 16000, numChannels: 1 }).numFrames; // 320
 */
export class InputAudioRawFrame extends SystemFrame {
  readonly audio: Int16Array;
  readonly sampleRate: number;
  readonly numChannels: number;

  constructor(options: { audio: Int16Array; sampleRate: number; numChannels?: number }) {
    super();
    if (!(options.audio instanceof Int16Array)) throw wrongType("audio", "an Int16Array", options.audio);
    this.audio = options.audio;
    this.sampleRate = positiveInteger("sampleRate", options.sampleRate);
    this.numChannels = positiveInteger("numChannels", options.numChannels ?? 1);
  }

  /** Samples per channel. */
  get numFrames(): number {
    return Math.floor(this.audio.length / this.numChannels);
  }
}

/**
 * Audio for the caller: signed 16-bit samples, or the same as little-endian bytes; channels interleaved. Bytes may be
 * cut anywhere: what is left of a sample belongs to the next frame.
 *
 * @throws TypeError | RangeError when `audio` is neither Int16Array nor Uint8Array, or a number is not a positive integer.
 * @example
 * new OutputAudioRawFrame({ audio: new Uint8Array(960), sampleRate: 24000, numChannels: 1 }).numFrames; // 480
 */
export class OutputAudioRawFrame extends DataFrame {
  readonly audio: Int16Array | Uint8Array;
  readonly sampleRate: number;
  readonly numChannels: number;

  constructor(options: { audio: Int16Array | Uint8Array; sampleRate: number; numChannels?: number }) {
    super();
    if (!(options.audio instanceof Int16Array || options.audio instanceof Uint8Array)) {
      throw wrongType("audio", "an Int16Array or a Uint8Array", options.audio);
    }
    this.audio = options.audio;
    this.sampleRate = positiveInteger("sampleRate", options.sampleRate);
    this.numChannels = positiveInteger("numChannels", options.numChannels ?? 1);
  }

  /** Whole samples per channel. */
  get numFrames(): number {
    return Math.floor(this.audio.byteLength / (2 * this.numChannels));
  }
}

/**
 * Audio of a speech synthesizer; `contextId` names the utterance.
 *
 * @throws TypeError | RangeError as OutputAudioRawFrame does.
 * @example
 * new TTSAudioRawFrame({ audio: new Int16Array(480), sampleRate: 24000, contextId: "greeting" }).contextId; // "greeting"
 */
export class TTSAudioRawFrame extends OutputAudioRawFrame {
  readonly contextId: string | null;

  constructor(options: {
    audio: Int16Array | Uint8Array;
    sampleRate: number;
    numChannels?: number;
    contextId?: string | null;
  }) {
    super(options);
    this.contextId = options.contextId ?? null;
  }
}

/**
 * Either kind of audio frame: Pipecat's AudioRawFrame mixin, as a type.
 *
 * @example
 * const durationMs = (frame: AudioRawFrame) => (1000 * frame.numFrames) / frame.sampleRate;
 */
export type AudioRawFrame = InputAudioRawFrame | OutputAudioRawFrame;

// ── Speech and turns ────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Barge-in: the bot falls silent, what it had queued is dropped.
 *
 * @example
 * serializer.serialize(new InterruptionFrame()); // ['{"event":"clear","stream_id":"str-456"}']
 */
export class InterruptionFrame extends SystemFrame {}

/** The first audio of the bot goes out. @example new BotStartedSpeakingFrame() instanceof SystemFrame; // true */
export class BotStartedSpeakingFrame extends SystemFrame {}

/** The bot has finished, or was interrupted. @example new BotStoppedSpeakingFrame() instanceof SystemFrame; // true */
export class BotStoppedSpeakingFrame extends SystemFrame {}

/** The caller began to speak. @example new UserStartedSpeakingFrame() instanceof SystemFrame; // true */
export class UserStartedSpeakingFrame extends SystemFrame {}

/**
 * The caller fell silent. `speechEndedAtMs`, which is ours: when the end of the last word had reached us, on the clock of
 * `performance.now()`; null when that is not known.
 *
 * @example
 * new UserStoppedSpeakingFrame({ speechEndedAtMs: performance.now() - 300 });
 */
export class UserStoppedSpeakingFrame extends SystemFrame {
  readonly speechEndedAtMs: number | null;

  constructor(options: { speechEndedAtMs?: number | null } = {}) {
    super();
    this.speechEndedAtMs = options.speechEndedAtMs ?? null;
  }
}

/**
 * An utterance begins; `contextId` names it.
 *
 * @example
 * new TTSStartedFrame({ contextId: "greeting" }).contextId; // "greeting"
 */
export class TTSStartedFrame extends ControlFrame {
  readonly contextId: string | null;

  constructor(options: { contextId?: string | null } = {}) {
    super();
    this.contextId = options.contextId ?? null;
  }
}

/**
 * An utterance is complete: no more audio of it follows.
 *
 * @example
 * new TTSStoppedFrame({ contextId: "greeting" }).contextId; // "greeting"
 */
export class TTSStoppedFrame extends ControlFrame {
  readonly contextId: string | null;

  constructor(options: { contextId?: string | null } = {}) {
    super();
    this.contextId = options.contextId ?? null;
  }
}

/**
 * A piece of text.
 *
 * @throws TypeError when `text` is not a string.
 * @example
 * new TextFrame({ text: "hello" }).text; // "hello"
 */
export class TextFrame extends DataFrame {
  readonly text: string;

  constructor(options: { text: string }) {
    super();
    this.text = text("text", options.text);
  }
}

/**
 * What the caller said. `timestamp` is an ISO 8601 time, `language` a BCP 47 tag; `finalized`: nothing more comes of this
 * piece; `speechMs`, which is ours: how much speech it rests on, null when that is not known.
 *
 * @throws TypeError when `text`, `userId` or `timestamp` is not a string.
 * @example
 * new TranscriptionFrame({ text: "yes", userId: "caller", timestamp: "2024-01-15T10:30:00Z" }).text; // "yes"
 */
export class TranscriptionFrame extends TextFrame {
  readonly userId: string;
  readonly timestamp: string;
  readonly language: string | null;
  readonly finalized: boolean;
  readonly speechMs: number | null;

  constructor(options: {
    text: string;
    userId: string;
    timestamp: string;
    language?: string | null;
    finalized?: boolean;
    speechMs?: number | null;
  }) {
    super(options);
    this.userId = text("userId", options.userId);
    this.timestamp = text("timestamp", options.timestamp);
    this.language = options.language ?? null;
    this.finalized = options.finalized ?? false;
    this.speechMs = options.speechMs ?? null;
  }
}

// ── Keys ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const KEYS = "0123456789*#";

/** A key of a telephone: "0" to "9", "*" or "#". @example const star: KeypadEntry = "*"; */
export type KeypadEntry = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "*" | "#";

/**
 * The caller pressed a key.
 *
 * @throws RangeError when `button` is no key.
 * @example
 * new InputDTMFFrame({ button: "5" }).button; // "5"
 */
export class InputDTMFFrame extends SystemFrame {
  readonly button: KeypadEntry;

  constructor(options: { button: KeypadEntry }) {
    super();
    this.button = keypadEntry(options.button);
  }
}

/**
 * Keys for the other side, in order with the audio.
 *
 * @throws TypeError | RangeError when `buttons` holds something that is no key.
 * @example
 * new OutputDTMFFrame({ buttons: "12#" }).buttons; // ["1", "2", "#"]
 */
export class OutputDTMFFrame extends DataFrame {
  readonly buttons: readonly KeypadEntry[];

  constructor(options: { buttons: string | readonly KeypadEntry[] }) {
    super();
    this.buttons = keypadEntries(options.buttons);
  }
}

/**
 * Keys for the other side, ahead of the audio.
 *
 * @throws TypeError | RangeError when `buttons` holds something that is no key.
 * @example
 * new OutputDTMFUrgentFrame({ buttons: ["0"] }).buttons; // ["0"]
 */
export class OutputDTMFUrgentFrame extends SystemFrame {
  readonly buttons: readonly KeypadEntry[];

  constructor(options: { buttons: string | readonly KeypadEntry[] }) {
    super();
    this.buttons = keypadEntries(options.buttons);
  }
}

// ── Messages of the transport ───────────────────────────────────────────────────────────────────────────────────────

/**
 * A message the transport received for the application.
 *
 * @example
 * new InputTransportMessageFrame({ message: { type: "client-ready" } }).message;
 */
export class InputTransportMessageFrame extends SystemFrame {
  readonly message: unknown;

  constructor(options: { message: unknown }) {
    super();
    this.message = options.message;
  }
}

/**
 * A message to send as JSON, in order with the audio.
 *
 * @example
 * new OutputTransportMessageFrame({ message: { event: "mark", mark: { name: "end-of-greeting" } } });
 */
export class OutputTransportMessageFrame extends DataFrame {
  readonly message: unknown;

  constructor(options: { message: unknown }) {
    super();
    this.message = options.message;
  }
}

/**
 * A message to send as JSON, ahead of the audio.
 *
 * @example
 * new OutputTransportMessageUrgentFrame({ message: { event: "clear" } });
 */
export class OutputTransportMessageUrgentFrame extends SystemFrame {
  readonly message: unknown;

  constructor(options: { message: unknown }) {
    super();
    this.message = options.message;
  }
}

/**
 * Wavix reached a mark: what was sent before it has been played, or was cleared. This frame is ours; Pipecat has none.
 *
 * @throws TypeError when `markName` is not a string.
 * @example
 * new MarkFrame({ markName: "end-of-greeting" }).markName; // "end-of-greeting"
 */
export class MarkFrame extends SystemFrame {
  readonly markName: string;

  constructor(options: { markName: string }) {
    super();
    this.markName = text("markName", options.markName);
  }
}

// ── What constructors ask of their arguments ────────────────────────────────────────────────────────────────────────

function positiveInteger(name: string, value: number): number {
  if (typeof value !== "number") throw wrongType(name, "a number", value);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`${name} must be an integer of at least 1, got ${value}`);
  }
  return value;
}

function text(name: string, value: string): string {
  if (typeof value !== "string") throw wrongType(name, "a string", value);
  return value;
}

function keypadEntry(value: string): KeypadEntry {
  if (typeof value !== "string" || value.length !== 1 || !KEYS.includes(value)) {
    throw new RangeError(`button must be one of ${KEYS}`);
  }
  return value as KeypadEntry;
}

function keypadEntries(value: string | readonly string[]): readonly KeypadEntry[] {
  if (typeof value !== "string" && !Array.isArray(value)) throw wrongType("buttons", "a string or an array", value);
  return Array.from(value, keypadEntry);
}

function wrongType(name: string, wanted: string, value: unknown): TypeError {
  const kind = value === null ? "null" : typeof value === "object" ? value.constructor?.name : typeof value;
  return new TypeError(`${name} must be ${wanted}, got ${kind ?? "an object"}`);
}
