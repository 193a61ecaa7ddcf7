import { Buffer } from "node:buffer";
import type { MediaWriter } from "../codec/index.ts";
import { FrameWriter } from "./frame-writer.ts";
import type { TransportSocket } from "./transport-options.ts";

const OPEN = 1;
/** A second of media messages is 68 kB. A peer that is this far behind has stopped reading. */
const MAX_BUFFERED_BYTES = 512 * 1024;
/** Messages are small and some must not be lost, such as the one that silences: they may go as far as this. */
const MAX_BUFFERED_BYTES_WITH_MESSAGES = 2 * MAX_BUFFERED_BYTES;
/** A peer that has been this far behind for so long will not catch up. */
const STALLED_AFTER_MS = 10_000;
const TEXT = { binary: false, compress: false } as const;

export interface PacketSenderOptions {
  readonly socket: TransportSocket;
  readonly rawSocket: { cork(): void; uncork(): void } | undefined;
  /** Where the packets are. */
  readonly writer: MediaWriter;
  /** For ten seconds the socket has been too far behind to be given audio. */
  onStalled(): void;
}

/** Puts packets and messages on the socket of a call. What the socket does not take is lost and counted, oldest first. */
export class PacketSender {
  packetsOut = 0;
  packetsDropped = 0;
  messagesUnsent = 0;
  readonly #socket: TransportSocket;
  readonly #rawSocket: PacketSenderOptions["rawSocket"];
  readonly #writer: MediaWriter;
  readonly #frameWriter: FrameWriter | undefined;
  readonly #onStalled: () => void;
  #stalledSinceMs: number | undefined;

  constructor({ socket, rawSocket, writer, onStalled }: PacketSenderOptions) {
    this.#socket = socket;
    this.#rawSocket = rawSocket;
    this.#writer = writer;
    this.#frameWriter = FrameWriter.over(socket);
    this.#onStalled = onStalled;
  }

  /** Takes so many packets from the writer and sends or loses them; how many were there. */
  send(count: number, nowMs: number): number {
    const drains = this.#drains(nowMs);
    const taken =
      drains && this.#frameWriter?.isFree
        ? this.#frameWriter.send(this.#writer, count)
        : this.#sendOneByOne(count, drains);
    if (drains) this.packetsOut += taken;
    else this.packetsDropped += taken;
    return taken;
  }

  sendText(text: string): void {
    if (this.#socket.readyState !== OPEN) return;
    if (this.#socket.bufferedAmount <= MAX_BUFFERED_BYTES_WITH_MESSAGES) this.#socket.send(text, TEXT);
    else this.messagesUnsent++;
  }

  /** By the means of any WebSocket; without `drains` the packets are only taken. */
  #sendOneByOne(count: number, drains: boolean): number {
    const byteLength = this.#writer.messageByteLength;
    const messages = Buffer.allocUnsafe(count * byteLength);
    const taken = this.#writer.takeMessages(messages, count);
    if (!drains) return taken;
    this.#rawSocket?.cork();
    for (let i = 0; i < taken; i++) {
      this.#socket.send(messages.subarray(i * byteLength, (i + 1) * byteLength), TEXT);
    }
    this.#rawSocket?.uncork();
    return taken;
  }

  #drains(nowMs: number): boolean {
    if (this.#socket.readyState !== OPEN) return false;
    if (this.#socket.bufferedAmount <= MAX_BUFFERED_BYTES) {
      this.#stalledSinceMs = undefined;
      return true;
    }
    this.#stalledSinceMs ??= nowMs;
    if (nowMs - this.#stalledSinceMs > STALLED_AFTER_MS) this.#onStalled();
    return false;
  }
}
