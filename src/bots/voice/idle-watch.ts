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

  start(): void {
    this.stop();
    if (this.#afterMs > 0 && !this.#botSpeaks) this.#timer = setTimeout(this.#onIdle, this.#afterMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** A frame goes from one processor of the pipeline to the next. */
  pushed(frame: Frame): void {
    if (frame instanceof BotStartedSpeakingFrame) {
      // However long it speaks: somebody does.
      this.#botSpeaks = true;
      this.stop();
    } else if (frame instanceof BotStoppedSpeakingFrame) {
      this.#botSpeaks = false;
      this.start();
    } else if (
      frame instanceof InterimTranscriptionFrame ||
      frame instanceof TranscriptionFrame ||
      frame instanceof LLMContextFrame
    ) {
      this.start();
    }
  }
}
