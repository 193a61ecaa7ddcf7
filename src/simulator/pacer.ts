import { PACKET_MS } from "./wire-audio.ts";

// Calls are spread over the 20 ms, so that hundreds of them do not all fall due in one instant.
const SLOT_COUNT = 4;
const SLOT_MS = PACKET_MS / SLOT_COUNT;
// After a longer stall (a suspended machine) what was missed is skipped instead of being sent in one burst.
const MAX_CATCH_UP_MS = 1000;

/** Called every 20 ms with the time it was due at and the wall clock as Wavix writes it. */
export type Tick = (deadlineMs: number, eventTime: string) => void;

/**
 * The one timer that paces all simulated calls of a process. Deadlines are absolute, so that lateness does not add up;
 * the timer runs only while somebody has joined.
 */
export class Pacer {
  readonly #slots: Set<Tick>[] = Array.from({ length: SLOT_COUNT }, () => new Set());
  #timer: NodeJS.Timeout | undefined;
  #startMs = 0;
  #nextSlot = 0;

  /** Begins to tick. `originMs` is when the first 20 ms begin; the first tick comes when they are over. */
  join(tick: Tick): { originMs: number; leave: () => void } {
    const nowMs = performance.now();
    if (this.#timer === undefined) {
      this.#startMs = nowMs;
      this.#nextSlot = 0;
    }
    const slot = this.#emptiestSlot();
    const members = this.#slots[slot]!;
    const turnsFromNow = Math.ceil((nowMs - this.#startMs - slot * SLOT_MS) / PACKET_MS);
    // Computed as deadlines are, so that the two are equal where they should be.
    const originMs = this.#startMs + (slot + Math.max(0, turnsFromNow) * SLOT_COUNT) * SLOT_MS;
    // The slot's turn at the origin itself is still before the first 20 ms.
    const member: Tick = (deadlineMs, eventTime) => {
      if (deadlineMs > originMs) tick(deadlineMs, eventTime);
    };
    members.add(member);
    this.#schedule();
    return {
      originMs,
      leave: () => {
        members.delete(member);
        if (this.#slots.every((others) => others.size === 0)) {
          clearTimeout(this.#timer);
          this.#timer = undefined;
        }
      },
    };
  }

  #emptiestSlot(): number {
    let emptiest = 0;
    for (let slot = 1; slot < SLOT_COUNT; slot++) {
      if (this.#slots[slot]!.size < this.#slots[emptiest]!.size) emptiest = slot;
    }
    return emptiest;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    let next = this.#nextSlot;
    while (this.#slots[next % SLOT_COUNT]!.size === 0) {
      next += 1;
      if (next - this.#nextSlot === SLOT_COUNT) {
        this.#timer = undefined;
        return;
      }
    }
    const waitMs = this.#startMs + next * SLOT_MS - performance.now();
    this.#timer = setTimeout(() => this.#run(), Math.max(0, Math.ceil(waitMs)));
  }

  #run(): void {
    const nowMs = performance.now();
    const lastDueSlot = Math.floor((nowMs - this.#startMs) / SLOT_MS);
    this.#nextSlot = Math.max(this.#nextSlot, lastDueSlot - Math.floor(MAX_CATCH_UP_MS / SLOT_MS));
    const eventTime = new Date().toISOString();
    for (; this.#nextSlot <= lastDueSlot; this.#nextSlot++) {
      const deadlineMs = this.#startMs + this.#nextSlot * SLOT_MS;
      for (const tick of this.#slots[this.#nextSlot % SLOT_COUNT]!) tick(deadlineMs, eventTime);
    }
    this.#schedule();
  }
}
