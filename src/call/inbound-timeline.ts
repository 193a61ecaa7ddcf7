/** Packets that may be missing in one place and are filled in: a second. */
export const MAX_FILLED_PACKETS = 50;
/** How far back a packet may lie to be one that is late or came twice; the bits of a mask. */
const MAX_BEHIND = 31;
/** So many left out in a row, half a second, are no duplicates: the numbers mean something else. */
const MAX_LEFT_OUT = 25;

/**
 * What the numbers of a stream say about each packet: whether it comes in its turn, how many are missing before it, or
 * that it is to be left out. Arithmetic alone.
 *
 * The numbers may start anywhere. One that is too far away to be loss or reordering is taken for a new beginning, as in
 * RFC 3550, A.1. Numbers that would have half a second of audio left out are not believed any more: better a packet
 * twice than a caller who is not heard.
 *
 * @example
 * const timeline = new InboundTimeline();
 * [7, 8, 11, 10, 10].map((number) => timeline.judge(number)); // [0, 0, 2, null, null]
 * timeline.lost; // 2
 * timeline.late; // 1
 * timeline.duplicated; // 1
 */
export class InboundTimeline {
  /** Packets whose turn was passed over. */
  lost = 0;
  /** Those of the lost that came after all, too late. */
  late = 0;
  /** Packets that came again. */
  duplicated = 0;
  /** How often the numbers jumped too far for the gap to be filled, or were given up. */
  discontinuities = 0;

  #believed = true;
  #expected: number | undefined;
  /** Bit i: number `expected − 1 − i` is missing. */
  #missing = 0;
  #leftOutInARow = 0;

  /**
   * A packet with this number has come; negative when it has none.
   *
   * @returns how many packets are missing before it; null when it is to be left out
   */
  judge(number: number): number | null {
    if (!this.#believed) return 0;
    if (number < 0) this.#expected = undefined;
    if (number < 0 || this.#expected === undefined) return this.#begin(number);
    const ahead = number - this.#expected;
    if (ahead >= 0 && ahead <= MAX_FILLED_PACKETS) {
      if (ahead === 0) this.#missing <<= 1;
      else this.#skip(ahead);
      this.#expected = number + 1;
      this.#leftOutInARow = 0;
      return ahead;
    }
    if (ahead < -MAX_BEHIND || ahead > 0) {
      this.discontinuities++;
      return this.#begin(number);
    }
    return this.#leaveOut(-1 - ahead);
  }

  /** The numbers are no guide: everything is taken as it comes. */
  disbelieve(): void {
    this.#believed = false;
  }

  /** The next number is a new beginning. */
  restart(): void {
    this.#expected = undefined;
  }

  #begin(number: number): number {
    this.#expected = number < 0 ? undefined : number + 1;
    this.#missing = 0;
    this.#leftOutInARow = 0;
    return 0;
  }

  #skip(count: number): void {
    this.lost += count;
    // A shift by 32 is one by 0.
    const older = count + 1 > MAX_BEHIND ? 0 : this.#missing << (count + 1);
    const skipped = count > MAX_BEHIND ? -1 : (1 << count) - 1;
    this.#missing = older | (skipped << 1);
  }

  #leaveOut(bit: number): number | null {
    if (++this.#leftOutInARow > MAX_LEFT_OUT) {
      this.discontinuities++;
      this.disbelieve();
      return 0;
    }
    if ((this.#missing & (1 << bit)) === 0) this.duplicated++;
    else {
      this.#missing &= ~(1 << bit);
      this.late++;
    }
    return null;
  }
}
