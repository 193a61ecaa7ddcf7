/** Tells the time, in ms. `performance.now` in a page; browsers round it, some to 100 ms. */
export type Clock = () => number;

/** The smallest step that a clock was seen to make, in ms. Watches it for up to `limitMs`. */
export function clockStepMs(now: Clock, limitMs = 250): number {
  const startedAt = now();
  let smallest = Number.POSITIVE_INFINITY;
  let last = startedAt;
  for (let steps = 0; steps < 20 && last - startedAt < limitMs; ) {
    const time = now();
    if (time === last) continue;
    smallest = Math.min(smallest, time - last);
    last = time;
    steps++;
  }
  return smallest;
}

/**
 * How long a batch must run so that the clock's steps cost at most one part in two hundred: at least 8 ms, at most 2 s.
 */
export function batchMsFor(stepMs: number): number {
  return Math.min(2_000, Math.max(8, 200 * stepMs));
}

/**
 * Times batches of one kind of work, each about as long as it is told to be.
 *
 * @example
 * const stopwatch = new Stopwatch((count) => work.run(count), () => performance.now());
 * stopwatch.measure(10); // ns per step
 */
export class Stopwatch {
  readonly #run: (count: number) => void;
  readonly #now: Clock;
  #count = 1;

  constructor(run: (count: number) => void, now: Clock) {
    this.#run = run;
    this.#now = now;
  }

  /** Runs batches, longer and longer until one takes about `batchMs`; ns per step of that one. */
  measure(batchMs: number): number {
    for (;;) {
      const startedAt = this.#now();
      this.#run(this.#count);
      const elapsedMs = this.#now() - startedAt;
      const count = this.#count;
      // Eight times at most: the first steps of a fresh engine are slow and say little.
      const growth = elapsedMs > 0 ? Math.min(8, (1.05 * batchMs) / elapsedMs) : 8;
      this.#count = Math.max(1, Math.ceil(count * growth));
      if (elapsedMs >= 0.8 * batchMs) return (elapsedMs * 1e6) / count;
    }
  }
}
