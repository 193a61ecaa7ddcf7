import { Buffer } from "node:buffer";

/** Shorter ones carry no packet of audio. */
const MEDIA_BYTES = 1_280;

/** Finds the WebSocket frames in a stream of bytes, and says when one with a packet is complete; the others it hands out. */
export class FrameCounter {
  readonly #onMedia: () => void;
  readonly #onOther: (payload: Buffer) => void;
  readonly #other = Buffer.alloc(MEDIA_BYTES);
  #otherLength = 0;
  readonly #header = new Uint8Array(8);
  #headerLength = 0;
  #isMedia = false;
  /** Bytes of the present payload that have not come yet. */
  #rest = 0;

  /** @param onOther is given the payload of a frame without audio, as it came, in memory that is used again */
  constructor(onMedia: () => void, onOther: (payload: Buffer) => void = () => {}) {
    this.#onMedia = onMedia;
    this.#onOther = onOther;
  }

  read(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#rest === 0) {
        this.#header[this.#headerLength++] = bytes[at++]!;
        this.#endOfHeader();
        continue;
      }
      const taken = Math.min(this.#rest, bytes.length - at);
      if (!this.#isMedia) {
        this.#other.set(bytes.subarray(at, at + taken), this.#otherLength);
        this.#otherLength += taken;
      }
      at += taken;
      this.#rest -= taken;
      if (this.#rest > 0) continue;
      if (this.#isMedia) this.#onMedia();
      else this.#onOther(this.#other.subarray(0, this.#otherLength));
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
    this.#otherLength = 0;
  }
}
