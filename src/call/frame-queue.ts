import type { Frame } from "../pipecat/frames.ts";

/** Five seconds of packets. A bot that reads later than that loses the oldest, counted in `dropped`. */
const CAPACITY = 250;

/**
 * The caller's frames on their way to a bot: to a listener at once, to an iteration in its own time. Whatever comes
 * before the bot reads waits here, so that a bot that starts slowly misses nothing.
 */
export class FrameQueue {
  /** Frames that were lost because nobody read them. */
  dropped = 0;
  readonly #waiting: Frame[] = [];
  #listener: ((frame: Frame) => void) | undefined;
  readonly #wakers: (() => void)[] = [];
  #ended = false;

  push(frame: Frame): void {
    if (this.#ended) return;
    // Behind those that wait, while a new listener is still being given them.
    if (this.#listener !== undefined && this.#waiting.length === 0) {
      this.#listener(frame);
      return;
    }
    if (this.#waiting.length === CAPACITY) {
      this.#waiting.shift();
      this.dropped++;
    }
    this.#waiting.push(frame);
    this.#wakeAll();
  }

  /** Gives all frames to `listener`, those that wait first (but not yet in this call), until the returned function is called. */
  listen(listener: (frame: Frame) => void): () => void {
    if (this.#listener !== undefined) throw new TypeError("the call's frames already have a listener");
    this.#listener = listener;
    queueMicrotask(() => {
      while (this.#listener === listener && this.#waiting.length > 0) listener(this.#waiting.shift() as Frame);
    });
    return () => {
      if (this.#listener === listener) this.#listener = undefined;
    };
  }

  /** Nothing more will come. */
  end(): void {
    this.#ended = true;
    this.#listener = undefined;
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame, void, void> {
    for (;;) {
      const frame = this.#waiting.shift();
      if (frame !== undefined) yield frame;
      else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wakers.push(resolve);
        });
      }
    }
  }
}
