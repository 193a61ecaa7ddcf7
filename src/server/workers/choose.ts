/** A worker as the choice sees it. */
export interface Candidate {
  readonly ready: boolean;
  readonly callCount: number;
  /** How late its event loop has been all the time, in ms. */
  readonly delayMs: number;
}

/**
 * The worker for one more call: of those that are in time the one with the fewest calls; where all are late, the least late.
 *
 * @param maxDelayMs how late one may be; 0 for no limit
 * @returns undefined when none is ready
 * @example
 * chooseWorker(workers, 200)?.send({ type: "begin", call });
 */
export function chooseWorker<T extends Candidate>(workers: Iterable<T>, maxDelayMs: number): T | undefined {
  const ready = [...workers].filter((worker) => worker.ready);
  const inTime = maxDelayMs === 0 ? ready : ready.filter(({ delayMs }) => delayMs <= maxDelayMs);
  if (inTime.length === 0) return least(ready, ({ delayMs }) => delayMs);
  return least(inTime, ({ callCount }) => callCount);
}

function least<T>(all: readonly T[], figure: (one: T) => number): T | undefined {
  let best: T | undefined;
  for (const one of all) if (best === undefined || figure(one) < figure(best)) best = one;
  return best;
}
