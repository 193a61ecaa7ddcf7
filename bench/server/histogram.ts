const STEPS_PER_MS = 20;
const LONGEST_MS = 2_000;

/** Counts durations in steps of 0.05 ms: the load must not make garbage for each packet. */
export class Histogram {
  readonly #counts = new Uint32Array(LONGEST_MS * STEPS_PER_MS + 1);
  count = 0;

  /** Negative durations count as 0. */
  add(ms: number): void {
    const step = Math.min(this.#counts.length - 1, Math.max(0, Math.round(ms * STEPS_PER_MS)));
    this.#counts[step]!++;
    this.count++;
  }

  /** The shortest duration that so large a share does not exceed, in ms. */
  percentile(share: number): number {
    let left = Math.max(1, Math.ceil(this.count * share));
    for (let step = 0; step < this.#counts.length; step++) {
      left -= this.#counts[step]!;
      if (left <= 0) return step / STEPS_PER_MS;
    }
    return LONGEST_MS;
  }

  clear(): void {
    this.#counts.fill(0);
    this.count = 0;
  }
}
