import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";

/** How often the event loop is looked at, in ms: what the histogram measures even of an idle one. */
const RESOLUTION_MS = 10;
/** What was measured counts for this long. */
const WINDOW_MS = 1_000;
/** Windows that the guard looks at: a process that has just started, or is starved for a moment, is late in one. */
const GUARD_WINDOWS = 3;

/** How late the event loop ran what was due, in the last second. Runs from `start` to `stop`; keeps no process alive. */
export class LoopDelay {
  #histogram: IntervalHistogram | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #quantiles: Readonly<Record<"p50" | "p90" | "p99", number>> = { p50: 0, p90: 0, p99: 0 };

  #medians: readonly number[] = [];

  start(): void {
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    histogram.enable();
    this.#histogram = histogram;
    this.#timer = setInterval(() => this.#turn(histogram), WINDOW_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#histogram?.disable();
  }

  /** In ms. One long pause is in `p99`; when the process is out of breath all the time, it is in `p50` too. */
  get quantilesMs(): Readonly<Record<"p50" | "p90" | "p99", number>> {
    return this.#quantiles;
  }

  /**
   * How late the process has been all the time, in ms: the median of the best of the last three seconds. It does not rise
   * with a pause, however long, and falls with the first good second.
   */
  get sustainedMs(): number {
    return this.#medians.length < GUARD_WINDOWS ? 0 : Math.min(...this.#medians);
  }

  #turn(histogram: IntervalHistogram): void {
    const at = (percentile: number) => Math.max(0, histogram.percentile(percentile) / 1e6 - RESOLUTION_MS);
    this.#quantiles = { p50: at(50), p90: at(90), p99: at(99) };
    this.#medians = [...this.#medians, this.#quantiles.p50].slice(-GUARD_WINDOWS);
    histogram.reset();
  }
}
