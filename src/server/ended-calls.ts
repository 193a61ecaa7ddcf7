/** Calls whose end is remembered, so that a late or repeated webhook does not begin them again. */
const REMEMBERED_ENDS = 10_000;

/** The ids of the calls that have ended lately. */
export class EndedCalls {
  /** In the order of their end; the oldest is forgotten when there are too many. */
  readonly #ids = new Set<string>();

  has(callId: string): boolean {
    return this.#ids.has(callId);
  }

  add(callId: string): void {
    this.#ids.add(callId);
    if (this.#ids.size <= REMEMBERED_ENDS) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      break;
    }
  }
}
