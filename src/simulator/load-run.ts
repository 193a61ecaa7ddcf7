import { setTimeout as sleep } from "node:timers/promises";
import { type CallOutcome, outcomeOf, refusalOf } from "./call-outcome.ts";
import type { CallerAudio } from "./caller-audio.ts";
import { type Lateness, LatenessHistogram } from "./lateness.ts";
import { MarkerEar, markerAudio } from "./markers.ts";
import type { SimulatedCall, WavixSimulator } from "./model.ts";

/** What one process of a load test does: plain data. */
export interface LoadPlan {
  webhookUrl: string;
  from: string;
  to: string;
  /** Calls to place: the first after `firstAtMs`, the others every `everyMs`. */
  calls: number;
  firstAtMs: number;
  everyMs: number;
  /** How long each caller stays on the line, from the start of its stream. */
  callMs: number;
  ringTimeoutMs: number;
}

/** How a run stands. */
export interface LoadProgress {
  placed: number;
  /** Calls whose stream is open. */
  up: number;
  sentPackets: number;
  receivedPackets: number;
  /** How late this process was with what it sent: above some 10 ms it measures itself, and not the server. */
  sendLateness: Lateness;
}

/** Silence before the first marker: a bot's greeting would swallow it. */
const SPEAK_AFTER_MS = 1000;

/**
 * The load generator of one process: places calls at their times and tells how each of them went.
 *
 * @example
 * const run = new LoadRun(simulator, plan, { callId: randomUUID, onEnded: (outcome) => outcomes.push(outcome) });
 * process.once("SIGINT", () => run.stop());
 * await run.finished;
 */
export class LoadRun {
  /** All calls are over; after {@link stop}, those that were up are. */
  readonly finished: Promise<void>;
  readonly #simulator: WavixSimulator;
  readonly #plan: LoadPlan;
  readonly #hooks: { callId: () => string; onEnded: (outcome: CallOutcome) => void };
  readonly #audio: CallerAudio = markerAudio();
  readonly #sendLateness = new LatenessHistogram();
  readonly #stopping = new AbortController();
  readonly #active = new Set<SimulatedCall>();
  #placed = 0;
  #endedSent = 0;
  #endedReceived = 0;

  constructor(
    simulator: WavixSimulator,
    plan: LoadPlan,
    hooks: { callId: () => string; onEnded: (outcome: CallOutcome) => void },
  ) {
    this.#simulator = simulator;
    this.#plan = plan;
    this.#hooks = hooks;
    this.finished = this.#run();
  }

  /** Places no more calls, and hangs up those that are up. */
  stop(): void {
    this.#stopping.abort();
    for (const call of this.#active) call.hangUp();
  }

  progress(): LoadProgress {
    const progress = {
      placed: this.#placed,
      up: 0,
      sentPackets: this.#endedSent,
      receivedPackets: this.#endedReceived,
      sendLateness: this.#sendLateness.summary(),
    };
    for (const call of this.#active) {
      const { sent, received, times } = call.report();
      if (times.socketMs !== null && call.state !== "ended") progress.up += 1;
      progress.sentPackets += sent.packets;
      progress.receivedPackets += received.packets;
    }
    return progress;
  }

  async #run(): Promise<void> {
    const { calls, firstAtMs, everyMs } = this.#plan;
    const { signal } = this.#stopping;
    const startedAtMs = performance.now();
    const ends: Promise<void>[] = [];
    for (let n = 0; n < calls && !signal.aborted; n++) {
      const waitMs = startedAtMs + firstAtMs + n * everyMs - performance.now();
      // What is late is made up for, but a few calls at a time: those that are up need the loop too.
      if (waitMs > 0 || n % 8 === 0) await sleep(Math.max(0, waitMs), undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) ends.push(this.#call());
    }
    await Promise.all(ends);
  }

  async #call(): Promise<void> {
    const { webhookUrl, from, to, callMs: hangUpAfterMs, ringTimeoutMs } = this.#plan;
    const ear = new MarkerEar(SPEAK_AFTER_MS);
    const call = this.#simulator.placeCall({
      ...{ webhookUrl, from, to, speakAfterMs: SPEAK_AFTER_MS, hangUpAfterMs, ringTimeoutMs },
      callId: this.#hooks.callId(),
      callerAudio: this.#audio,
      loop: true,
      record: false,
      observer: {
        sent: (lateMs) => this.#sendLateness.add(lateMs),
        heard: (samples, atSample) => ear.heard(samples, atSample),
      },
      behaviour: { serverCloseEndsCall: true, failedStreamEndsCall: true },
    });
    this.#placed += 1;
    this.#active.add(call);
    const announced = call.announced.then((delivery) => {
      // It would ring on until it is given up for no reason that anybody knows.
      if (refusalOf(delivery) !== null && call.state === "ringing") call.hangUp();
      return delivery;
    });
    const report = await call.ended;
    this.#active.delete(call);
    this.#endedSent += report.sent.packets;
    this.#endedReceived += report.received.packets;
    const { timelineMs, endedMs } = report.times;
    const lengthMs = timelineMs === null || endedMs === null ? 0 : endedMs - timelineMs;
    this.#hooks.onEnded(outcomeOf(report, await announced, ear.markers(lengthMs)));
  }
}
