interface Chunk {
  readonly audio: Int16Array;
  /** Samples since the first of all. */
  readonly start: number;
}

/** How many arrivals are remembered, in chunks: half a minute of packets. A transcript that is later has no time. */
const MAX_ARRIVALS = 1500;

/**
 * The last seconds of the caller's audio: what is not sent yet, what may have to be sent again, and when it had arrived.
 *
 * Positions are in ms of the present connection, as the service counts them.
 *
 * ```
 *   forgotten │ kept, settled │ kept, sent, not settled │ kept, not sent │
 *                             ▲ where a new connection begins            ▲ what comes
 * ```
 *
 * @example
 * const kept = new KeptAudio(16000, 5000);
 * kept.append(packet, performance.now());
 * for (let bytes = kept.take(1); bytes !== null; bytes = kept.take(1)) socket.send(bytes);
 */
export class KeptAudio {
  readonly #sampleRate: number;
  readonly #maxSamples: number;
  #chunks: Chunk[] = [];
  #arrivals: { readonly start: number; readonly end: number; readonly atMs: number }[] = [];
  #end = 0;
  #sent = 0;
  #settled = 0;
  /** Where the connection's position 0 is. */
  #base = 0;
  #droppedSamples = 0;

  constructor(sampleRate: number, keepMs: number) {
    this.#sampleRate = sampleRate;
    this.#maxSamples = this.#samples(keepMs);
  }

  /** Audio that went without ever being sent. */
  get droppedMs(): number {
    return this.#ms(this.#droppedSamples);
  }

  append(audio: Int16Array, arrivedAtMs: number): void {
    if (audio.length === 0) return; // an empty message closes the stream
    const start = this.#end;
    this.#end += audio.length;
    this.#chunks.push({ audio, start });
    this.#arrivals.push({ start, end: this.#end, atMs: arrivedAtMs });
    if (this.#arrivals.length > MAX_ARRIVALS) this.#arrivals.shift();
    while (this.#end - this.#chunks[0]!.start > this.#maxSamples && this.#chunks.length > 1) {
      const { start, audio } = this.#chunks.shift()!;
      const unsent = Math.max(0, start + audio.length - this.#sent);
      this.#droppedSamples += unsent;
      // The connection that is there never hears of it: its positions move on.
      this.#base += unsent;
      this.#sent += unsent;
    }
  }

  /** The next audio to send, as bytes: as many chunks as it takes for `minSamples`, at least 1; null when there are less. */
  take(minSamples: number): Uint8Array | null {
    if (this.#end - this.#sent < minSamples) return null;
    const parts: Int16Array[] = [];
    let sampleCount = 0;
    for (let i = this.#indexOf(this.#sent); i < this.#chunks.length && sampleCount < minSamples; i++) {
      parts.push(this.#chunks[i]!.audio);
      sampleCount += this.#chunks[i]!.audio.length;
    }
    this.#sent += sampleCount;
    return bytesOf(parts, sampleCount);
  }

  /** Audio up to a position will not be needed again. */
  settle(positionMs: number): void {
    this.#settled = Math.max(this.#settled, Math.min(this.#sent, this.#base + this.#samples(positionMs)));
  }

  /**
   * A new connection: what was not settled is to be sent again, as far as it is kept.
   *
   * @returns where that begins, as a position of the last connection, and how much of it was sent before
   */
  restart(): { replayFromMs: number; resentMs: number } {
    const first = this.#chunks[this.#indexOf(this.#settled)]?.start ?? this.#end;
    const replayFromMs = this.#ms(first - this.#base);
    const resentMs = this.#ms(Math.max(0, this.#sent - first));
    this.#sent = first;
    this.#base = first;
    this.#settled = first;
    return { replayFromMs, resentMs };
  }

  /** When the audio at a position had arrived; null when that is forgotten, or was never sent. */
  arrivedAt(positionMs: number): number | null {
    const sample = this.#base + this.#samples(positionMs);
    if (sample < (this.#arrivals[0]?.start ?? 0)) return null;
    return this.#arrivals.find(({ end }) => end >= sample)?.atMs ?? null;
  }

  /** The chunk that holds a sample, or the first after it. */
  #indexOf(sample: number): number {
    const index = this.#chunks.findIndex(({ start, audio }) => start + audio.length > sample);
    return index < 0 ? this.#chunks.length : index;
  }

  #samples(ms: number): number {
    return Math.round((ms * this.#sampleRate) / 1000);
  }

  #ms(samples: number): number {
    return (samples * 1000) / this.#sampleRate;
  }
}

function bytesOf(parts: readonly Int16Array[], sampleCount: number): Uint8Array {
  let audio = parts[0]!;
  if (parts.length > 1) {
    audio = new Int16Array(sampleCount);
    let at = 0;
    for (const part of parts) {
      audio.set(part, at);
      at += part.length;
    }
  }
  return new Uint8Array(audio.buffer, audio.byteOffset, audio.byteLength);
}
