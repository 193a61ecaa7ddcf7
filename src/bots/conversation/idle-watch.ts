import {
  BotStartedSpeakingFrame,
  BotStoppedSpeakingFrame,
  type Frame,
  InterimTranscriptionFrame,
  LLMContextFrame,
  TranscriptionFrame,
} from "../../pipecat/index.ts";

/** Nobody has said anything for a long time: a telephone left off the hook is billed all the same. */
export class IdleWatch {
  readonly #afterMs: number;
  readonly #onIdle: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #botSpeaks = false;

  /** @param afterMs how long nobody may speak; 0: for ever */
  constructor(afterMs: number, onIdle: () => void) {
    this.#afterMs = afterMs;
    this.#onIdle = onIdle;
  }

  /** Begins anew: something was said, or the call has begun. While the bot speaks, however long, nothing is awaited. */
  restart(): void {
    this.stop();
    if (this.#afterMs > 0 && !this.#botSpeaks) this.#timer = setTimeout(this.#onIdle, this.#afterMs);
  }

  botSpeaks(speaks: boolean): void {
    this.#botSpeaks = speaks;
    this.restart();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** A frame goes from one processor of a pipeline to the next. */
  pushed(frame: Frame): void {
    if (frame instanceof BotStartedSpeakingFrame) this.botSpeaks(true);
    else if (frame instanceof BotStoppedSpeakingFrame) this.botSpeaks(false);
    else if (
      frame instanceof InterimTranscriptionFrame ||
      frame instanceof TranscriptionFrame ||
      frame instanceof LLMContextFrame
    ) {
      this.restart();
    }
  }
}
