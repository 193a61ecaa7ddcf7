import { type Buffer, isUtf8 } from "node:buffer";
import type { TransportSocket } from "./transport-options.ts";

/** The head of the frames that are read here: a whole text message, masked, of 126 to 65,535 bytes (RFC 6455, 5.2). */
const FINAL_TEXT = 0x81;
const MASKED_LENGTH_16 = 0x80 | 126;
const HEADER_BYTES = 8;
const GET_INFO = 0;

/** What a WebSocket of the ws package has within. */
interface WsInside {
  readonly _isServer?: unknown;
  readonly _receiver?: unknown;
  readonly extensions?: unknown;
  emit?: unknown;
}

/** What its receiver has. */
interface WsReceiver {
  /** Where in a frame it is. */
  readonly _state: number;
  readonly _bufferedBytes: number;
  /** Not 0 within a message of several frames. */
  readonly _fragmented: number;
  readonly _maxPayload: number;
  readonly _allowSynchronousEvents: boolean;
  readonly _skipUTF8Validation: boolean;
  readonly writable: boolean;
  readonly writableLength: number;
  write(chunk: Uint8Array): boolean;
}

/**
 * Lets the messages of a stream go by `ws`'s receiver, a Writable that takes each frame apart in five steps: a chunk that
 * begins with whole text messages is read here, and what comes behind them, or anything else, goes to `ws` as ever. Its
 * events, limits and errors stay the same.
 *
 * It does so for a socket that looks like one of `ws` on the server's side to the last; for any other it does nothing.
 */
export function readFramesDirectly(socket: TransportSocket): void {
  const { _isServer, _receiver: receiver, extensions } = socket as WsInside;
  if (_isServer !== true || extensions !== "" || !isReceiver(receiver) || Object.hasOwn(receiver, "write")) return;
  const webSocket = socket as unknown as { emit(event: "message", data: Buffer, isBinary: boolean): boolean };
  const theirs = receiver.write;
  receiver.write = (chunk) => {
    let from = 0;
    while (isBetweenMessages(receiver)) {
      const to = endOfText(chunk, from, receiver._maxPayload);
      if (to === 0) break;
      const start = from + HEADER_BYTES;
      const message = chunk.subarray(start, to) as Buffer;
      unmask(message, chunk, start - 4);
      if (!isUtf8(message)) {
        // ws closes the socket for that; unmasking is its own reverse.
        unmask(message, chunk, start - 4);
        break;
      }
      from = to;
      webSocket.emit("message", message, false);
      if (from === chunk.length) return true;
    }
    return theirs.call(receiver, from === 0 ? chunk : chunk.subarray(from));
  };
}

function isBetweenMessages(receiver: WsReceiver): boolean {
  return (
    receiver._state === GET_INFO &&
    receiver._bufferedBytes === 0 &&
    receiver._fragmented === 0 &&
    receiver.writable &&
    receiver.writableLength === 0
  );
}

/** Where a text message ends that begins here and is complete; 0 for none. */
function endOfText(chunk: Uint8Array, from: number, maxPayload: number): number {
  if (chunk[from] !== FINAL_TEXT || chunk[from + 1] !== MASKED_LENGTH_16) return 0;
  const byteLength = ((chunk[from + 2] as number) << 8) | (chunk[from + 3] as number);
  const to = from + HEADER_BYTES + byteLength;
  if (to > chunk.length || (maxPayload > 0 && byteLength > maxPayload)) return 0;
  return to;
}

/** In place, four bytes at a time where they lie in one word. `mask` is where the four bytes of the mask are in `chunk`. */
function unmask(bytes: Uint8Array, chunk: Uint8Array, mask: number): void {
  const { buffer, byteOffset, length } = bytes;
  const head = Math.min(length, -byteOffset & 3);
  for (let i = 0; i < head; i++) bytes[i] = (bytes[i] as number) ^ (chunk[mask + (i & 3)] as number);
  const wordCount = (length - head) >> 2;
  const words = new Int32Array(buffer, byteOffset + head, wordCount);
  // In the byte order of the machine, whichever it is.
  for (let i = 0; i < 4; i++) turned[i] = chunk[mask + ((head + i) & 3)] as number;
  const word = turnedWord[0] as number;
  for (let i = 0; i < wordCount; i++) words[i] = (words[i] as number) ^ word;
  for (let i = head + 4 * wordCount; i < length; i++)
    bytes[i] = (bytes[i] as number) ^ (chunk[mask + (i & 3)] as number);
}

const turned = new Uint8Array(4);
const turnedWord = new Int32Array(turned.buffer);

function isReceiver(value: unknown): value is WsReceiver {
  const given = (value ?? {}) as Partial<Record<keyof WsReceiver, unknown>>;
  return (
    [given._state, given._bufferedBytes, given._fragmented, given._maxPayload, given.writableLength].every(
      (count) => typeof count === "number",
    ) &&
    typeof given.writable === "boolean" &&
    typeof given.write === "function" &&
    given._allowSynchronousEvents === true &&
    given._skipUTF8Validation === false
  );
}
