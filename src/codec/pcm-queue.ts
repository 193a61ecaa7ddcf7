/** Samples kept when empty: a queue that was long gives its memory back. */
const KEPT_CAPACITY = 4_096;
/** A full ring grows by a quarter, not to its double: with hundreds of calls what it has too much is most of their memory. */
const GROWTH = 1.25;
const STEP_PACKETS = 4;

/**
 * First in, first out, for int16 samples that go out in whole packets: a ring of packets that grows when full.
 * What bounds it is who fills it.
 */
export class PcmQueue {
  readonly #packetSampleCount: number;
  #ring = new Int16Array(0);
  /** Views of the ring's packets, made when first needed. A long ring, which does not stay, has none. */
  #packets: Int16Array[] = [];
  /** The oldest packet's place in the ring, in packets. */
  #head = 0;
  #length = 0;

  constructor(packetSampleCount: number) {
    this.#packetSampleCount = packetSampleCount;
  }

  /** Samples that wait. */
  get length(): number {
    return this.#length;
  }

  /** Appends samples; they are copied. */
  push(samples: Int16Array): void {
    this.#makeRoom(samples.length);
    const tail = (this.#head * this.#packetSampleCount + this.#length) % this.#ring.length || 0;
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

  /** Moves the oldest packets to the start of `target`; there must be as many. */
  shift(target: Int16Array, packetCount: number): void {
    const size = this.#packetSampleCount;
    for (let i = 0; i < packetCount; i++) {
      target.set(this.#packet(this.#head), i * size);
      this.#head = ((this.#head + 1) * size) % this.#ring.length === 0 ? 0 : this.#head + 1;
    }
    this.#length -= packetCount * size;
    if (this.#length === 0) this.clear();
  }

  #packet(place: number): Int16Array {
    const kept = this.#packets[place];
    if (kept !== undefined) return kept;
    const size = this.#packetSampleCount;
    const view = this.#ring.subarray(place * size, (place + 1) * size);
    if (this.#ring.length <= KEPT_CAPACITY) this.#packets[place] = view;
    return view;
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
    const least = Math.max(needed, GROWTH * this.#ring.length) / this.#packetSampleCount;
    const packets = STEP_PACKETS * Math.ceil(least / STEP_PACKETS);
    const grown = new Int16Array(packets * this.#packetSampleCount);
    const head = this.#head * this.#packetSampleCount;
    const first = Math.min(this.#length, this.#ring.length - head);
    grown.set(this.#ring.subarray(head, head + first));
    grown.set(this.#ring.subarray(0, this.#length - first), first);
    this.#ring = grown;
    this.#packets = [];
    this.#head = 0;
  }
}
