import {
  EagerEndOfTurnFrame,
  InterimTranscriptionFrame,
  LLMContextFrame,
  TurnResumedFrame,
} from "../conversation-frames.ts";
import {
  BotStartedSpeakingFrame,
  BotStoppedSpeakingFrame,
  ErrorFrame,
  type Frame,
  InterruptionFrame,
  TranscriptionFrame,
  UserStartedSpeakingFrame,
  UserStoppedSpeakingFrame,
} from "../frames.ts";
import { type FrameDirection, FrameProcessor, type ProcessRun } from "../pipeline/index.ts";
import { BargeIn, type BargeInOptions } from "./barge-in.ts";
import { concatenateText } from "./concatenate-text.ts";
import type { LLMContext, LLMMessage } from "./llm-context.ts";

/** What happens between the turns, for whoever wants to know. */
export interface UserContextListener {
  /** The caller has finished a turn. */
  onMessage?(text: string): void;
  /** The caller interrupts; `text` is what is known of it so far. */
  onInterruption?(text: string): void;
  /** Something was heard that was not enough to interrupt the bot: it goes on, and what was heard is dropped. */
  onFalseStart?(text: string): void;
}

/** A longer turn than this becomes two. */
const MAX_TURN_CHARACTERS = 8_000;

/**
 * Gathers what the caller says into turns: each becomes a message of the context, and asks the language model for an
 * answer. It decides what interrupts the bot. Whoever stands behind it sees `UserStartedSpeakingFrame` and
 * `UserStoppedSpeakingFrame` of turns only: of a cough, or a word that was not enough, neither.
 *
 * ```
 *            words of the caller              end of turn
 *   silent ───────────────────▶ listening ───────────────▶ answering ──▶ heard: silent
 *                                   ▲                          │
 *                                   └── enough words: InterruptionFrame
 * ```
 */
export class UserContext extends FrameProcessor {
  readonly #context: LLMContext;
  readonly #bargeIn: BargeIn;
  readonly #listener: UserContextListener;
  /** Final pieces of the turn, and what has come that may still change. */
  #pieces: string[] = [];
  #interim = "";
  #speechMs: number | null = null;
  /** Whether what is said counts: the bot was silent, or enough was said to silence it. */
  #hasTheWord = false;
  #botSpeaks = false;
  #answerIsDue = false;
  #speculation: PendingSpeculation | undefined;

  /** @throws RangeError when a bound of `bargeIn` is not a number of at least 0 */
  constructor(context: LLMContext, options: { bargeIn?: BargeInOptions; listener?: UserContextListener } = {}) {
    super();
    this.#context = context;
    this.#bargeIn = new BargeIn(options.bargeIn);
    this.#listener = options.listener ?? {};
  }

  override processFrame(frame: Frame, direction: FrameDirection, run: ProcessRun): void | Promise<void> {
    if (direction === "upstream") {
      this.#follow(frame);
      return run.pushFrame(frame, direction);
    }
    if (frame instanceof InterimTranscriptionFrame) {
      this.#interim = frame.text;
      this.#heard(frame.speechMs);
    } else if (frame instanceof TranscriptionFrame) {
      this.#interim = "";
      if (frame.text.trim() !== "") this.#pieces.push(frame.text.trim());
      this.#heard(frame.speechMs);
      if (this.#text.length > MAX_TURN_CHARACTERS) return this.#endTurn();
    } else if (frame instanceof EagerEndOfTurnFrame) this.#speculate(frame.text.trim());
    else if (frame instanceof TurnResumedFrame) this.#forgetSpeculation();
    else if (frame instanceof UserStoppedSpeakingFrame) return this.#endTurn(frame);
    else if (!(frame instanceof UserStartedSpeakingFrame)) {
      if (frame instanceof InterruptionFrame) this.#interrupted();
      return run.pushFrame(frame);
    }
  }

  override cleanup(): void {
    this.#forgetSpeculation();
  }

  /** What comes back of the answer. */
  #follow(frame: Frame): void {
    if (frame instanceof BotStartedSpeakingFrame) this.#botSpeaks = true;
    else if (frame instanceof BotStoppedSpeakingFrame) this.#silenced();
    else if (frame instanceof ErrorFrame) this.#answerIsDue = false;
    else if (frame instanceof InterruptionFrame) this.#interrupted();
  }

  /** By somebody else: what was prepared for the end of the turn is gone too. */
  #interrupted(): void {
    this.#silenced();
    this.#forgetSpeculation();
  }

  #silenced(): void {
    this.#botSpeaks = false;
    this.#answerIsDue = false;
  }

  get #text(): string {
    const said = concatenateText(this.#pieces);
    // Of some services it is the whole turn so far, of others what is not final of it.
    return this.#interim.startsWith(said) ? this.#interim : concatenateText([said, this.#interim]);
  }

  #heard(speechMs: number | null): void {
    this.#speechMs = speechMs;
    const text = this.#text;
    // The bot may have begun to speak in the middle of the turn: a caller who goes on silences it.
    if (text === "" || (this.#hasTheWord && !this.#botSpeaks)) return;
    if (this.#botSpeaks && !this.#bargeIn.isMeant(text, speechMs)) return;
    if (!this.#hasTheWord) void this.pushFrame(new UserStartedSpeakingFrame());
    this.#hasTheWord = true;
    const interrupts = this.#botSpeaks || this.#answerIsDue;
    this.#silenced();
    // Whatever is in the making is no more the right answer, for there is more to what it answers: also while the bot has
    // fallen silent over a tool that runs, of which nothing is known here.
    this.broadcastFrame(() => new InterruptionFrame());
    if (interrupts) this.#listener.onInterruption?.(text);
  }

  /** An answer is prepared for what will probably be the turn. */
  #speculate(text: string): void {
    if (text === "") return;
    this.#interim = text;
    this.#heard(this.#speechMs);
    this.#forgetSpeculation();
    if (!this.#hasTheWord) return;
    const speculation = new PendingSpeculation(text);
    this.#speculation = speculation;
    void this.pushFrame(new LLMContextFrame({ context: this.#context, speculation }));
  }

  #forgetSpeculation(): void {
    this.#speculation?.settle(false);
    this.#speculation = undefined;
  }

  /** `stopped` goes on when it was a turn, and before the answer is asked for: whoever measures that begins there. */
  #endTurn(stopped = new UserStoppedSpeakingFrame()): void | Promise<void> {
    const text = this.#text;
    const counts = this.#hasTheWord;
    const speculation = this.#speculation;
    this.#speculation = undefined;
    this.#pieces = [];
    this.#interim = "";
    this.#speechMs = null;
    this.#hasTheWord = false;
    if (text === "" || !counts) {
      speculation?.settle(false);
      if (text !== "") this.#listener.onFalseStart?.(text);
      return;
    }
    this.#answerIsDue = true;
    void this.pushFrame(stopped);
    this.#context.add({ role: "user", content: text });
    this.#listener.onMessage?.(text);
    if (speculation?.userMessage.content === text) return speculation.settle(true);
    speculation?.settle(false);
    return this.pushFrame(new LLMContextFrame({ context: this.#context }));
  }
}

class PendingSpeculation {
  readonly userMessage: LLMMessage;
  readonly confirmed: Promise<boolean>;
  settle!: (confirmed: boolean) => void;

  constructor(text: string) {
    this.userMessage = { role: "user", content: text };
    this.confirmed = new Promise((resolve) => {
      this.settle = resolve;
    });
  }
}
