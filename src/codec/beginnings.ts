/** How many are kept: the lengths of packets and messages come again and again, other lengths hardly do. */
const KEPT_VIEWS = 64;

/**
 * Views of the first elements of an array, one for each length that is asked for. Making a view costs as much as copying
 * 20 ms of audio, and it is garbage afterwards; one that exists is found in 10 ns.
 */
export class Beginnings<T extends Int16Array<ArrayBuffer> | Uint8Array<ArrayBuffer>> {
  readonly #whole: T;
  readonly #views = new Map<number, T>();

  constructor(whole: T) {
    this.#whole = whole;
  }

  /** The first `length` elements. */
  of(length: number): T {
    let view = this.#views.get(length);
    if (view === undefined) {
      if (this.#views.size === KEPT_VIEWS) this.#views.clear();
      view = this.#whole.subarray(0, length) as T;
      this.#views.set(length, view);
    }
    return view;
  }
}
