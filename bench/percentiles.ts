/** How long things took, in ms: half of them, and 99 of 100, no longer than this. */
export interface Percentiles {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Of at least one duration. */
export function percentilesOf(durations: readonly number[]): Percentiles {
  const sorted = Float64Array.from(durations).sort();
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]!;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
