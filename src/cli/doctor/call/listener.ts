import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { isCallOver, parseCallEvent } from "../../../wavix/control/index.ts";
import { ProbeStream, type UpgradeFacts, upgradeFactsOf } from "./probe-stream.ts";
import { Watch } from "./watch.ts";

/** A webhook of the call, without what is private in it. */
export interface WebhookFact {
  readonly atMs: number;
  readonly event: string;
  /** Names under which the call's id came. */
  readonly ids: "both" | "id" | "uuid" | "other" | "unknown";
  /** Says whether two are the same. */
  readonly body: string;
  /** While an earlier one had no reply yet. */
  readonly overlapping: boolean;
  readonly status: number;
  readonly headers: readonly string[];
  readonly isOver: boolean;
}

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** `/wavix/inbound/<secret>` */
  readonly webhookPath: string;
  /** How long the first webhook waits for its reply. */
  readonly holdMs: number;
}

const MAX_BODY_BYTES = 64 * 1024;
const MAX_WEBHOOKS = 200;

/**
 * Stands where the server would, with nothing between Wavix and the script: the webhooks of the first inbound call, and
 * the sockets that the script has asked for.
 */
export class CallListener {
  readonly webhooks: WebhookFact[] = [];
  /** Of other calls meanwhile. */
  otherCalls = 0;
  callId: string | undefined;
  /** Made with the first webhook: its time begins there. */
  watch = new Watch();
  /** Statuses with which webhooks are replied to from now on, by event; 200 for others. */
  readonly replies = new Map<string, number>();
  readonly upgrades = new Map<string, UpgradeFacts>();
  readonly #options: ListenerOptions;
  readonly #http = createServer((request, response) => void this.#request(request, response));
  readonly #webSockets = new WebSocketServer({ noServer: true, maxPayload: 1 << 20, perMessageDeflate: false });
  readonly #expected = new Map<string, { name: string; delayMs: number }>();
  readonly #streams = new Map<string, ProbeStream>();
  /** Those that asked for an upgrade: the HTTP server knows them no more. */
  readonly #rawSockets = new Set<Duplex>();
  #onFirst: () => void = () => undefined;
  #unreplied = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** @throws Error with the code `EADDRINUSE` … */
  async open(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once("error", reject);
      this.#http.listen(this.#options.port, this.#options.host, () => {
        this.#http.off("error", reject);
        resolve();
      });
    });
    return (this.#http.address() as AddressInfo).port;
  }

  get webhookPath(): string {
    return this.#options.webhookPath;
  }

  /** Whether a call came in time, and before `signal` aborted. */
  async firstCall(limitMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.callId !== undefined) return true;
    return new Promise((resolve) => {
      const settle = (came: boolean) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", giveUp);
        resolve(came);
      };
      const giveUp = () => settle(false);
      const timer = setTimeout(giveUp, limitMs);
      signal?.addEventListener("abort", giveUp);
      this.#onFirst = () => settle(true);
      if (signal?.aborted) giveUp();
    });
  }

  /** Makes room for a stream's socket; gives the path to be asked for. */
  expect(name: string, delayMs = 0): string {
    const token = randomUUID();
    this.#expected.set(token, { name, delayMs });
    return `/ws/${token}?probe=1`;
  }

  stream(name: string): ProbeStream | undefined {
    return this.#streams.get(name);
  }

  get over(): WebhookFact | undefined {
    return this.webhooks.find(({ isOver }) => isOver);
  }

  async close(): Promise<void> {
    for (const stream of this.#streams.values()) stream.terminate();
    // Somebody who was turned away, or not let in yet, may hold on to the line.
    for (const socket of this.#rawSockets) socket.destroy();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  async #request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = (status: number, body: object) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const path = request.url?.split("?", 1)[0];
    if (request.method !== "POST" || path !== this.#options.webhookPath) return reply(404, { error: "not found" });
    let body = "";
    try {
      for await (const piece of request.setEncoding("utf8")) {
        body += piece;
        if (body.length > MAX_BODY_BYTES) return reply(413, { error: "too large" });
      }
    } catch {
      return;
    }
    reply(...(await this.#webhook(request, body)));
  }

  async #webhook(request: IncomingMessage, body: string): Promise<[number, object]> {
    const value = parse(body);
    const parsed = parseCallEvent(value);
    if (!parsed.ok) return [400, { accepted: false }];
    const { event } = parsed;
    if (this.callId === undefined && event.kind === "setup" && event.direction !== "outbound") {
      this.callId = event.callId;
      this.watch = new Watch();
    }
    const ours = this.callId === event.callId;
    if (!ours && event.kind === "setup") this.otherCalls++;
    if (!ours || this.webhooks.length >= MAX_WEBHOOKS) return [200, { accepted: false }];
    const { id, uuid } = value as { id?: unknown; uuid?: unknown };
    const status = this.replies.get(event.eventType) ?? 200;
    const isFirst = this.webhooks.length === 0;
    this.webhooks.push({
      atMs: this.watch.nowMs,
      event: /^[a-z_-]{1,64}$/.test(event.eventType) ? event.eventType : "unknown",
      ids:
        id !== undefined && uuid !== undefined
          ? "both"
          : id !== undefined
            ? "id"
            : uuid !== undefined
              ? "uuid"
              : "other",
      body,
      overlapping: this.#unreplied > 0,
      status,
      headers: Object.keys(request.headers).sort().slice(0, 50),
      isOver: isCallOver(event),
    });
    this.#unreplied++;
    this.watch.note(`webhook ${event.eventType.replace(/[^a-z_-]/g, "?").slice(0, 64)}, replied to with ${status}`);
    if (isFirst) {
      this.#onFirst();
      await new Promise((resolve) => setTimeout(resolve, this.#options.holdMs));
    }
    this.#unreplied--;
    return [status, { accepted: status === 200 }];
  }

  #upgrade(request: IncomingMessage, rawSocket: Duplex, head: Buffer): void {
    rawSocket.on("error", () => undefined);
    this.#rawSockets.add(rawSocket);
    rawSocket.once("close", () => this.#rawSockets.delete(rawSocket));
    const token = /^\/ws\/([\w-]{36})(?:\?|$)/.exec(request.url ?? "")?.[1] ?? "";
    const expected = this.#expected.get(token);
    if (expected === undefined) {
      rawSocket.end("HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
      return;
    }
    this.#expected.delete(token);
    const { name, delayMs } = expected;
    this.upgrades.set(name, upgradeFactsOf(request));
    const handshake = setTimeout(() => {
      this.#webSockets.handleUpgrade(request, rawSocket, head, (socket) => {
        this.#streams.set(name, new ProbeStream(name, socket, this.watch));
        this.watch.changed();
      });
    }, delayMs);
    rawSocket.once("close", () => clearTimeout(handshake));
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
