import { TokenBucket } from "../call/index.ts";
import type { CallHost } from "./call-host.ts";
import type { LoopDelay } from "./loop-delay.ts";
import type { ServerSettings } from "./settings.ts";

/** Why there is no room for a call. */
export type Refusal = "draining" | "no-worker" | "capacity" | "event-loop" | "rate";

/** Refused calls that are remembered, so that a call that keeps ringing counts as one. */
const REMEMBERED_REFUSALS = 10_000;

/** Whether there is room for one more call, and how often there was none. */
export class Admission {
  /** Set once and for all: the server takes no new calls. */
  draining = false;
  readonly #settings: ServerSettings;
  readonly #host: Pick<CallHost, "size" | "up" | "sustainedDelayMs">;
  readonly #loopDelay: Pick<LoopDelay, "sustainedMs">;
  readonly #rate: TokenBucket | undefined;
  readonly #refusedIds = new Set<string>();
  readonly #refused: Record<Refusal, number> = {
    draining: 0,
    "no-worker": 0,
    capacity: 0,
    "event-loop": 0,
    rate: 0,
  };

  constructor(
    settings: ServerSettings,
    host: Pick<CallHost, "size" | "up" | "sustainedDelayMs">,
    loopDelay: Pick<LoopDelay, "sustainedMs">,
  ) {
    this.#settings = settings;
    this.#host = host;
    this.#loopDelay = loopDelay;
    const { maxCallsPerSecond } = settings;
    this.#rate = maxCallsPerSecond === 0 ? undefined : new TokenBucket(maxCallsPerSecond, maxCallsPerSecond);
  }

  /** Calls that were refused, by the first reason each was given. */
  get refused(): Readonly<Record<Refusal, number>> {
    return this.#refused;
  }

  /** All that stands against one more call now; none: the server is ready. */
  obstacles(nowMs = performance.now()): Refusal[] {
    const { maxCalls, maxLoopDelayMs } = this.#settings;
    const found: Refusal[] = [];
    if (this.draining) found.push("draining");
    if (!this.#host.up) found.push("no-worker");
    if (this.#host.size >= maxCalls) found.push("capacity");
    const delayMs = Math.max(this.#loopDelay.sustainedMs, this.#host.sustainedDelayMs);
    if (maxLoopDelayMs > 0 && delayMs > maxLoopDelayMs) found.push("event-loop");
    if (this.#rate?.isEmpty(nowMs)) found.push("rate");
    return found;
  }

  /** Lets a call in (undefined), or says why not. A socket without a token has no call id. */
  admit(callId?: string, nowMs = performance.now()): Refusal | undefined {
    const [reason] = this.obstacles(nowMs);
    if (reason === undefined) this.#rate?.take(nowMs);
    else this.#count(reason, callId);
    return reason;
  }

  #count(reason: Refusal, callId: string | undefined): void {
    if (callId !== undefined) {
      if (this.#refusedIds.has(callId)) return;
      this.#refusedIds.add(callId);
      if (this.#refusedIds.size > REMEMBERED_REFUSALS) {
        for (const oldest of this.#refusedIds) {
          this.#refusedIds.delete(oldest);
          break;
        }
      }
    }
    this.#refused[reason]++;
  }
}
