import { type Frame, LLMTextFrame } from "../../../../pipecat/index.ts";

type Push = (frame: Frame) => void | Promise<void>;

/** Where the frames of an answer go: on at once, or, while it is not certain that the answer is wanted, nowhere yet. */
export class Outlet {
  readonly #push: Push;
  #held: Frame[] | null;

  constructor(push: Push, isHeld: boolean) {
    this.#push = push;
    this.#held = isHeld ? [] : null;
  }

  push(frame: Frame): void | Promise<void> {
    if (this.#held === null) return this.#push(frame);
    const last = this.#held.at(-1);
    // What was held back comes at once anyway: one frame serves as well as a hundred.
    if (frame instanceof LLMTextFrame && last instanceof LLMTextFrame) {
      this.#held[this.#held.length - 1] = new LLMTextFrame({ text: last.text + frame.text });
    } else this.#held.push(frame);
  }

  /** The answer is wanted: all that was held goes on, and what comes from now on too. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const frame of held) void this.#push(frame);
  }
}
