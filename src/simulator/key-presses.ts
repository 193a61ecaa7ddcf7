/** A key that the caller presses of its own accord. */
export interface KeyPress {
  /** When, in ms from the start of the stream. */
  atMs: number;
  /** `0` to `9`, `*` or `#`. */
  key: string;
}

/** More than a caller presses in an hour. */
const MAX_PRESSES = 1_000;

/**
 * Puts key presses in the order of time.
 *
 * @throws TypeError or RangeError for one that is none
 */
export function checkKeyPresses(presses: readonly KeyPress[]): readonly KeyPress[] {
  if (presses.length > MAX_PRESSES) throw new RangeError(`keys must be at most ${MAX_PRESSES}, not ${presses.length}`);
  for (const { atMs, key } of presses) {
    if (!/^[0-9*#]$/.test(key)) throw new TypeError("a key must be one of 0 to 9, * and #");
    // The bound is that of setTimeout.
    if (!(atMs >= 0 && atMs <= 2_147_483_647)) throw new RangeError(`atMs must be 0 to 2147483647, not ${atMs}`);
  }
  return presses.toSorted((a, b) => a.atMs - b.atMs);
}

/** Presses keys one after the other, by absolute deadlines. */
export class Fingers {
  readonly #presses: readonly KeyPress[];
  readonly #press: (key: string) => void;
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param presses in the order of time */
  constructor(presses: readonly KeyPress[], press: (key: string) => void) {
    this.#presses = presses;
    this.#press = press;
  }

  /** @param originMs of `performance.now()` */
  begin(originMs: number): void {
    const nowMs = performance.now() - originMs;
    for (let due = this.#presses[this.#next]; due !== undefined; due = this.#presses[this.#next]) {
      if (due.atMs > nowMs) {
        this.#timer = setTimeout(() => this.begin(originMs), Math.max(1, Math.ceil(due.atMs - nowMs)));
        return;
      }
      this.#next += 1;
      this.#press(due.key);
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
