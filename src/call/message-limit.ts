import { TokenBucket } from "./token-bucket.ts";

/** What may come at once, in seconds of the rate: a line that stood still delivers all it held back. */
const BURST_SECONDS = 10;
/** A peer that has been too fast for this long does it on purpose. */
const FLOODED_AFTER_MS = 10_000;

/** How many messages of one stream are read. */
export class MessageLimit {
  /** Messages that were one too many. */
  dropped = 0;
  readonly #bucket: TokenBucket | undefined;
  readonly #onFlood: () => void;
  #tooFastSinceMs: number | undefined;

  /**
   * @param ratePerSecond 0 for no limit
   * @param onFlood called when messages have been dropped for ten seconds
   */
  constructor(ratePerSecond: number, onFlood: () => void) {
    this.#bucket = ratePerSecond === 0 ? undefined : new TokenBucket(ratePerSecond, ratePerSecond * BURST_SECONDS);
    this.#onFlood = onFlood;
  }

  /** Whether one more message is to be read. */
  take(nowMs: number): boolean {
    if (this.#bucket === undefined) return true;
    if (this.#bucket.take(nowMs)) {
      if (this.#tooFastSinceMs !== undefined && this.#bucket.isHalfFull(nowMs)) this.#tooFastSinceMs = undefined;
      return true;
    }
    this.dropped++;
    this.#tooFastSinceMs ??= nowMs;
    if (nowMs - this.#tooFastSinceMs > FLOODED_AFTER_MS) this.#onFlood();
    return false;
  }
}
