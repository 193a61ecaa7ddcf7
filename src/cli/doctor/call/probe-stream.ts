import type { IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import { StreamFacts } from "./stream-facts.ts";
import type { Watch } from "./watch.ts";

const RATE = 24_000;
export const PACKET_BYTES = 960;

/** A media socket of Wavix's, in the hands of the script: nothing is paced, and nothing is done by itself. */
export class ProbeStream {
  readonly facts = new StreamFacts();
  readonly openedAtMs: number;
  /** Who closed first is told by {@link closedByUs}; 1005 without a code, 1006 without a close frame. */
  closeCode: number | undefined;
  closedAtMs: number | undefined;
  closedByUs = false;
  pings = 0;
  readonly #socket: WebSocket;
  readonly #watch: Watch;
  #samplesSent = 0;

  constructor(name: string, socket: WebSocket, watch: Watch) {
    this.#socket = socket;
    this.#watch = watch;
    this.openedAtMs = watch.nowMs;
    watch.note(`${name}: socket open`);
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.facts.binaryCount++;
      const event = isBinary ? "binary" : this.facts.read(data.toString("utf8"), watch.nowMs);
      if (event !== undefined) watch.note(`${name}: ${event}`);
      else watch.changed();
    });
    socket.on("ping", () => this.pings++);
    socket.on("error", () => undefined);
    socket.on("close", (code) => {
      this.closeCode = code;
      this.closedAtMs = watch.nowMs;
      watch.note(`${name}: closed with ${code}${this.closedByUs ? ", by us" : ""}`);
    });
  }

  get isOpen(): boolean {
    return this.closedAtMs === undefined;
  }

  /** Sends audio at once: a short beep in each second, else silence. */
  audio(durationMs: number, messageBytes = PACKET_BYTES): void {
    let left = Math.round((durationMs * RATE * 2) / 1_000);
    for (; left > 0; left -= messageBytes) this.#send({ event: "media", media: { payload: this.#beep(messageBytes) } });
  }

  mark(name: string): void {
    this.#send({ event: "mark", mark: { name } });
  }

  clear(): void {
    this.#watch.note("we send clear");
    this.#send({ event: "clear" });
  }

  /** How long after `sinceMs` this mark came back, in ms; null when it did not in time. */
  async echo(name: string, limitMs: number, sinceMs: number): Promise<number | null> {
    const found = await this.#watch.until(limitMs, () => this.facts.marks.find((mark) => mark.name === name));
    return found === null ? null : found.atMs - sinceMs;
  }

  close(): void {
    this.closedByUs ||= this.isOpen;
    this.#socket.close(1000);
  }

  /** Lets go of it, however it stands. */
  terminate(): void {
    this.closedByUs ||= this.isOpen;
    this.#socket.terminate();
  }

  #send(message: object): void {
    if (this.#socket.readyState !== 1) return;
    const { streamId } = this.facts;
    this.#socket.send(JSON.stringify(streamId === undefined ? message : { ...message, stream_id: streamId }));
  }

  #beep(byteLength: number): string {
    const bytes = Buffer.alloc(byteLength);
    for (let at = 0; at + 1 < byteLength; at += 2) {
      const place = this.#samplesSent++ % RATE;
      if (place < RATE / 10) bytes.writeInt16LE(Math.round(2_000 * Math.sin((place * 2 * Math.PI * 440) / RATE)), at);
    }
    return bytes.toString("base64");
  }
}

/** What the upgrade says that no document tells. Names of headers only. */
export interface UpgradeFacts {
  readonly keptQuery: boolean;
  readonly headers: readonly string[];
  readonly userAgent: string | undefined;
  readonly subprotocol: boolean;
  readonly offersCompression: boolean;
}

export function upgradeFactsOf({ url = "", headers }: IncomingMessage): UpgradeFacts {
  return {
    keptQuery: url.includes("?"),
    headers: Object.keys(headers).sort().slice(0, 50),
    userAgent: /^[\w ./()+;:-]{1,80}$/.exec(headers["user-agent"] ?? "")?.[0],
    subprotocol: headers["sec-websocket-protocol"] !== undefined,
    offersCompression: /permessage-deflate/.test(headers["sec-websocket-extensions"] ?? ""),
  };
}
