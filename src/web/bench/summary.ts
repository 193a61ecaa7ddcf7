/** The middle of some numbers, and between what the middle half of them lies. */
export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Median and quartiles; between two values, the point between them.
 *
 * @throws RangeError when there are none
 *
 * @example
 * summaryOf([3, 1, 2]); // { median: 2, low: 1.5, high: 2.5 }
 */
export function summaryOf(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError("values must not be empty");
  const sorted = values.toSorted((a, b) => a - b);
  const quantile = (share: number) => {
    const at = share * (sorted.length - 1);
    const below = sorted[Math.floor(at)] as number;
    return below + (at - Math.floor(at)) * ((sorted[Math.ceil(at)] as number) - below);
  };
  return { median: quantile(0.5), low: quantile(0.25), high: quantile(0.75) };
}
