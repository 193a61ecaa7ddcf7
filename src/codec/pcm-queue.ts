/** Samples kept when empty: a queue that was long gives its memory back. */
const KEPT_CAPACITY = 8_192;

/** First in, first out, for int16 samples: a ring that doubles when full. What bounds it is who fills it. */
export class PcmQueue {
  #ring = new Int16Array(0);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Appends samples; they are copied. */
  push(samples: Int16Array): void {
    this.#makeRoom(samples.length);
    const tail = (this.#head + this.#length) % this.#ring.length || 0;
    const first = Math.min(samples.length, this.#ring.length - tail);
    if (first === samples.length) this.#ring.set(samples, tail);
    else {
      this.#ring.set(samples.subarray(0, first), tail);
      this.#ring.set(samples.subarray(first), 0);
    }
    this.#length += samples.length;
  }

  /** Appends silence. */
  pushSilence(count: number): void {
    this.push(new Int16Array(count));
  }

  /** Moves the oldest `count` samples to the start of `target`; there must be as many. */
  shift(target: Int16Array, count: number): void {
    const first = Math.min(count, this.#ring.length - this.#head);
    target.set(this.#ring.subarray(this.#head, this.#head + first));
    if (first < count) target.set(this.#ring.subarray(0, count - first), first);
    this.#head = (this.#head + count) % this.#ring.length || 0;
    this.#length -= count;
    if (this.#length === 0) this.clear();
  }

  /** Drops everything; how many samples that were. */
  clear(): number {
    const dropped = this.#length;
    this.#head = 0;
    this.#length = 0;
    if (this.#ring.length > KEPT_CAPACITY) this.#ring = new Int16Array(0);
    return dropped;
  }

  #makeRoom(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#ring.length) return;
    const grown = new Int16Array(Math.max(1_024, 2 ** Math.ceil(Math.log2(needed))));
    const first = Math.min(this.#length, this.#ring.length - this.#head);
    grown.set(this.#ring.subarray(this.#head, this.#head + first));
    grown.set(this.#ring.subarray(0, this.#length - first), first);
    this.#ring = grown;
    this.#head = 0;
  }
}
