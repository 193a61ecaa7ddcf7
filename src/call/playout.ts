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

/** A source that has added nothing for this long, with the caller about to hear the end, has ended its utterance. */
const REST_AFTER_MS = 2 * PACKET_MS;

/** A longer pause begins a new utterance; a shorter one is a gap in the old. */
const NEW_UTTERANCE_AFTER_MS = 500;

/**
 * When to send what: the arithmetic of one call's playout, without socket and timer.
 *
 * Wavix plays what it is sent from a buffer of its own, so after every packet it is known when that buffer will run
 * dry. Sending goes on while the buffer holds less than `sendAheadMs`. Once it has run dry, the next sound first
 * gathers `playoutDelayMs` again.
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
  #gatheringSinceMs = 0;
  #pushedAtMs = Number.NEGATIVE_INFINITY;
  #ended = false;
  #utterancePackets = 0;

  /** How often the caller ran dry in mid-utterance: audio came again within half a second. */
  starvations = 0;
  /** The longest of these gaps, in ms. */
  maxLatenessMs = 0;

  constructor(settings: PlayoutSettings) {
    this.#settings = settings;
  }

  /** How much of what was sent the caller has not heard yet, in ms. */
  levelMs(nowMs: number): number {
    return Math.max(0, this.#dryAtMs - nowMs);
  }

  /** How much of the present utterance the caller has heard, in ms. */
  heardMs(nowMs: number): number {
    return Math.max(0, this.#utterancePackets * PACKET_MS - this.levelMs(nowMs));
  }

  /** Audio has been added to a queue that had `packetsBefore` whole packets. */
  pushed(packetsBefore: number, nowMs: number): void {
    this.#pushedAtMs = nowMs;
    this.#ended = false;
    if (packetsBefore > 0 || (this.#speaking && this.#dryAtMs > nowMs)) return;
    // The caller has run dry and nothing waited: whatever comes now begins anew.
    if (this.#speaking || this.#gatheringSinceMs === 0) this.#gatheringSinceMs = nowMs;
    this.#speaking = false;
  }

  /** The utterance is complete: nothing is gained by gathering more. */
  ended(): void {
    this.#ended = true;
  }

  /** What was sent has been taken back: the caller hears nothing from now on. */
  cleared(nowMs: number): void {
    this.#dryAtMs = nowMs;
    this.#speaking = false;
    this.#gatheringSinceMs = 0;
    this.#ended = false;
    this.#utterancePackets = 0;
  }

  /** How many packets are to be sent now. Flushes the queue when its rest can wait no longer. */
  due(queue: PlayoutQueue, nowMs: number): number {
    const { sendAheadMs, playoutDelayMs } = this.#settings;
    const level = this.levelMs(nowMs);
    // A rest must not wait for a packet that will never be full: the source has ended, or the caller has.
    const restIsDue = this.#ended || (nowMs - this.#pushedAtMs >= REST_AFTER_MS && level <= PACKET_MS);
    if (queue.packetCount === 0 && queue.hasRest && restIsDue) queue.flush();
    if (queue.packetCount === 0) return 0;
    if (!this.#speaking) {
      const gathered = queue.packetCount * PACKET_MS >= playoutDelayMs;
      if (!gathered && !this.#ended && nowMs - this.#gatheringSinceMs < playoutDelayMs) return 0;
      this.#speaking = true;
      this.#gatheringSinceMs = 0;
      if (nowMs - this.#dryAtMs > NEW_UTTERANCE_AFTER_MS) this.#utterancePackets = 0;
    }
    const room = Math.max(sendAheadMs, playoutDelayMs, PACKET_MS) - level;
    // What is left of a packet by rounding must not make another one.
    return Math.max(0, Math.min(queue.packetCount, Math.ceil(room / PACKET_MS - 1e-6)));
  }

  /** Packets have been sent. */
  sent(packetCount: number, nowMs: number): void {
    const lateMs = nowMs - this.#dryAtMs;
    if (lateMs > 0 && this.#utterancePackets > 0) {
      this.starvations++;
      this.maxLatenessMs = Math.max(this.maxLatenessMs, lateMs);
    }
    this.#dryAtMs = Math.max(this.#dryAtMs, nowMs) + packetCount * PACKET_MS;
    this.#utterancePackets += packetCount;
  }
}
