/** How late something was, over many times, in ms. All 0 when there were none. */
export interface Lateness {
  count: number;
  /** Half were no later than this, to 1 ms. */
  p50Ms: number;
  /** 99 of 100 were no later than this, to 1 ms. */
  p99Ms: number;
  maxMs: number;
}

/** Counts times in bins of 1 ms, the last of which takes all that is longer: constant memory, nothing kept per packet. */
export class LatenessHistogram {
  readonly #bins: Uint32Array;
  #count = 0;
  #maxMs = 0;

  /** @param lastBin times from so many ms up are one bin */
  constructor(lastBin = 255) {
    this.#bins = new Uint32Array(lastBin + 1);
  }

  add(lateMs: number): void {
    const ms = Math.max(0, lateMs);
    this.#bins[Math.min(this.#bins.length - 1, Math.ceil(ms))]! += 1;
    this.#count += 1;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  summary(): Lateness {
    return { count: this.#count, p50Ms: this.percentile(0.5), p99Ms: this.percentile(0.99), maxMs: this.#maxMs };
  }

  /** So large a share was no longer than this, in ms; 0 when nothing was counted. */
  percentile(share: number): number {
    let left = Math.ceil(this.#count * share);
    if (left === 0) return 0;
    for (let bin = 0; bin < this.#bins.length - 1; bin++) {
      left -= this.#bins[bin]!;
      if (left <= 0) return Math.min(bin, this.#maxMs);
    }
    return this.#maxMs;
  }
}
