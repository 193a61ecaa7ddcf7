import { TokenBucket } from "../call/index.ts";
import { addressKey } from "./client-address.ts";

/** Addresses that are remembered; beyond that the one that has been quiet longest is forgotten. */
const MAX_ADDRESSES = 10_000;
/** What an address may do at once, in seconds of its rate: the webhooks of many calls come together. */
const BURST_SECONDS = 2;

/** A rate limit for each address, in a table that does not grow without end. */
export class AddressLimits {
  readonly #ratePerSecond: number;
  readonly #maxAddresses: number;
  /** In the order of their last request. */
  readonly #buckets = new Map<string, TokenBucket>();

  /** @param ratePerSecond 0 for no limit */
  constructor(ratePerSecond: number, maxAddresses = MAX_ADDRESSES) {
    this.#ratePerSecond = ratePerSecond;
    this.#maxAddresses = maxAddresses;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Whether one more request of this address is let through. */
  take(address: string, nowMs = performance.now()): boolean {
    if (this.#ratePerSecond === 0) return true;
    const key = addressKey(address);
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#ratePerSecond, this.#ratePerSecond * BURST_SECONDS);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > this.#maxAddresses) {
      for (const quietest of this.#buckets.keys()) {
        this.#buckets.delete(quietest);
        break;
      }
    }
    return bucket.take(nowMs);
  }
}
