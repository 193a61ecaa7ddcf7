import { summaryOf } from "../src/web/bench/summary.ts";

/** Something that is timed: does `count` things, and says how many nanoseconds they took. */
export type Timed = (count: number) => number | Promise<number>;

export interface RoundOptions {
  readonly rounds: number;
  /** How long each contender works in a round. */
  readonly roundMs: number;
}

/**
 * Times contenders in turns, so that a slow moment of the machine meets all of them, and takes the median of each.
 * Who comes first changes from round to round.
 *
 * @returns ns for one thing, in the order of the contenders
 */
export async function timeInRounds(contenders: readonly Timed[], { rounds, roundMs }: RoundOptions): Promise<number[]> {
  const counts: number[] = [];
  for (const contender of contenders) counts.push(await countFor(contender, roundMs * 1e6));
  const samples = contenders.map(() => [] as number[]);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const i = (turn + round) % contenders.length;
      samples[i]!.push((await contenders[i]!(counts[i]!)) / counts[i]!);
    }
  }
  return samples.map((ns) => summaryOf(ns).median);
}

/**
 * An even count that takes about so long; finding it is the contender's warm-up too. The fastest try counts: a slow one
 * was interrupted, and a round of too few would measure how a cold start goes.
 */
async function countFor(contender: Timed, targetNs: number): Promise<number> {
  let fastestNs = Number.POSITIVE_INFINITY;
  for (let count = 2, tries = 1; ; count *= 2, tries++) {
    fastestNs = Math.min(fastestNs, (await contender(count)) / count);
    if (tries >= 3 && count * fastestNs >= targetNs) return Math.max(2, 2 * Math.round(targetNs / fastestNs / 2));
  }
}
