import type { Lateness } from "./lateness.ts";
import { PACKET_MS } from "./packet-clock.ts";

export interface PlayoutSettings {
  /** How far ahead of the caller's ear audio is sent when it is there early, in ms. */
  readonly sendAheadMs: number;
  /**
   * How much audio is gathered before an utterance starts, in ms: the cushion of a source that speaks in real time.
   * A source that is faster fills it at once and loses nothing.
   */
  readonly playoutDelayMs: number;
}

/** What is waiting to be sent. */
export interface PlayoutQueue {
  /** Whole packets that wait. */
  readonly packetCount: number;
  /** Whether less than a packet waits behind them, or the resampler holds the end of the sound. */
  readonly hasRest: boolean;
  /** Fills the rest up to a packet with silence. */
  flush(): void;
}

/** A source that has added nothing for this long, with the caller about to hear the end, has ended its utterance … */
const REST_AFTER_MS = 2 * PACKET_MS;
/** … unless it adds in longer steps than that; this is the longest step that is believed. */
const LONGEST_STEP_MS = 150;

/** Below this nothing is put off: the clock's next step may be a whole packet late. */
const LOWEST_MS = 2 * PACKET_MS;

/** A longer pause begins a new utterance; a shorter one is a gap in the old. */
const NEW_UTTERANCE_AFTER_MS = 500;

/**
 * When to send what: the arithmetic of one call's playout, without socket and timer.
 *
 * Wavix plays what it is sent from a buffer of its own, so after every packet it is known when that buffer will run
 * dry. It is filled up to `sendAheadMs`, and again when half of that has been heard. Once it has run dry, the next sound
 * first gathers `playoutDelayMs` again.
 *
 * ```
 *           sent, not yet heard
 *   now ├────────────────────────┤ dry
 *       └── levelMs ≤ sendAhead ─┘
 * ```
 */
export class Playout {
  readonly #settings: PlayoutSettings;
  /** The moment at which the caller hears the end of all that was sent. */
  #dryAtMs = Number.NEGATIVE_INFINITY;
  #speaking = false;
  /** When the first sound of the next utterance arrived. */
  #gatheringSinceMs: number | undefined;
  #pushedAtMs = Number.NEGATIVE_INFINITY;
  /** Time between the last two pushes, and what the last one brought. */
  #stepMs = 0;
  #pushedMs = 0;
  /** The bot has said that its utterance is complete. */
  #ended = false;
  #sentPackets = 0;
  /** Which packet, counted from the first ever sent, begins the present utterance. */
  #utteranceFrom = 0;

  /** How often the caller ran dry in mid-utterance: audio came again within half a second. */
  starvations = 0;
  /** The longest of these gaps, in ms. */
  maxLatenessMs = 0;

  readonly #lateness: Lateness | undefined;

  /** @param lateness is told of each write */
  constructor(settings: PlayoutSettings, lateness?: Lateness) {
    this.#settings = settings;
    this.#lateness = lateness;
  }

  /** The moment at which the caller hears the end of all that was sent; −Infinity before the first packet. */
  get dryAtMs(): number {
    return this.#dryAtMs;
  }

  /** Packets sent since the beginning of the call. */
  get sentPackets(): number {
    return this.#sentPackets;
  }

  /** How much of what was sent the caller has not heard yet, in ms. */
  levelMs(nowMs: number): number {
    return Math.max(0, this.#dryAtMs - nowMs);
  }

  /** How much of the present utterance the caller has heard, in ms. */
  heardMs(nowMs: number): number {
    return Math.max(0, (this.#sentPackets - this.#utteranceFrom) * PACKET_MS - this.levelMs(nowMs));
  }

  /** `ms` of audio have been added to a queue that had `packetsBefore` whole packets. */
  pushed(ms: number, packetsBefore: number, nowMs: number): void {
    this.#stepMs = nowMs - this.#pushedAtMs;
    this.#pushedAtMs = nowMs;
    this.#pushedMs = ms;
    if (this.#ended) {
      this.#ended = false;
      this.#utteranceFrom = this.#sentPackets + packetsBefore;
    }
    if (packetsBefore > 0 || (this.#speaking && this.#dryAtMs > nowMs)) return;
    // The caller has run dry and nothing waited: whatever comes now begins anew.
    if (this.#speaking) this.#gatheringSinceMs = undefined;
    this.#gatheringSinceMs ??= nowMs;
    this.#speaking = false;
    this.#stepMs = 0;
  }

  /** The utterance is complete: nothing is gained by gathering more. */
  ended(): void {
    this.#ended = true;
  }

  /** What was sent has been taken back: the caller hears nothing from now on. */
  cleared(nowMs: number): void {
    this.#dryAtMs = nowMs;
    this.#speaking = false;
    this.#gatheringSinceMs = undefined;
    this.#ended = false;
    this.#utteranceFrom = this.#sentPackets;
  }

  /** How many packets are to be sent now. Flushes the queue when its rest can wait no longer. */
  due(queue: PlayoutQueue, nowMs: number): number {
    const { sendAheadMs, playoutDelayMs } = this.#settings;
    const level = this.levelMs(nowMs);
    if (queue.packetCount === 0 && queue.hasRest && this.#restIsDue(level, nowMs)) queue.flush();
    if (queue.packetCount === 0) return 0;
    if (!this.#speaking) {
      if (!this.#hasGathered(queue, nowMs)) return 0;
      this.#speaking = true;
      this.#gatheringSinceMs = undefined;
      if (nowMs - this.#dryAtMs > NEW_UTTERANCE_AFTER_MS) this.#utteranceFrom = this.#sentPackets;
    }
    const fullMs = Math.max(sendAheadMs, playoutDelayMs, PACKET_MS);
    // Halfway down is early enough: what is there ahead of time then goes in writes of several packets.
    if (level > Math.max(fullMs / 2, playoutDelayMs, LOWEST_MS)) return 0;
    // What is left of a packet by rounding must not make another one.
    return Math.max(0, Math.min(queue.packetCount, Math.ceil((fullMs - level) / PACKET_MS - 1e-6)));
  }

  /** A rest must not wait for a packet that will never be full: the source has ended, or the caller is at the end. */
  #restIsDue(level: number, nowMs: number): boolean {
    if (this.#ended) return true;
    const quietMs = nowMs - this.#pushedAtMs;
    if (quietMs < REST_AFTER_MS || level > PACKET_MS) return false;
    return level === 0 || quietMs >= Math.min(1.25 * this.#stepMs, LONGEST_STEP_MS);
  }

  #hasGathered(queue: PlayoutQueue, nowMs: number): boolean {
    const { sendAheadMs, playoutDelayMs } = this.#settings;
    if (this.#ended || nowMs - (this.#gatheringSinceMs ?? nowMs) >= playoutDelayMs) return true;
    const queuedMs = queue.packetCount * PACKET_MS;
    if (queuedMs < playoutDelayMs) return false;
    // One frame alone is no cushion: the next may be as long in coming. More than anybody sends in real time is.
    return queuedMs > this.#pushedMs || this.#pushedMs >= sendAheadMs;
  }

  /** Packets have been sent. */
  sent(packetCount: number, nowMs: number): void {
    const lateMs = this.#sentPackets > this.#utteranceFrom ? nowMs - this.#dryAtMs : 0;
    this.#lateness?.add(lateMs);
    if (lateMs > 0) {
      this.starvations++;
      this.maxLatenessMs = Math.max(this.maxLatenessMs, lateMs);
    }
    this.#dryAtMs = Math.max(this.#dryAtMs, nowMs) + packetCount * PACKET_MS;
    this.#sentPackets += packetCount;
  }
}
