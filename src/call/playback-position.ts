import { PACKET_MS } from "./packet-clock.ts";

/** A mark that is to come back when so many packets have been heard. */
export interface PositionMark {
  readonly afterPackets: number;
  /** When that will be, by the clock. */
  readonly dueAtMs: number;
}

/**
 * How much of what was sent the caller has heard: reckoned by the clock, put right by every mark that comes back. The
 * clock knows nothing of the way there and back, nor of a peer that plays late; a mark that comes back says by how much
 * the caller is behind, and one that has not come back yet says how far the caller has not got.
 *
 * ```
 *   ├──────────── heard ────────────┤
 *   ·········●···············●······┊········○ ············ ○ ······ sent
 *        marks that came back      now    marks on their way
 * ```
 */
export class PlaybackPosition {
  /** How much later than by the clock the caller hears, there and back, as the last mark had it. */
  #lagMs = 0;
  #heardPackets = 0;
  #marksComeBack = false;
  readonly #onTheWay: PositionMark[] = [];

  /** What the position rests on: `clock` until the first mark has come back, and when one does not. */
  get measuredBy(): "marks" | "clock" {
    return this.#marksComeBack ? "marks" : "clock";
  }

  /**
   * How much has been heard since the beginning of the call, in ms.
   *
   * @param dryAtMs when all that was sent has been heard, by the clock
   */
  heardMs(sentPackets: number, dryAtMs: number, nowMs: number): number {
    const sentMs = sentPackets * PACKET_MS;
    const reckonedMs = sentMs - Math.max(0, dryAtMs + this.#lagMs - nowMs);
    const next = this.#marksComeBack ? this.#onTheWay[0] : undefined;
    const atMostMs = next === undefined ? sentMs : next.afterPackets * PACKET_MS;
    return Math.max(this.#heardPackets * PACKET_MS, Math.min(reckonedMs, atMostMs));
  }

  /** A mark has been sent. */
  marked(mark: PositionMark): void {
    this.#onTheWay.push(mark);
  }

  /** A mark has come back. */
  echoed(mark: PositionMark, nowMs: number): void {
    this.#marksComeBack = true;
    this.#lagMs = nowMs - mark.dueAtMs;
    this.#heardPackets = Math.max(this.#heardPackets, mark.afterPackets);
    this.#forget(mark);
  }

  /** A mark is long overdue: the clock's word is taken. */
  missed(mark: PositionMark): void {
    this.#marksComeBack = false;
    this.#lagMs = 0;
    this.#forget(mark);
  }

  /** What was sent and not heard has been taken back: nothing of it will be heard. */
  cleared(sentPackets: number): void {
    this.#heardPackets = sentPackets;
    this.#onTheWay.length = 0;
  }

  /** Those before it are not waited for any more: marks come back in the order they were sent. */
  #forget(mark: PositionMark): void {
    this.#onTheWay.splice(0, this.#onTheWay.indexOf(mark) + 1);
  }
}
