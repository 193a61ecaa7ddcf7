/** Upper ends of the buckets, in ms. The first is for what was in time. */
export const LATENESS_BUCKETS_MS: readonly number[] = [0, 5, 10, 20, 40, 80, 160, 320, 640, 1_280];

/**
 * How late audio went out: of each write, how long the caller had run dry in mid-utterance. One for all calls of a
 * process, so that it costs an increment.
 *
 * @example
 * const lateness = new Lateness();
 * createWavixTransport({ socket, lateness });
 * console.log(lateness.counts); // in time, up to 5 ms late, up to 10 ms …, more than 1280 ms
 */
export class Lateness {
  /** Writes by bucket; the last is for what is beyond all buckets. */
  readonly counts: number[] = new Array(LATENESS_BUCKETS_MS.length + 1).fill(0);
  sumMs = 0;

  /** `lateMs` of 0 or less is in time. */
  add(lateMs: number): void {
    if (!(lateMs > 0)) {
      (this.counts[0] as number)++;
      return;
    }
    this.sumMs += lateMs;
    let bucket = 1;
    while (bucket < LATENESS_BUCKETS_MS.length && lateMs > (LATENESS_BUCKETS_MS[bucket] as number)) bucket++;
    (this.counts[bucket] as number)++;
  }
}
