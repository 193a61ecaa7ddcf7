import { Buffer } from "node:buffer";
import type { MediaWriter } from "../codec/index.ts";
import type { TransportSocket } from "./transport-options.ts";

const OPEN = 1;
const FINAL_TEXT = 0x81;
/** Messages of audio are longer than 125 bytes and shorter than 64 KiB: their frames have one form of header. */
const HEADER_BYTES = 4;
const LENGTH_16 = 126;

/** What is used of the TCP or TLS socket below a WebSocket. */
interface RawSocket {
  readonly writable: boolean;
  readonly writableLength: number;
  write(bytes: Uint8Array): boolean;
}

/** What a WebSocket of the ws package has within. */
interface WsInside {
  readonly _isServer?: unknown;
  readonly _socket?: unknown;
  readonly _sender?: unknown;
  readonly extensions?: unknown;
}

/** What its sender has. */
interface WsSender {
  /** 0 when it has nothing in progress. */
  readonly _state: number;
  /** False within a message of several frames. */
  readonly _firstFragment: boolean;
  readonly _queue: readonly unknown[];
}

/** Several packets make one write. A second of them is 88 kB; more is never due at once. */
const SHARED_BYTES = 96 * 1024;
/** One for all calls: a write that the kernel took at once leaves nothing behind in it. */
let shared: Buffer | undefined;

/**
 * Writes the messages of a {@link MediaWriter} as WebSocket frames of a server (RFC 6455, 5.2) straight to the socket
 * below, all that are due in one write. `ws` itself takes an object, two buffers and a system call for each message.
 *
 * It does so between the frames of `ws` only, and only for a WebSocket that looks like one of `ws` to the last: another
 * one, or one with permessage-deflate, is none of its business.
 */
export class FrameWriter {
  readonly #raw: RawSocket;
  readonly #socket: TransportSocket;
  readonly #sender: WsSender;
  /** Frame header and beginning of the message. */
  #prefix: Uint8Array<ArrayBufferLike> = Buffer.alloc(0);
  #message: Uint8Array | undefined;

  private constructor(socket: TransportSocket, raw: RawSocket, sender: WsSender) {
    this.#socket = socket;
    this.#raw = raw;
    this.#sender = sender;
  }

  /** For a socket of the ws package on the server's side; undefined for any other. */
  static over(socket: TransportSocket): FrameWriter | undefined {
    const { _isServer, _socket, _sender, extensions } = socket as WsInside;
    if (_isServer !== true || extensions !== "" || !isRawSocket(_socket) || !isSender(_sender)) return undefined;
    return new FrameWriter(socket, _socket, _sender);
  }

  /** Whether nothing of `ws` is in progress that a frame would get into. */
  get isFree(): boolean {
    const sender = this.#sender;
    return (
      sender._state === 0 &&
      sender._firstFragment &&
      sender._queue.length === 0 &&
      this.#socket.readyState === OPEN &&
      this.#raw.writable
    );
  }

  /**
   * Takes messages from the writer and sends them; only while {@link isFree}.
   *
   * @returns how many were there
   */
  send(writer: MediaWriter, count: number): number {
    const prefix = this.#prefixFor(writer);
    const byteLength = count * (HEADER_BYTES + writer.messageByteLength);
    shared ??= Buffer.allocUnsafeSlow(SHARED_BYTES);
    const target = byteLength > SHARED_BYTES ? Buffer.allocUnsafeSlow(byteLength) : shared;
    const taken = writer.takeMessages(target, count, prefix);
    this.#raw.write(target.subarray(0, taken * (HEADER_BYTES + writer.messageByteLength)));
    // What the kernel did not take at once still lies there: the next write gets a buffer of its own.
    if (this.#raw.writableLength > 0 && target === shared) shared = undefined;
    return taken;
  }

  #prefixFor(writer: MediaWriter): Uint8Array {
    if (this.#message === writer.messagePrefix) return this.#prefix;
    this.#message = writer.messagePrefix;
    const length = writer.messageByteLength;
    this.#prefix = Buffer.concat([Buffer.from([FINAL_TEXT, LENGTH_16, length >> 8, length & 0xff]), this.#message]);
    return this.#prefix;
  }
}

function isRawSocket(value: unknown): value is RawSocket {
  const { write, writable, writableLength } = (value ?? {}) as Partial<Record<keyof RawSocket, unknown>>;
  return typeof write === "function" && typeof writable === "boolean" && typeof writableLength === "number";
}

function isSender(value: unknown): value is WsSender {
  const { _state, _firstFragment, _queue } = (value ?? {}) as Partial<Record<keyof WsSender, unknown>>;
  return typeof _state === "number" && typeof _firstFragment === "boolean" && Array.isArray(_queue);
}
