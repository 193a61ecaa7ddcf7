/** A quantity that was looked at now and then. */
export interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

/** How much a quantity grew, once it had warmed up. */
export interface Flatness {
  /** Lower quartiles of the first and the last third of the time after the warm-up. */
  readonly earlyBytes: number;
  readonly lateBytes: number;
  /** What `lateBytes` may be at most. */
  readonly boundBytes: number;
  /** Slope of the line through all samples after the warm-up. */
  readonly bytesPerHour: number;
  readonly flat: boolean;
}

/**
 * Whether a quantity stays flat: its lower quartile in the last third of the time is no more than `share` and `allowance`
 * above that of the first third. What only comes and goes, such as audio that waits, is in the upper ones; what stays is in
 * all.
 *
 * @returns null for fewer than nine samples after the warm-up, of which nothing can be said
 */
export function flatnessOf(
  samples: readonly Sample[],
  warmUpMs: number,
  share: number,
  allowance: number,
): Flatness | null {
  const warm = samples.filter(({ atMs }) => atMs >= warmUpMs);
  if (warm.length < 9) return null;
  const third = Math.floor(warm.length / 3);
  const earlyBytes = lowerQuartile(warm.slice(0, third));
  const lateBytes = lowerQuartile(warm.slice(-third));
  const boundBytes = earlyBytes * (1 + share) + allowance;
  return { earlyBytes, lateBytes, boundBytes, bytesPerHour: 3_600_000 * slope(warm), flat: lateBytes <= boundBytes };
}

function lowerQuartile(samples: readonly Sample[]): number {
  const sorted = samples.map(({ bytes }) => bytes).sort((a, b) => a - b);
  return sorted[sorted.length >> 2]!;
}

/** Least squares, in bytes per ms. */
function slope(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number) => samples.reduce((sum, one) => sum + of(one), 0) / samples.length;
  const meanAt = mean(({ atMs }) => atMs);
  const meanBytes = mean(({ bytes }) => bytes);
  const covariance = mean(({ atMs, bytes }) => (atMs - meanAt) * (bytes - meanBytes));
  return covariance / mean(({ atMs }) => (atMs - meanAt) ** 2);
}
