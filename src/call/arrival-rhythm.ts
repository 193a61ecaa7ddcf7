/** A stream that brings no audio for this long has paused. */
const PAUSE_MS = 1_000;

/**
 * In what rhythm a stream's audio arrives: its jitter, and its pauses.
 *
 * @example
 * const rhythm = new ArrivalRhythm();
 * rhythm.arrived(0, 0);
 * rhythm.arrived(20, 36);
 * rhythm.jitterMs; // 1
 */
export class ArrivalRhythm {
  /** Interarrival jitter as in RFC 3550, 6.4.1, in ms. */
  jitterMs = 0;
  #pauses = 0;
  #longestPauseMs = 0;
  #transitMs: number | undefined;
  #arrivedAtMs: number | undefined;

  /** Audio that lies at `mediaMs` of the stream has come. */
  arrived(mediaMs: number, nowMs: number): void {
    const transitMs = nowMs - mediaMs;
    if (this.#arrivedAtMs !== undefined && nowMs - this.#arrivedAtMs >= PAUSE_MS) {
      this.#pauses++;
      this.#longestPauseMs = Math.max(this.#longestPauseMs, nowMs - this.#arrivedAtMs);
      // A source that was silent begins anew; that is no jitter.
      this.#transitMs = undefined;
    }
    if (this.#transitMs !== undefined) this.jitterMs += (Math.abs(transitMs - this.#transitMs) - this.jitterMs) / 16;
    this.#transitMs = transitMs;
    this.#arrivedAtMs = nowMs;
  }

  /** Pauses so far, also the one that lasts. */
  pauses(nowMs: number): number {
    return this.#pauses + (this.#silenceMs(nowMs) >= PAUSE_MS ? 1 : 0);
  }

  /** The longest pause so far, also the one that lasts, in ms; 0 without one. */
  longestPauseMs(nowMs: number): number {
    const silenceMs = this.#silenceMs(nowMs);
    return silenceMs >= PAUSE_MS ? Math.max(this.#longestPauseMs, silenceMs) : this.#longestPauseMs;
  }

  #silenceMs(nowMs: number): number {
    return this.#arrivedAtMs === undefined ? 0 : nowMs - this.#arrivedAtMs;
  }
}
