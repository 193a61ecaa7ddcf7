/** One resampler, see assembly/layout.ts. */
export interface Slot {
  /** 1 … 4095, and once more. A handle of another generation is stale. */
  generation: number;
  inUse: boolean;
  /** Address of the tap table. */
  table: number;
  interpolation: number;
  decimation: number;
  /** How far the next output lies behind its newest input, in 1/interpolation samples. */
  phase: number;
  /** How many more inputs come before the newest one of the next output. */
  next: number;
  /** The last inputs, as many as there are taps. */
  readonly history: Int16Array;
}

// A handle is the slot's number in its low 20 bits and the slot's generation in the upper 12.
const NUMBER_BITS = 20;
const NUMBERS = (1 << NUMBER_BITS) - 1;
const GENERATIONS = 0xfff;

/** The slots of one codec, found by handle. Closed ones wait for the next resampler with as many taps. */
export class Slots {
  // Handle 0 means "no resampler": no slot has the number 0.
  readonly #slots: (Slot | undefined)[] = [undefined];
  readonly #free = new Map<number, number[]>();
  /** Bytes of all histories, also of closed slots. */
  byteLength = 0;

  /** A slot with room for the history, old or new; its handle, or 0 when there are too many or there is no memory. */
  open(tapCount: number, table: number): number {
    let number = this.#free.get(tapCount)?.pop();
    if (number === undefined) {
      number = this.#slots.length;
      if (number > NUMBERS) return 0;
      try {
        const history = new Int16Array(tapCount);
        this.#slots.push({
          generation: 1,
          inUse: false,
          table,
          interpolation: 1,
          decimation: 1,
          phase: 0,
          next: 0,
          history,
        });
      } catch (error) {
        if (error instanceof RangeError) return 0;
        throw error;
      }
      this.byteLength += tapCount * 2;
    }
    const slot = this.#slots[number] as Slot;
    slot.inUse = true;
    slot.table = table;
    return number | (slot.generation << NUMBER_BITS);
  }

  /** The slot a handle stands for; undefined when it was closed, or never opened. */
  find(handle: number): Slot | undefined {
    const slot = this.#slots[handle & NUMBERS];
    return slot?.inUse && slot.generation === handle >>> NUMBER_BITS ? slot : undefined;
  }

  /** Gives a slot back. Its next generation makes the old handle stale. */
  close(handle: number): boolean {
    const slot = this.find(handle);
    if (slot === undefined) return false;
    slot.inUse = false;
    slot.generation = slot.generation === GENERATIONS ? 1 : slot.generation + 1;
    const tapCount = slot.history.length;
    const free = this.#free.get(tapCount);
    if (free === undefined) this.#free.set(tapCount, [handle & NUMBERS]);
    else free.push(handle & NUMBERS);
    return true;
  }
}
