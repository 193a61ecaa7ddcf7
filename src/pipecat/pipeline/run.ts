import type { Frame } from "../frames.ts";

/** Which way a frame goes: from the caller to the caller, or against it. */
export type FrameDirection = "downstream" | "upstream";

/** One handling of one frame by a processor. */
export interface ProcessRun {
  /** Aborts when an interruption, or the end of the pipeline, cancels this handling. */
  readonly signal: AbortSignal;
  /**
   * Passes a frame to the next processor. When this handling is cancelled, it goes nowhere.
   *
   * @returns nothing, or a promise that settles when the next processor has room again
   */
  pushFrame(frame: Frame, direction?: FrameDirection): void | Promise<void>;
}

type Push = (frame: Frame, direction: FrameDirection) => void | Promise<void>;

/** A handling that can be cancelled. Its signal comes into being when somebody asks for it: most handlings are short. */
export class CancellableRun implements ProcessRun {
  readonly frame: Frame;
  readonly #push: Push;
  #aborter: AbortController | undefined;
  #cancelled = false;

  constructor(frame: Frame, push: Push) {
    this.frame = frame;
    this.#push = push;
  }

  get isCancelled(): boolean {
    return this.#cancelled;
  }

  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      this.#aborter = new AbortController();
      if (this.#cancelled) this.#aborter.abort();
    }
    return this.#aborter.signal;
  }

  pushFrame(frame: Frame, direction: FrameDirection = "downstream"): void | Promise<void> {
    if (!this.#cancelled) return this.#push(frame, direction);
  }

  cancel(): void {
    this.#cancelled = true;
    this.#aborter?.abort();
  }
}
