import type { CallOutcome } from "./call-outcome.ts";
import { LatenessHistogram } from "./lateness.ts";

/** What a load test amounts to; `load --help` says what each figure means. Times are in ms, `null` where nothing was measured. */
export interface LoadFigures {
  calls: number;
  held: number;
  setUpFailures: number;
  /** Calls that were over before their time. */
  broken: number;
  setUpMs: Percentiles | null;
  packetsSent: number;
  packetsReceived: number;
  packetsLate: number;
  packetsLost: number;
  longestGapMs: number;
  invalidMessages: number;
  /** Of the calls: the median and the worst. */
  jitterMs: { p50: number; max: number } | null;
  markersSaid: number;
  markersHeard: number;
  roundTripMs: Percentiles | null;
  /** Packets that the load generator left out because it stalled. */
  packetsSkipped: number;
  /** Why calls failed, and how many. */
  reasons: Record<string, number>;
  firstReason: string | null;
}

/** Of many times, in ms: so many of a hundred were no longer. */
export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** Times are told apart up to ten seconds. */
const LONGEST_MS = 10_000;
const MOST_REASONS = 50;

/**
 * Adds up how the calls of a load test went, from all its processes.
 *
 * @example
 * const tally = new LoadTally();
 * await new LoadRun(simulator, plan, { callId: randomUUID, onEnded: (outcome) => tally.add(outcome) }).finished;
 * console.log(tally.figures().roundTripMs);
 */
export class LoadTally {
  readonly #sums = { packetsSent: 0, packetsReceived: 0, packetsLate: 0, packetsLost: 0, packetsSkipped: 0 };
  readonly #results = { held: 0, "not-set-up": 0, broken: 0 };
  readonly #setUps = new LatenessHistogram(LONGEST_MS);
  readonly #roundTrips = new LatenessHistogram(LONGEST_MS);
  /** In tenths of ms: jitter is small. */
  readonly #jitters = new LatenessHistogram(LONGEST_MS);
  readonly #reasons = new Map<string, number>();
  #first: { reason: string; at: number } | null = null;
  #longestGapMs = 0;
  #invalidMessages = 0;
  #markersSaid = 0;
  #markersHeard = 0;

  get ended(): number {
    return this.#results.held + this.failed;
  }

  get failed(): number {
    return this.#results["not-set-up"] + this.#results.broken;
  }

  add(outcome: CallOutcome): void {
    const { result, reason, endedAt, setUpMs, packetsReceived, jitterMs, markers } = outcome;
    this.#results[result] += 1;
    if (reason !== "") this.fail(reason, endedAt);
    const sums = this.#sums;
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += outcome[name];
    this.#longestGapMs = Math.max(this.#longestGapMs, outcome.longestGapMs);
    this.#invalidMessages += outcome.invalidMessages;
    if (setUpMs !== null) this.#setUps.add(setUpMs);
    if (packetsReceived > 1) this.#jitters.add(10 * jitterMs);
    // Less than half of them back: what was heard is no echo, and a marker in it an accident.
    if (markers.heard === 0 || 2 * markers.heard < markers.said) return;
    this.#markersSaid += markers.said;
    this.#markersHeard += markers.heard;
    for (const ms of markers.roundTripsMs) this.#roundTrips.add(ms);
  }

  /** @param at in ms of the wall clock */
  fail(reason: string, at: number): void {
    const name = this.#reasons.has(reason) || this.#reasons.size < MOST_REASONS ? reason : "other reasons";
    this.#reasons.set(name, (this.#reasons.get(name) ?? 0) + 1);
    if (this.#first === null || at < this.#first.at) this.#first = { reason, at };
  }

  figures(): LoadFigures {
    const { held, broken } = this.#results;
    const jitters = this.#jitters.summary();
    return {
      calls: this.ended,
      held,
      setUpFailures: this.#results["not-set-up"],
      broken,
      setUpMs: percentiles(this.#setUps),
      ...this.#sums,
      longestGapMs: tenths(this.#longestGapMs),
      invalidMessages: this.#invalidMessages,
      jitterMs: jitters.count === 0 ? null : { p50: tenths(jitters.p50Ms / 10), max: tenths(jitters.maxMs / 10) },
      markersSaid: this.#markersSaid,
      markersHeard: this.#markersHeard,
      roundTripMs: percentiles(this.#roundTrips),
      reasons: Object.fromEntries(this.#reasons),
      firstReason: this.#first?.reason ?? null,
    };
  }
}

function percentiles(histogram: LatenessHistogram): Percentiles | null {
  if (histogram.summary().count === 0) return null;
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => tenths(histogram.percentile(share)));
  return { p50: p50!, p95: p95!, p99: p99! };
}

const tenths = (value: number) => Math.round(value * 10) / 10;
