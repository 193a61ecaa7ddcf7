/** Shorter ones carry no packet of audio. */
const MEDIA_BYTES = 1_280;

/** Finds the WebSocket frames in a stream of bytes, masked or not, and says when one with a packet is complete. */
export class FrameCounter {
  readonly #onMedia: () => void;
  readonly #header = new Uint8Array(8);
  #headerLength = 0;
  #isMedia = false;
  /** Bytes of the present payload that have not come yet. */
  #rest = 0;

  constructor(onMedia: () => void) {
    this.#onMedia = onMedia;
  }

  read(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#rest === 0) {
        this.#header[this.#headerLength++] = bytes[at++]!;
        this.#endOfHeader();
        continue;
      }
      const taken = Math.min(this.#rest, bytes.length - at);
      at += taken;
      this.#rest -= taken;
      if (this.#rest === 0 && this.#isMedia) this.#onMedia();
    }
  }

  #endOfHeader(): void {
    if (this.#headerLength < 2) return;
    const header = this.#header;
    const short = header[1]! & 0x7f;
    const length = 2 + (short === 126 ? 2 : 0) + (header[1]! & 0x80 ? 4 : 0);
    if (short === 127) throw new Error("no message is that long");
    if (this.#headerLength < length) return;
    this.#rest = short === 126 ? header[2]! * 256 + header[3]! : short;
    this.#isMedia = this.#rest >= MEDIA_BYTES;
    this.#headerLength = 0;
  }
}
