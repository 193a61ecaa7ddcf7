const NO_SAMPLES = new Int16Array(0);
const NO_BYTES = new Uint8Array(0);

/**
 * Memory that frames are cut from, one after the other: an array of its own costs a frame five times as much. Each call
 * has slabs of its own, since a listener that forgets `byteOffset` must not hear another call.
 *
 * @internal
 */
export class Slab {
  /** After {@link reserve}: the slab as samples, and as bytes. */
  samples = NO_SAMPLES;
  bytes = NO_BYTES;
  readonly #byteLength: number;
  #used = 0;

  /** @param byteLength of one slab; what takes more than a quarter has memory of its own, with 0 everything */
  constructor(byteLength: number) {
    this.#byteLength = byteLength;
  }

  /** @returns an even place, in bytes, with so many bytes that nobody else has */
  reserve(byteLength: number): number {
    const size = byteLength + (byteLength & 1);
    if (this.#used + size > this.bytes.length) {
      this.samples = new Int16Array((size > this.#byteLength / 4 ? size : this.#byteLength) / 2);
      this.bytes = new Uint8Array(this.samples.buffer);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += size;
    return start;
  }
}
