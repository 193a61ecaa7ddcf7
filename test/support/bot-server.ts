import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { Seat, Seats } from "../../src/bots/pipecat/seat.ts";
import { Arrivals } from "./arrivals.ts";

/** What came from the bridge: text as it is, binary as bytes. */
export type BotMessage = string | Buffer;

/** One call, as the bot has it. */
export class BotSide {
  readonly socket: WebSocket;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly path: string;
  readonly messages = new Arrivals<BotMessage>();
  /** The code the bridge closed with. */
  readonly closed: Promise<number>;

  constructor(socket: WebSocket, headers: Readonly<Record<string, unknown>>, path: string) {
    this.socket = socket;
    this.headers = headers;
    this.path = path;
    socket.on("error", () => undefined);
    socket.on("message", (data: Buffer, isBinary: boolean) => this.messages.add(isBinary ? data : data.toString()));
    this.closed = once(socket, "close").then(([code]) => code as number);
  }

  send(data: string | Uint8Array): void {
    this.socket.send(data, { binary: typeof data !== "string" });
  }
}

/** A process of bots, without one: a WebSocket server whose every connection is a bot that a test plays. */
export class BotServer {
  readonly url: string;
  readonly calls = new Arrivals<BotSide>();
  readonly #http: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(http: Server) {
    this.#http = http;
    this.url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/ws`;
    http.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  /**
   * @param play is given each call as it comes
   * @param port any, unless it is to be where another was
   */
  static async open(play: (bot: BotSide) => void = () => undefined, port = 0): Promise<BotServer> {
    const http = createServer((_request, response) => response.end("ready"));
    http.listen(port, "127.0.0.1");
    await once(http, "listening");
    const server = new BotServer(http);
    new WebSocketServer({ server: http, perMessageDeflate: false }).on("connection", (socket, request) => {
      const bot = new BotSide(socket, request.headers, request.url ?? "");
      server.calls.add(bot);
      play(bot);
    });
    return server;
  }

  /** The first call, or the one after so many others. */
  call(index = 0): Promise<BotSide> {
    return this.calls.first((bot) => this.calls.all.indexOf(bot) === index);
  }

  async close(): Promise<void> {
    const closed = once(this.#http, "close");
    this.#http.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** Seats at these URLs, each tried once in this order, whatever became of it before; and what became of them. */
export class PlainSeats implements Seats {
  readonly failed: string[] = [];
  /** Seats that are taken now. */
  taken = 0;
  closed = false;
  readonly #urls: readonly string[];
  readonly #headers: Readonly<Record<string, string>>;

  constructor(urls: readonly string[], headers: Readonly<Record<string, string>> = {}) {
    this.#urls = urls;
    this.#headers = headers;
  }

  async *offer(): AsyncGenerator<Seat, void, void> {
    for (const url of this.#urls) {
      this.taken++;
      yield {
        url,
        headers: this.#headers,
        failed: () => void this.failed.push(url),
        release: () => void this.taken--,
      };
    }
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
