/**
 * The twin's memory map: that of assembly/layout.ts as far as the host sees it. Tap tables come behind OUT. Slots are
 * objects (slots.ts), and what precedes PCM while a resampler runs lies in a window of its own (resampler.ts).
 *
 * ```
 * 0x00000  RESULT    what the last call found, beside its return value (see media-message.ts)
 * 0x00400  PREFIX    start of an outgoing message: everything before the payload
 * 0x01000  PCM       PCM16 in: 24,576 samples
 * 0x10000  MESSAGE   one incoming message, 64 KiB; 64 spare bytes
 * 0x21000  OUT       PCM16 out, or outgoing messages
 * 0x69000  tap tables
 * ```
 */
export const RESULT = 0x00000;
export const PREFIX = 0x00400;
export const PREFIX_CAPACITY = 0x600;
export const PCM = 0x01000;
export const PCM_CAPACITY = 24_576;
export const MESSAGE = 0x10000;
export const MESSAGE_CAPACITY = 65_536;
export const OUT = 0x21000;
export const OUT_CAPACITY = 294_912;
const TABLES = 0x69000;

/** One array buffer that grows as WebAssembly memory does: by replacement, so that its views must be made anew. */
export class TwinMemory {
  buffer = new ArrayBuffer(TABLES);
  bytes = new Uint8Array(this.buffer);
  samples = new Int16Array(this.buffer);
  words = new Uint32Array(this.buffer);
  floats = new Float32Array(this.buffer);
  numbers = new Float64Array(this.buffer);

  /** Takes bytes at the end for good; 0 when the engine gives no more memory. */
  allocate(byteLength: number): number {
    const start = this.buffer.byteLength;
    try {
      const grown = new ArrayBuffer(Math.ceil((start + byteLength) / 64) * 64);
      const bytes = new Uint8Array(grown);
      bytes.set(this.bytes);
      this.samples = new Int16Array(grown);
      this.words = new Uint32Array(grown);
      this.floats = new Float32Array(grown);
      this.numbers = new Float64Array(grown);
      this.bytes = bytes;
      this.buffer = grown;
    } catch (error) {
      if (error instanceof RangeError) return 0;
      throw error;
    }
    return start;
  }
}
