/** An axis from 0: its end, and where lines and figures stand on it. */
export interface Scale {
  readonly end: number;
  readonly ticks: readonly number[];
}

/**
 * A linear axis from 0 that holds `max`, with at most `tickCount` even steps of 1, 2, 2.5 or 5 times a power of ten.
 *
 * @example
 * linearScale(27, 4); // { end: 30, ticks: [0, 10, 20, 30] }
 */
export function linearScale(max: number, tickCount: number): Scale {
  if (!(max > 0) || !Number.isFinite(max)) return { end: 1, ticks: [0, 1] };
  const least = max / tickCount;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= least * (1 - 1e-9)) as number);
  const steps = Math.ceil(max / step - 1e-9);
  // Not a sum of steps: 0.1 + 0.2 would be written as it is.
  const ticks = Array.from({ length: steps + 1 }, (_, i) => Number((i * step).toPrecision(12)));
  return { end: ticks.at(-1) as number, ticks };
}

/**
 * A scale for figures that grow and shrink by a little: it only changes when it must, so that a live chart stands still.
 */
export function steadyScale(previous: Scale | undefined, max: number, tickCount: number): Scale {
  if (previous !== undefined && max <= previous.end && max > 0.45 * previous.end) return previous;
  return linearScale(max, tickCount);
}
