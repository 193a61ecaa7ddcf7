import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { CartesiaContext, type CartesiaContextFault, type CartesiaDelivery, errorEvent } from "./cartesia-context.ts";
import { readCartesiaRequest } from "./cartesia-request.ts";

/** How the stand-in is to be; nothing has to be given. */
export interface CartesiaStandInOptions extends CartesiaDelivery {
  /** Port on 127.0.0.1; 0, the default, takes a free one. */
  readonly port?: number;
  /** The key that is accepted. Default: any. */
  readonly apiKey?: string;
  /** Ids of the voices there are. Default: any. */
  readonly voices?: readonly string[];
  /** What becomes of the first, second, … upgrade: accepted, refused with an HTTP status, or never answered. */
  readonly upgrades?: readonly ("accept" | "hang" | number)[];
  /** What goes wrong in the first, second, … context, over all connections; or what says it for the text a context begins with. */
  readonly contexts?:
    | readonly (CartesiaContextFault | undefined)[]
    | ((transcript: string) => CartesiaContextFault | undefined);
  /** Contexts a key may have at once; one more is answered 429. Default: no limit. */
  readonly maxContexts?: number;
  /** A connection without a message is closed after so long, in ms. Default 300000, as published. */
  readonly idleTimeoutMs?: number;
}

/** A Cartesia on this machine. */
export interface CartesiaStandIn extends AsyncDisposable {
  /** Base URL of the WebSocket: `ws://127.0.0.1:…`. */
  readonly url: string;
  /** Base URL of the REST side: `http://127.0.0.1:…`. */
  readonly httpUrl: string;
  /** What clients sent on their sockets, in order. */
  readonly requests: readonly Record<string, unknown>[];
  /** Upgrades seen, whatever became of them. */
  readonly upgradeCount: number;
  /** Connections that are open. */
  readonly connectionCount: number;
  /** What the connections have not taken yet, in bytes: their clients do not read. */
  readonly unreadByteLength: number;
  /** What a client did that Cartesia does not take. */
  readonly problems: readonly string[];
  /** Closes all connections: with a code, or without a word. */
  dropConnections(code?: number): void;
  /** Resolves when a request for which `matches` holds has come, or at once when it has. */
  request(matches: (request: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

const MAX_REQUESTS = 10_000;
const MAX_PROBLEMS = 1_000;

/**
 * A stand-in for Cartesia's text-to-speech: WebSocket `/tts/websocket` (API version 2026-03-01: contexts, continuations,
 * word timestamps, cancelling), `GET /voices` and `GET /voices/{id}`. Its voice says a vowel per word, ten times faster than real time.
 *
 * @throws Error when the port cannot be had.
 * @example
 * await using cartesia = await createCartesiaStandIn();
 * const tts = new CartesiaTTSService({ apiKey: "any", baseUrl: cartesia.url });
 */
export async function createCartesiaStandIn(options: CartesiaStandInOptions = {}): Promise<CartesiaStandIn> {
  const requests: Record<string, unknown>[] = [];
  const problems: string[] = [];
  const sockets = new Set<WebSocket>();
  const raw = new Set<Duplex>();
  const watchers = new Set<(request: Record<string, unknown>) => void>();
  const upgrades = [...(options.upgrades ?? [])];
  const { contexts: scripted = [] } = options;
  const faults = typeof scripted === "function" ? [] : [...scripted];
  const faultOf = typeof scripted === "function" ? scripted : () => faults.shift();
  let upgradeCount = 0;
  let contextCount = 0;

  const note = (request: unknown) => {
    if (typeof request !== "object" || request === null || requests.length >= MAX_REQUESTS) return;
    requests.push(request as Record<string, unknown>);
    for (const watcher of watchers) watcher(request as Record<string, unknown>);
  };

  const problem = (text: string) => {
    if (problems.length < MAX_PROBLEMS) problems.push(text);
  };

  const server = createServer((incoming, response) => {
    const [status, body] = answer(incoming, options);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1 << 20 });

  server.on("upgrade", (incoming, socket: Duplex, head: Buffer) => {
    upgradeCount++;
    socket.on("error", () => {});
    raw.add(socket);
    socket.on("close", () => raw.delete(socket));
    const upgrade = upgrades.shift() ?? "accept";
    if (upgrade === "hang") return;
    const status = upgrade === "accept" ? refusal(incoming, options) : upgrade;
    if (status !== undefined) {
      const body = JSON.stringify(httpError(status));
      socket.end(
        `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
      return;
    }
    webSockets.handleUpgrade(incoming, socket, head, serve);
  });

  function serve(socket: WebSocket): void {
    sockets.add(socket);
    const contexts = new Map<string, CartesiaContext>();
    const { idleTimeoutMs = 300_000 } = options;
    let idleTimer = setTimeout(() => socket.close(1000), idleTimeoutMs);
    const awake = () => {
      clearTimeout(idleTimer);
      idleTimer = setTimeout(() => socket.close(1000), idleTimeoutMs);
    };
    const connection = {
      send(message: Record<string, unknown>) {
        awake();
        socket.send(JSON.stringify(message));
      },
      insert: (text: string) => socket.send(text),
      close: (code: number | undefined) => (code === undefined ? socket.terminate() : socket.close(code)),
      problem,
      over(contextId: string) {
        if (contexts.delete(contextId)) contextCount--;
      },
    };
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(idleTimer);
      sockets.delete(socket);
      contextCount -= contexts.size;
      for (const context of contexts.values()) context.stop();
    });
    socket.on("message", (data) => {
      awake();
      const text = String(data);
      const request = readCartesiaRequest(text);
      if (request.kind === "wrong") {
        problem(`${request.title}: ${request.message}`);
        connection.send(errorEvent(request.contextId, { ...request, statusCode: 400 }));
        return;
      }
      note(JSON.parse(text));
      let context = contexts.get(request.contextId);
      if (request.kind === "cancel") {
        context?.cancel();
        return;
      }
      if (context === undefined) {
        if (contextCount >= (options.maxContexts ?? Number.POSITIVE_INFINITY)) {
          const limited = { statusCode: 429, title: "Too many concurrent requests" };
          connection.send({ ...errorEvent(request.contextId, limited), error_code: "concurrency_limited" });
          return;
        }
        context = new CartesiaContext(request, options, faultOf(request.transcript) ?? {}, connection);
        contexts.set(request.contextId, context);
        contextCount++;
      }
      context.take(request);
    });
  }

  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  const close = async () => {
    for (const socket of sockets) socket.terminate();
    for (const socket of raw) socket.destroy();
    webSockets.close();
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  return {
    url: `ws://127.0.0.1:${port}`,
    httpUrl: `http://127.0.0.1:${port}`,
    requests,
    problems,
    get upgradeCount() {
      return upgradeCount;
    },
    get unreadByteLength() {
      return [...sockets].reduce((sum, { bufferedAmount }) => sum + bufferedAmount, 0);
    },
    get connectionCount() {
      return sockets.size;
    },
    dropConnections(code) {
      for (const socket of sockets) code === undefined ? socket.terminate() : socket.close(code);
    },
    request(matches) {
      const seen = requests.find(matches);
      if (seen !== undefined) return Promise.resolve(seen);
      return new Promise((resolve) => {
        const watcher = (request: Record<string, unknown>) => {
          if (!matches(request)) return;
          watchers.delete(watcher);
          resolve(request);
        };
        watchers.add(watcher);
      });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Why a client is not let in, as an HTTP status. */
function refusal(incoming: IncomingMessage, { apiKey }: CartesiaStandInOptions): number | undefined {
  const base = "http://127.0.0.1";
  if (!URL.canParse(incoming.url ?? "", base)) return 404;
  const url = new URL(incoming.url ?? "", base);
  if (url.pathname !== "/tts/websocket") return 404;
  const { authorization, "x-api-key": header, "cartesia-version": version } = incoming.headers;
  const key = url.searchParams.get("api_key") ?? header ?? authorization?.replace(/^Bearer /, "");
  if (!key || (apiKey !== undefined && key !== apiKey)) return 401;
  // The query wins over the header.
  if (!/^\d{4}-\d\d-\d\d$/.test(url.searchParams.get("cartesia_version") ?? String(version))) return 400;
  return undefined;
}

/** The REST side: status and body. */
function answer(incoming: IncomingMessage, options: CartesiaStandInOptions): [number, Record<string, unknown>] {
  const asked = /^\/voices(?:\/([^/?]+))?(?:\?|$)/.exec(incoming.url ?? "");
  if (incoming.method !== "GET" || asked === null) return [404, httpError(404)];
  const { authorization, "x-api-key": header, "cartesia-version": version } = incoming.headers;
  const key = header ?? authorization?.replace(/^Bearer /, "");
  if (!key || (options.apiKey !== undefined && key !== options.apiKey)) return [401, httpError(401)];
  if (version === undefined) return [400, httpError(400)];
  const [, id] = asked;
  if (id === undefined) return [200, { data: (options.voices ?? []).map(voiceBody), has_more: false, next_page: null }];
  if (options.voices !== undefined && !options.voices.includes(id)) return [404, httpError(404)];
  return [200, voiceBody(id)];
}

function voiceBody(id: string): Record<string, unknown> {
  return {
    id,
    is_owner: false,
    is_public: true,
    name: "Stand-in",
    description: "A vowel per word",
    gender: null,
    created_at: "2026-01-01T00:00:00Z",
    language: "en",
  };
}

const TITLES: Record<number, string> = {
  400: "Bad request",
  401: "Unauthorized",
  404: "Not found",
  429: "Too many requests",
};

function httpError(status: number): Record<string, unknown> {
  const { error_code, title, message, request_id } = errorEvent(undefined, {
    statusCode: status,
    title: TITLES[status] ?? "Internal server error",
  });
  return { error_code, title, message, request_id };
}
