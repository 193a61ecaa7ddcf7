import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { WavixTransport } from "../call/index.ts";

const OPEN = 1;

interface Watched {
  readonly socket: WebSocket;
  readonly rawSocket: Duplex & { readonly bytesRead?: number };
  packetCount: number;
  mediaAtMs: number;
  pingedAtMs: number;
  /** What had been read when the last ping went out; undefined before the first. */
  bytesAtPing: number | undefined;
}

/**
 * Looks after the streams: a socket that gives no sign of life after a ping is dead, and one that says things but sends no
 * audio is no call. One timer for all of them.
 */
export class StreamWatch {
  readonly #pingMs: number;
  readonly #noMediaTimeoutMs: number;
  readonly #streams = new Map<WavixTransport, Watched>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Both in ms, 0 for never. */
  constructor({ pingMs, noMediaTimeoutMs }: { pingMs: number; noMediaTimeoutMs: number }) {
    this.#pingMs = pingMs;
    this.#noMediaTimeoutMs = noMediaTimeoutMs;
  }

  get size(): number {
    return this.#streams.size;
  }

  add(transport: WavixTransport, socket: WebSocket, rawSocket: Duplex): void {
    const shortestMs = Math.min(this.#pingMs || Infinity, this.#noMediaTimeoutMs || Infinity);
    if (shortestMs === Infinity) return;
    const nowMs = performance.now();
    const fresh = { packetCount: 0, mediaAtMs: nowMs, pingedAtMs: nowMs, bytesAtPing: undefined };
    this.#streams.set(transport, { socket, rawSocket, ...fresh });
    const lookMs = Math.min(5_000, Math.max(10, shortestMs / 4));
    this.#timer ??= setInterval(() => this.#look(performance.now()), lookMs).unref();
    void transport.closed.then(() => {
      this.#streams.delete(transport);
      if (this.#streams.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    });
  }

  #look(nowMs: number): void {
    for (const [transport, watched] of this.#streams) {
      if (transport.ending) continue;
      const reason = this.#deadBy(transport, watched, nowMs);
      if (reason !== undefined) void transport.end({ endedBy: "server", reason, now: true });
    }
  }

  #deadBy(transport: WavixTransport, watched: Watched, nowMs: number): string | undefined {
    const { packetsIn } = transport.stats;
    if (packetsIn !== watched.packetCount) {
      watched.packetCount = packetsIn;
      watched.mediaAtMs = nowMs;
    } else if (this.#noMediaTimeoutMs > 0 && nowMs - watched.mediaAtMs > this.#noMediaTimeoutMs) return "no-media";

    if (this.#pingMs === 0 || nowMs - watched.pingedAtMs < this.#pingMs) return undefined;
    const bytesRead = watched.rawSocket.bytesRead ?? 0;
    // The pong, or anything else.
    if (bytesRead === watched.bytesAtPing) return "no-pong";
    watched.bytesAtPing = bytesRead;
    watched.pingedAtMs = nowMs;
    if (watched.socket.readyState === OPEN) watched.socket.ping();
    return undefined;
  }
}
