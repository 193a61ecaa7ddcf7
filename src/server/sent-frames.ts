import { Buffer } from "node:buffer";

const NONE = Buffer.alloc(0);
const TEXT = 0x1;
const BINARY = 0x2;
const CLOSE = 0x8;
/** Close frame without a code (RFC 6455, 7.1.5). */
const NO_CODE = 1005;

/** What a server has sent. */
export interface SentSight {
  message(bytes: Buffer, isBinary: boolean): void;
  close(code: number): void;
}

/**
 * Reads the WebSocket frames of a server (RFC 6455, 5.2: unmasked; whole messages, uncompressed) off the bytes that are
 * written to its TCP socket, in pieces of any size. Pings and pongs are passed over.
 */
export class SentFrames {
  readonly #sight: SentSight;
  #rest = NONE;

  constructor(sight: SentSight) {
    this.#sight = sight;
  }

  /** The bytes are looked at now: whoever writes may use them again. */
  push(bytes: Buffer): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let from = 0;
    for (;;) {
      const end = this.#frame(all, from);
      if (end === undefined) break;
      from = end;
    }
    this.#rest = from === all.length ? NONE : Buffer.from(all.subarray(from));
  }

  /** Reads one frame; where it ends, or undefined when it is not complete. */
  #frame(all: Buffer, at: number): number | undefined {
    if (all.length < at + 2) return undefined;
    const short = all.readUInt8(at + 1) & 0x7f;
    const start = at + (short === 126 ? 4 : short === 127 ? 10 : 2);
    if (all.length < start) return undefined;
    const length =
      short === 126 ? all.readUInt16BE(at + 2) : short === 127 ? Number(all.readBigUInt64BE(at + 2)) : short;
    const end = start + length;
    if (all.length < end) return undefined;
    const opcode = all.readUInt8(at) & 0x0f;
    if (opcode === TEXT || opcode === BINARY) this.#sight.message(all.subarray(start, end), opcode === BINARY);
    else if (opcode === CLOSE) this.#sight.close(length < 2 ? NO_CODE : all.readUInt16BE(start));
    return end;
  }
}
