import { once } from "node:events";
import WebSocket from "ws";
import { Arrivals } from "./arrivals.ts";

/** A message of the server, or one to it. */
export interface StreamMessage {
  event: string;
  stream_id?: string;
  call_id?: string;
  media?: { payload: string; track?: string };
  mark?: { name: string };
  [field: string]: unknown;
}

/** 20 ms of silence. */
export const SILENCE = Buffer.alloc(960).toString("base64");

/** Wavix's side of one media socket, without manners of its own: it sends what it is told to. */
export class MediaClient {
  readonly socket: WebSocket;
  /** The code the socket was closed with. */
  readonly closed: Promise<number>;
  readonly #messages = new Arrivals<StreamMessage>();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("error", () => undefined);
    socket.on("message", (data: Buffer) => this.#messages.add(JSON.parse(data.toString())));
    this.closed = once(socket, "close").then(([code]) => code as number);
  }

  /** Settles when the socket is open; rejects with `HTTP <status>` when it is refused. */
  static async open(url: string): Promise<MediaClient> {
    const client = new MediaClient(new WebSocket(url, { perMessageDeflate: false }));
    await new Promise<void>((resolve, reject) => {
      client.socket.once("open", resolve);
      client.socket.once("unexpected-response", (request, response) => {
        request.destroy();
        reject(new Error(`HTTP ${response.statusCode}`));
      });
      client.socket.once("error", reject);
    });
    return client;
  }

  /** Sends an object as JSON, anything else as it is. */
  send(data: StreamMessage | string | Buffer): void {
    const raw = typeof data === "string" || Buffer.isBuffer(data);
    this.socket.send(raw ? data : JSON.stringify(data));
  }

  start(callId: string, streamId = "stream-1"): void {
    this.send({ event: "connected" });
    this.send({ event: "start", call_id: callId, stream_id: streamId, stream_type: "twoway", channel: "inbound" });
  }

  media(payload = SILENCE): void {
    this.send({ event: "media", media: { payload, track: "inbound" } });
  }

  /** What the server has sent. */
  get messages(): readonly StreamMessage[] {
    return this.#messages.all;
  }

  /** The first message of this event that is, or will be, here. */
  message(event: string): Promise<StreamMessage> {
    return this.#messages.first((message) => message.event === event);
  }

  /** Sends `stop` and closes, as Wavix does. */
  async stop(): Promise<void> {
    this.send({ event: "stop" });
    this.socket.close(1000);
    await this.closed;
  }
}

/** What the server says to an upgrade: 101, or the status it is refused with. */
export async function upgradeStatus(url: string): Promise<number> {
  try {
    const client = await MediaClient.open(url);
    client.socket.terminate();
    return 101;
  } catch (error) {
    return Number(/^HTTP (\d+)$/.exec((error as Error).message)?.[1]);
  }
}
