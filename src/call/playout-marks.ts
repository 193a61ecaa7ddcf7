/** How long after the end of the audio the echo of a mark is waited for. */
const GRACE_MS = 2_000;

/** All names begin with this, so that the marks of a bot are told apart. */
const PREFIX = "pw-";

/** How a mark ended: it came back, it did not and was given up, or what it was sent behind was taken back. */
export type MarkOutcome = "echoed" | "missed" | "cleared";

interface PendingMark {
  readonly name: string;
  readonly settle: (outcome: MarkOutcome) => void;
  /** When the caller has heard what was sent before it, by the clock. */
  readonly dryAtMs: number;
}

/**
 * The marks behind which Wavix is to say «played». Their names carry a generation: what was sent before an interruption
 * comes back all the same, and must not be taken for an answer to what was sent after it.
 */
export class PlayoutMarks {
  /** Marks that came back, and marks that did not in time. */
  echoedCount = 0;
  missedCount = 0;
  readonly #pending: PendingMark[] = [];
  #generation = 0;
  #count = 0;

  get isEmpty(): boolean {
    return this.#pending.length === 0;
  }

  /**
   * The name of a mark that is being sent, behind audio that the caller will have heard at `dryAtMs`. `settle` is called
   * once.
   */
  send(dryAtMs: number, settle: (outcome: MarkOutcome) => void): string {
    const name = `${PREFIX}${this.#generation}-${++this.#count}`;
    this.#pending.push({ name, settle, dryAtMs });
    return name;
  }

  /** A mark came back. Whether it is one of these, be it a late one. */
  echoed(name: string): boolean {
    const index = this.#pending.findIndex((mark) => mark.name === name);
    if (index >= 0) {
      this.echoedCount++;
      // Marks come back in the order they were sent: one that was passed over is not going to, but has been played.
      for (const mark of this.#pending.splice(0, index + 1)) mark.settle("echoed");
    } else if (name.startsWith(`${PREFIX}${this.#generation}-`)) {
      // It had been given up, but the next may come back in time.
      this.echoedCount++;
    }
    return name.startsWith(PREFIX);
  }

  /** Gives up on those whose time is over. */
  expire(nowMs: number): void {
    while (this.#pending.length > 0) {
      // A peer that has never echoed one is not waited for again.
      const patienceMs = this.missedCount > 0 && this.echoedCount === 0 ? 0 : GRACE_MS;
      if ((this.#pending[0] as PendingMark).dryAtMs + patienceMs > nowMs) return;
      this.missedCount++;
      this.#pending.shift()?.settle("missed");
    }
  }

  /** The audio was taken back: nothing of it will be played. */
  clear(): void {
    this.#generation++;
    for (const mark of this.#pending.splice(0)) mark.settle("cleared");
  }
}
