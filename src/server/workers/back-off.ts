/** One that lived this long was well, in ms: the next begins at once. */
const WELL_AFTER_MS = 10_000;
const FIRST_MS = 200;
const LONGEST_MS = 30_000;

/**
 * How long to wait before a worker is replaced: not at all for one that had lived, twice as long every time for one that
 * dies again and again at its start.
 */
export class BackOff {
  #failures = 0;

  /** @param livedMs how long the dead one was ready, 0 for never */
  nextMs(livedMs: number): number {
    if (livedMs >= WELL_AFTER_MS) this.#failures = 0;
    const delayMs = this.#failures === 0 ? 0 : Math.min(FIRST_MS * 2 ** (this.#failures - 1), LONGEST_MS);
    this.#failures = Math.min(this.#failures + 1, 20);
    return delayMs;
  }
}
