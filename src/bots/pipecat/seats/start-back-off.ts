/** One that lived this long was well, in ms. */
const WELL_AFTER_MS = 10_000;
const FIRST_MS = 200;
const LONGEST_MS = 30_000;

/**
 * When a process may be started, after others have died: at once after the first, which may have met a port that was
 * taken in the meantime; then twice as late every time.
 */
export class StartBackOff {
  #failures = 0;
  #untilMs = 0;

  /** Failed again and again: the command itself may be broken. */
  get isBroken(): boolean {
    return this.#failures > 1;
  }

  /** How long to wait now. */
  get waitMs(): number {
    return Math.max(0, this.#untilMs - performance.now());
  }

  /** @param livedMs how long the dead one was ready, 0 for never */
  failed(livedMs: number): void {
    if (livedMs >= WELL_AFTER_MS) this.#failures = 0;
    const delayMs = this.#failures === 0 ? 0 : Math.min(FIRST_MS * 2 ** (this.#failures - 1), LONGEST_MS);
    this.#failures = Math.min(this.#failures + 1, 20);
    this.#untilMs = performance.now() + delayMs;
  }

  /** One has carried a call. */
  succeeded(): void {
    this.#failures = 0;
    this.#untilMs = 0;
  }
}
