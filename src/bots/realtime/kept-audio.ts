/** The caller's audio while there is no session to hear it: the last seconds of it. */
export class KeptAudio {
  readonly #maxBytes: number;
  #pieces: Uint8Array[] = [];
  #byteLength = 0;

  constructor(maxMs: number) {
    this.#maxBytes = maxMs * 48;
  }

  /** @returns how much of the oldest had to go for it, in ms */
  push(audio: Uint8Array): number {
    this.#pieces.push(audio);
    this.#byteLength += audio.byteLength;
    let droppedBytes = 0;
    while (this.#byteLength > this.#maxBytes) {
      const oldest = this.#pieces.shift() as Uint8Array;
      this.#byteLength -= oldest.byteLength;
      droppedBytes += oldest.byteLength;
    }
    return droppedBytes / 48;
  }

  /** All of it, in its order; nothing is kept any more. */
  take(): readonly Uint8Array[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#byteLength = 0;
    return pieces;
  }
}
