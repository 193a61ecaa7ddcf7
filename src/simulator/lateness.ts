/** How late something was, over many times, in ms. All 0 when there were none. */
export interface Lateness {
  count: number;
  /** Half were no later than this, to 1 ms. */
  p50Ms: number;
  /** 99 of 100 were no later than this, to 1 ms. */
  p99Ms: number;
  maxMs: number;
}

const lastBin = 255;

/** Counts lateness in bins of 1 ms, the last of which takes all from 255 ms up: constant memory, nothing kept per packet. */
export class LatenessHistogram {
  readonly #bins = new Uint32Array(lastBin + 1);
  #count = 0;
  #maxMs = 0;

  add(lateMs: number): void {
    const ms = Math.max(0, lateMs);
    this.#bins[Math.min(lastBin, Math.ceil(ms))]! += 1;
    this.#count += 1;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  summary(): Lateness {
    return { count: this.#count, p50Ms: this.#percentile(0.5), p99Ms: this.#percentile(0.99), maxMs: this.#maxMs };
  }

  #percentile(share: number): number {
    let left = Math.ceil(this.#count * share);
    if (left === 0) return 0;
    for (let bin = 0; bin < lastBin; bin++) {
      left -= this.#bins[bin]!;
      if (left <= 0) return Math.min(bin, this.#maxMs);
    }
    return this.#maxMs;
  }
}
