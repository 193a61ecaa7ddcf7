import type { Metric } from "prom-client";

/** Values by bucket, the last being for what is beyond all of them, and their sum: plain numbers, which add up. */
export interface Counts {
  counts: number[];
  sumMs: number;
}

/** Adds the counts of a part with the same buckets. */
export function addCounts(sum: Counts, part: Readonly<Counts>): void {
  sum.sumMs += part.sumMs;
  for (const [bucket, count] of part.counts.entries()) sum.counts[bucket] = (sum.counts[bucket] ?? 0) + count;
}

/**
 * A histogram that is counted elsewhere: prom-client's own takes observations one by one.
 *
 * @param bucketsMs their upper ends
 * @param read gives the counts of each set of labels
 * @example
 * registry.registerMetric(histogram("answer_seconds", "Of each answer.", [100, 200], () => [[{}, { counts: [3, 1, 0], sumMs: 310 }]]));
 */
export function histogram(
  name: string,
  help: string,
  bucketsMs: readonly number[],
  read: () => Iterable<[labels: Record<string, string>, counts: Readonly<Counts>]>,
): Metric {
  async function get() {
    const values = [...read()].flatMap(([labels, { counts, sumMs }]) => {
      let count = 0;
      const buckets = counts.map((inBucket, i) => {
        count += inBucket;
        const boundMs = bucketsMs[i];
        const le = boundMs === undefined ? "+Inf" : boundMs / 1_000;
        return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
      });
      const sum = { metricName: `${name}_sum`, labels, value: sumMs / 1_000 };
      return [...buckets, sum, { metricName: `${name}_count`, labels, value: count }];
    });
    return { name, help, type: "histogram", values, aggregator: "sum" };
  }
  return { name, get } as unknown as Metric;
}
