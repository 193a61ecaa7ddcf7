/** How long after the end of the audio the echo of a mark is waited for. */
const GRACE_MS = 2_000;

/** All names begin with this, so that the marks of a bot are told apart. */
const PREFIX = "pw-";

interface PendingMark {
  readonly name: string;
  readonly resolve: () => void;
  /** After this moment the clock's word is taken; unknown until the mark has been sent. */
  deadlineMs: number;
}

/**
 * The marks behind which Wavix is to say «played». Their names carry a generation: what was sent before an interruption
 * comes back all the same, and must not be taken for an answer to what was sent after it.
 */
export class PlayoutMarks {
  readonly #pending: PendingMark[] = [];
  #generation = 0;
  #count = 0;
  #echoed = 0;
  #missed = 0;

  get isEmpty(): boolean {
    return this.#pending.length === 0;
  }

  /** A new mark's name. `settle` is called when it has been played, or it is known that it never will be. */
  add(settle: () => void): string {
    const name = `${PREFIX}${this.#generation}-${++this.#count}`;
    this.#pending.push({ name, resolve: settle, deadlineMs: Number.POSITIVE_INFINITY });
    return name;
  }

  /** The mark has been sent, behind audio that the caller will have heard at `dryAtMs`. */
  sent(name: string, dryAtMs: number): void {
    const mark = this.#pending.find((pending) => pending.name === name);
    // A peer that has never echoed one is not waited for again.
    if (mark !== undefined) mark.deadlineMs = dryAtMs + (this.#missed > 0 && this.#echoed === 0 ? 0 : GRACE_MS);
  }

  /** A mark came back. Whether it is one of these, be it a late one. */
  echoed(name: string): boolean {
    const index = this.#pending.findIndex((mark) => mark.name === name);
    if (index >= 0) {
      this.#echoed++;
      // Marks come back in the order they were sent: one that was passed over is not going to.
      for (const mark of this.#pending.splice(0, index + 1)) mark.resolve();
    }
    return name.startsWith(PREFIX);
  }

  /** Gives up on those whose time is over. */
  expire(nowMs: number): void {
    while ((this.#pending[0]?.deadlineMs ?? Number.POSITIVE_INFINITY) <= nowMs) {
      this.#missed++;
      this.#pending.shift()?.resolve();
    }
  }

  /** The audio was taken back: nothing of it will be played. */
  clear(): void {
    this.#generation++;
    for (const mark of this.#pending.splice(0)) mark.resolve();
  }
}
