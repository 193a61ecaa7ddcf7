/**
 * A rate limit that lets bursts through: `burst` at once, `ratePerSecond` in the long run. It is full at first.
 *
 * @example
 * const bucket = new TokenBucket(50, 100);
 * if (!bucket.take(performance.now())) dropped++;
 */
export class TokenBucket {
  readonly #ratePerMs: number;
  readonly #burst: number;
  #tokens: number;
  #atMs = Number.NEGATIVE_INFINITY;

  /** @throws RangeError for a rate or a burst that is not above 0 */
  constructor(ratePerSecond: number, burst: number) {
    if (!(ratePerSecond > 0)) throw new RangeError(`ratePerSecond must be above 0, got ${ratePerSecond}`);
    if (!(burst >= 1)) throw new RangeError(`burst must be at least 1, got ${burst}`);
    this.#ratePerMs = ratePerSecond / 1_000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Takes one, if there is one. `nowMs` is of any clock that does not go back. */
  take(nowMs: number): boolean {
    this.#refill(nowMs);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Whether {@link take} would get none. */
  isEmpty(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#tokens < 1;
  }

  /** Whether at least half of the burst is there again. */
  isHalfFull(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#tokens >= this.#burst / 2;
  }

  #refill(nowMs: number): void {
    if (nowMs <= this.#atMs) return;
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#atMs) * this.#ratePerMs);
    this.#atMs = nowMs;
  }
}
