import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { type CallReport, markerAudio, type PlaceCallOptions, type WavixSimulator } from "../simulator/index.ts";
import { SOAK_NUMBERS } from "./soak-bot.ts";

/** How a call of `soak` is to end. */
export type SoakEnd = "caller" | "bot" | "interrupting caller" | "cut" | "early caller";

/** One that has ended, and how it was to. */
export interface EndedCall {
  readonly end: SoakEnd;
  readonly report: CallReport;
}

const ENDS: readonly { end: SoakEnd; to: string }[] = [
  { end: "caller", to: SOAK_NUMBERS.echo },
  { end: "bot", to: SOAK_NUMBERS.says },
  { end: "interrupting caller", to: SOAK_NUMBERS.interrupted },
  { end: "cut", to: SOAK_NUMBERS.echo },
  { end: "early caller", to: SOAK_NUMBERS.echo },
];

/** New calls a second, at most. */
const MOST_PER_SECOND = 40;

/** Keeps a number of calls up, of different lengths and different ends: when one is over, the next one comes. */
export class SoakCalls {
  readonly #simulator: WavixSimulator;
  readonly #options: { webhookUrl: string; calls: number; shortestMs: number; longestMs: number };
  readonly #onEnded: (ended: EndedCall) => void;
  readonly #audio = markerAudio();
  #placed = 0;
  #ended = 0;

  constructor(
    simulator: WavixSimulator,
    options: { webhookUrl: string; calls: number; shortestMs: number; longestMs: number },
    onEnded: (ended: EndedCall) => void,
  ) {
    this.#simulator = simulator;
    this.#options = options;
    this.#onEnded = onEnded;
  }

  get placed(): number {
    return this.#placed;
  }

  get ended(): number {
    return this.#ended;
  }

  /** Places calls until it is told to stop; resolves when the last one is over. Those that are up then are hung up. */
  async run(signal: AbortSignal): Promise<void> {
    setMaxListeners(0, signal);
    const active = new Set<Promise<void>>();
    while (!signal.aborted) {
      if (active.size < this.#options.calls) {
        const over = this.#call(signal);
        active.add(over);
        void over.then(() => active.delete(over));
      }
      await sleep(1_000 / MOST_PER_SECOND, undefined, { signal }).catch(() => undefined);
    }
    await Promise.all(active);
  }

  async #call(signal: AbortSignal): Promise<void> {
    const { webhookUrl, shortestMs, longestMs } = this.#options;
    const { end, to } = ENDS[this.#placed++ % ENDS.length]!;
    const lengthMs = shortestMs + Math.random() * (longestMs - shortestMs);
    const options: PlaceCallOptions = {
      ...{ webhookUrl, to, callerAudio: this.#audio, loop: true, speakAfterMs: 600, record: false },
      // Somebody who thinks better of it, at about the time when the call is answered.
      ...(end === "early caller" ? { ringTimeoutMs: 1 + Math.random() * 30, hangUpAfterMs: Math.random() * 100 } : {}),
      // A safety net where the bot or the server is to end it.
      ...(end === "bot" || end === "cut" ? { hangUpAfterMs: lengthMs + 20_000 } : {}),
      ...(end.endsWith("caller") && end !== "early caller" ? { hangUpAfterMs: lengthMs } : {}),
    };
    const call = this.#simulator.placeCall(options);
    const hangUp = () => call.hangUp();
    signal.addEventListener("abort", hangUp, { once: true });
    if (end === "cut") {
      void call.streaming.then(async (streaming) => {
        if (streaming) await sleep(lengthMs, undefined, { signal }).catch(() => undefined);
        if (streaming && !signal.aborted) call.dropSocket();
      });
    }
    const report = await call.ended;
    signal.removeEventListener("abort", hangUp);
    this.#ended += 1;
    this.#onEnded({ end, report });
  }
}
