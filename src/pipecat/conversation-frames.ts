/** The frames of a conversation between a caller, a language model and a voice; Pipecat's names where it has them. */
import type { LLMContext, LLMMessage } from "./context/llm-context.ts";
import { ControlFrame, DataFrame, SystemFrame, TextFrame } from "./frames.ts";

// ── What the caller says ────────────────────────────────────────────────────────────────────────────────────────────

/**
 * What the caller has said of the turn so far; it may still change. `speechMs`, which is ours: how much speech it rests on.
 *
 * @throws TypeError when `text` is not a string.
 * @example
 * new InterimTranscriptionFrame({ text: "I would", userId: "caller", timestamp: new Date().toISOString() });
 */
export class InterimTranscriptionFrame extends TextFrame {
  readonly userId: string;
  readonly timestamp: string;
  readonly language: string | null;
  readonly speechMs: number | null;

  constructor(options: {
    text: string;
    userId: string;
    timestamp: string;
    language?: string | null;
    speechMs?: number | null;
  }) {
    super(options);
    this.userId = options.userId;
    this.timestamp = options.timestamp;
    this.language = options.language ?? null;
    this.speechMs = options.speechMs ?? null;
  }
}

/**
 * The caller has probably finished; `text` is the whole turn. An answer may be prepared, not spoken. Ours.
 *
 * @example
 * new EagerEndOfTurnFrame({ text: "What time is it?" }).text; // "What time is it?"
 */
export class EagerEndOfTurnFrame extends SystemFrame {
  readonly text: string;

  constructor(options: { text: string }) {
    super();
    this.text = options.text;
  }
}

/** The caller goes on after an {@link EagerEndOfTurnFrame}. Ours. @example new TurnResumedFrame().name; */
export class TurnResumedFrame extends SystemFrame {}

// ── What the language model answers ─────────────────────────────────────────────────────────────────────────────────

/** An answer that is prepared before it is certain that the caller has finished. */
export interface Speculation {
  /** What the caller seems to have said; not yet in the context. */
  readonly userMessage: LLMMessage;
  /** True when the turn ended so: the answer may be spoken, and `userMessage` is in the context. False: forget it. */
  readonly confirmed: Promise<boolean>;
}

/**
 * Asks the language model for an answer.
 *
 * @example
 * new LLMContextFrame({ context }).speculation; // null
 */
export class LLMContextFrame extends DataFrame {
  readonly context: LLMContext;
  readonly speculation: Speculation | null;

  constructor(options: { context: LLMContext; speculation?: Speculation | null }) {
    super();
    this.context = options.context;
    this.speculation = options.speculation ?? null;
  }
}

/** An answer of the language model begins. @example new LLMFullResponseStartFrame() instanceof ControlFrame; // true */
export class LLMFullResponseStartFrame extends ControlFrame {}

/** An answer of the language model is complete. @example new LLMFullResponseEndFrame() instanceof ControlFrame; // true */
export class LLMFullResponseEndFrame extends ControlFrame {}

/** A piece of an answer, as it comes: of any length. @example new LLMTextFrame({ text: "Hel" }).text; // "Hel" */
export class LLMTextFrame extends TextFrame {}

// ── What the voice says ─────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Has the voice say something that no language model made.
 *
 * @example
 * await pipeline.queueFrame(new TTSSpeakFrame({ text: "One moment, please." }));
 */
export class TTSSpeakFrame extends DataFrame {
  readonly text: string;
  /** Whether it becomes part of the conversation's context, once heard. */
  readonly appendToContext: boolean;

  constructor(options: { text: string; appendToContext?: boolean }) {
    super();
    this.text = options.text;
    this.appendToContext = options.appendToContext ?? true;
  }
}

/**
 * What is spoken: a word, or a longer piece. Behind `call.output()`: what was heard. `endMs`, which is ours: where it ends
 * in the audio of its utterance; null when that is not known.
 *
 * @example
 * new TTSTextFrame({ text: "Hello", contextId: "greeting", endMs: 340 }).endMs; // 340
 */
export class TTSTextFrame extends TextFrame {
  readonly contextId: string | null;
  readonly endMs: number | null;
  readonly appendToContext: boolean;

  constructor(options: {
    text: string;
    contextId?: string | null;
    endMs?: number | null;
    appendToContext?: boolean;
  }) {
    super(options);
    this.contextId = options.contextId ?? null;
    this.endMs = options.endMs ?? null;
    this.appendToContext = options.appendToContext ?? true;
  }
}

// ── The end ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Ends the call when the caller has heard all that was said before it. A caller who interrupts that keeps the call. Ours.
 *
 * @example
 * await run.pushFrame(new EndWhenHeardFrame({ reason: "goodbye" }));
 */
export class EndWhenHeardFrame extends ControlFrame {
  readonly reason: string | null;

  constructor(options: { reason?: string | null } = {}) {
    super();
    this.reason = options.reason ?? null;
  }
}

/**
 * Pushed upstream: asks the pipeline to end when everything queued is through.
 *
 * @example
 * await run.pushFrame(new EndWorkerFrame({ reason: "done" }), "upstream");
 */
export class EndWorkerFrame extends SystemFrame {
  readonly reason: string | null;

  constructor(options: { reason?: string | null } = {}) {
    super();
    this.reason = options.reason ?? null;
  }
}

/**
 * Pushed upstream: asks the pipeline to end now.
 *
 * @example
 * await run.pushFrame(new CancelWorkerFrame({ reason: "caller-gone" }), "upstream");
 */
export class CancelWorkerFrame extends SystemFrame {
  readonly reason: string | null;

  constructor(options: { reason?: string | null } = {}) {
    super();
    this.reason = options.reason ?? null;
  }
}

// ── Figures ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A figure of a processor; the unit stands in its name. */
export interface MetricsData {
  readonly processor: string;
  readonly name: string;
  readonly value: number;
}

/**
 * Figures, for whoever watches the pipeline.
 *
 * @example
 * new MetricsFrame({ data: [{ processor: "LLM", name: "ttfbMs", value: 310 }] }).data.length; // 1
 */
export class MetricsFrame extends SystemFrame {
  readonly data: readonly MetricsData[];

  constructor(options: { data: readonly MetricsData[] }) {
    super();
    this.data = options.data;
  }
}
