import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { WavixSimulator } from "../../src/simulator/index.ts";

export interface StreamMessage {
  event: string;
  stream_id?: string;
  call_id?: string;
  sequence_number?: number | string;
  mark?: { name: string };
  media?: { payload: string; track: string; timestamp: number | string; chunk: number | string };
  [field: string]: unknown;
}

export interface TinyServer {
  webhookUrl: string;
  streamUrl: string;
  /** Bodies of the webhooks, in order of arrival. */
  events: Record<string, unknown>[];
  /** Messages from Wavix, over all sockets, in order of arrival. */
  messages: StreamMessage[];
  sockets: WebSocket[];
  /** What the socket's request asked for. */
  socketPaths: string[];
  /** The next message of this event that is, or will be, here. */
  message: (event: string) => Promise<StreamMessage>;
  webhook: (eventType: string) => Promise<Record<string, unknown>>;
  close: () => Promise<void>;
}

export interface TinyServerOptions {
  /** What to do with a message from Wavix. Default: nothing. */
  onMessage?: (message: StreamMessage, socket: WebSocket) => void;
  /** What to do with a webhook. Default: reply 200. */
  onWebhook?: (event: Record<string, unknown>, response: ServerResponse) => void;
}

/** The least a server of the user's has to be: a webhook and a WebSocket, both recording what comes. */
export async function openTinyServer({ onMessage, onWebhook }: TinyServerOptions = {}): Promise<TinyServer> {
  const events: Record<string, unknown>[] = [];
  const messages: StreamMessage[] = [];
  const sockets: WebSocket[] = [];
  const socketPaths: string[] = [];
  const waiting = new Set<() => void>();
  const arrived = () => {
    for (const check of waiting) check();
  };
  const eventually = <T>(find: () => T | undefined) =>
    new Promise<T>((resolve) => {
      const check = () => {
        const found = find();
        if (found === undefined) return;
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      check();
    });

  const http = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", () => {
      const event = JSON.parse(text);
      events.push(event);
      if (onWebhook === undefined) response.end();
      else onWebhook(event, response);
      arrived();
    });
  });
  const streams = new WebSocketServer({ server: http });
  streams.on("connection", (socket, request) => {
    sockets.push(socket);
    socketPaths.push(request.url ?? "");
    socket.on("error", () => undefined);
    socket.on("message", (data) => {
      const message = JSON.parse(data.toString()) as StreamMessage;
      messages.push(message);
      onMessage?.(message, socket);
      arrived();
    });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  return {
    webhookUrl: `http://127.0.0.1:${port}/hook`,
    streamUrl: `ws://127.0.0.1:${port}/ws`,
    events,
    messages,
    sockets,
    socketPaths,
    message: (event) => eventually(() => messages.find((message) => message.event === event)),
    webhook: (type) => eventually(() => events.find(({ event_type }) => event_type === type)),
    close: async () => {
      for (const socket of sockets) socket.terminate();
      const stopped = once(http, "close");
      http.close();
      http.closeAllConnections();
      await stopped;
    },
  };
}

/** One request to the simulator's REST side. */
export async function request(
  simulator: WavixSimulator,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${simulator.apiUrl}${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Answers a call and starts its two-way stream. */
export function answer(simulator: WavixSimulator, callId: string, streamUrl: string, type = "twoway") {
  return request(simulator, "POST", `/v1/calls/${callId}/answer`, {
    stream_url: streamUrl,
    stream_type: type,
    stream_channel: "inbound",
  });
}
