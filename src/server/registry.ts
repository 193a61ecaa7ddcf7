import type { CallSession } from "./session.ts";

/** Calls whose end is remembered, so that a late or repeated webhook does not begin them again. */
const REMEMBERED_ENDS = 10_000;

/** The calls of this process by id, and the ids of those that have ended lately. */
export class CallRegistry {
  readonly #live = new Map<string, CallSession>();
  /** In the order of their end; the oldest is forgotten when there are too many. */
  readonly #ended = new Set<string>();
  #wakers: (() => void)[] = [];

  get size(): number {
    return this.#live.size;
  }

  get(callId: string): CallSession | undefined {
    return this.#live.get(callId);
  }

  hasEnded(callId: string): boolean {
    return this.#ended.has(callId);
  }

  add(callId: string, session: CallSession): void {
    this.#live.set(callId, session);
  }

  /** The call is over, or was over before it was ever heard of. */
  end(callId: string): void {
    this.#live.delete(callId);
    this.#ended.add(callId);
    if (this.#ended.size > REMEMBERED_ENDS) {
      for (const oldest of this.#ended) {
        this.#ended.delete(oldest);
        break;
      }
    }
    if (this.#live.size === 0) for (const wake of this.#wakers.splice(0)) wake();
  }

  /** Settles when there is no call. */
  empty(): Promise<void> {
    if (this.#live.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wakers.push(resolve);
    });
  }

  [Symbol.iterator](): IterableIterator<CallSession> {
    return this.#live.values();
  }
}
