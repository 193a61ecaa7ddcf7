import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { type DeepgramConnection, ListenConnection } from "./deepgram-connection.ts";
import { type DeepgramFault, DeepgramFaults } from "./deepgram-faults.ts";
import { completePace, type DeepgramStandInOptions } from "./deepgram-options.ts";
import { type FluxQuery, type NovaQuery, parseFluxQuery, parseNovaQuery } from "./deepgram-query.ts";
import { type HeardStretch, SpokenScript } from "./spoken-script.ts";

/** A stand-in for Deepgram that listens. */
export interface DeepgramStandIn {
  /** Base URL: `ws://127.0.0.1:…`. */
  readonly url: string;
  /** How often a client tried to connect. */
  readonly attempts: number;
  /** Connections so far, the first 1000. */
  readonly connections: readonly DeepgramConnection[];
  /** Stretches of sound that are over, the first 1000. */
  readonly heard: readonly HeardStretch[];
  /** What clients did that the service would not like, one line each, the first 100. */
  readonly problems: readonly string[];
  injectFault(fault: DeepgramFault): void;
  clearFaults(): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const MAX_CONNECTIONS = 1000;
const MAX_PROBLEMS = 100;
/** What a request's path stands behind, to be read. */
const BASE = "ws://127.0.0.1";

/** Requests that tell whether a key is good: developers.deepgram.com/docs/authenticating and /reference/manage/projects/list. */
const keyRequests: Readonly<Record<string, string>> = {
  "/v1/auth/token": '{"scopes":["usage:write"]}',
  "/v1/projects": '{"projects":[]}',
};

/**
 * Opens a stand-in for Deepgram's streaming speech-to-text on 127.0.0.1: `/v1/listen` (nova) and `/v2/listen` (Flux). It
 * hears by energy: each stretch of sound in the PCM16 it is sent is understood as the next entry of a script.
 *
 * @throws RangeError for an option that is none; the system's error when the port cannot be had.
 *
 * @example
 * await using deepgram = await createDeepgramStandIn({ utterances: ["What time is it?", null, "Thank you."] });
 * const stt = new DeepgramSTTService({ apiKey: "any", baseUrl: deepgram.url });
 */
export async function createDeepgramStandIn(options: DeepgramStandInOptions = {}): Promise<DeepgramStandIn> {
  const pace = completePace(options);
  const script = new SpokenScript(options.utterances ?? []);
  const faults = new DeepgramFaults();
  for (const fault of options.faults ?? []) faults.add(fault);
  const connections: ListenConnection[] = [];
  let connectionCount = 0;
  const problems: string[] = [];
  const problem = (text: string) => {
    if (problems.length < MAX_PROBLEMS) problems.push(text);
  };
  const isAllowed = ({ headers }: IncomingMessage) => {
    const [, key] = /^(?:token|bearer) (.+)$/i.exec(headers.authorization ?? "") ?? [];
    return key !== undefined && (options.apiKey === undefined || key === options.apiKey);
  };

  const server = createServer((request, response) => {
    const body = request.method === "GET" ? keyRequests[request.url ?? ""] : undefined;
    if (body === undefined) answer(response, 404, "NOT_FOUND", "Not found");
    else if (!isAllowed(request)) answer(response, 401, "INVALID_AUTH", "Invalid credentials.");
    else response.setHeader("content-type", "application/json").end(body);
  });
  // Every socket, those of an upgrade that is never answered too: they go when the stand-in closes.
  const sockets = new Set<Duplex>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1 << 20 });
  server.on("upgrade", (request, socket: Duplex, head) => {
    socket.on("error", () => socket.destroy());
    const { connect, stream } = faults.next();
    const refuse = (status: number, code: string, text: string) => refuseUpgrade(socket, status, code, text);
    if (connect?.kind === "refuse") socket.destroy();
    else if (connect?.kind === "status") {
      refuse(connect.status, connect.status === 429 ? "TOO_MANY_REQUESTS" : "SCRIPTED_FAULT", "a scripted fault");
    } else if (connect === undefined && !isAllowed(request)) {
      problem("a key that is not accepted");
      refuse(401, "INVALID_AUTH", "Invalid credentials.");
    } else if (connect === undefined) {
      const path = request.url ?? "";
      const url = new URL(URL.canParse(path, BASE) ? path : "/", BASE);
      const query = readQuery(url);
      if (typeof query === "string") {
        problem(query);
        refuse(400, "INVALID_QUERY_PARAMETER", query);
        return;
      }
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        const number = connectionCount++;
        const connection = new ListenConnection({
          socket: webSocket,
          url,
          query,
          pace,
          script,
          faults: stream,
          problem,
          onSent: (message) => options.onSent?.(message, number),
        });
        if (connections.length < MAX_CONNECTIONS) connections.push(connection);
      });
    }
  });
  const readQuery = ({ pathname, searchParams }: URL): NovaQuery | FluxQuery | string => {
    try {
      if (pathname === "/v1/listen") return parseNovaQuery(searchParams, options.endpointingMs ?? 10);
      if (pathname === "/v2/listen") return parseFluxQuery(searchParams);
      return `nothing listens at ${pathname}`;
    } catch (error) {
      return (error as Error).message;
    }
  };

  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  let closed: Promise<void> | null = null;
  const closeAll = async () => {
    const stopped = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await stopped;
  };
  const close = () => {
    closed ??= closeAll();
    return closed;
  };
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get attempts() {
      return faults.attempts;
    },
    connections,
    heard: script.heard,
    problems,
    injectFault: (fault) => faults.add(fault),
    clearFaults: () => faults.clear(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

// The bodies and the headers of errors: developers.deepgram.com/docs/stt-troubleshooting-websocket-data-and-net-errors.
function errorOf(code: string, text: string): { body: string; headers: Record<string, string> } {
  const requestId = randomUUID();
  return {
    body: JSON.stringify({ err_code: code, err_msg: text, request_id: requestId }),
    headers: { "content-type": "application/json", "dg-request-id": requestId, "dg-error": text },
  };
}

function answer(response: ServerResponse, status: number, code: string, text: string): void {
  const { body, headers } = errorOf(code, text);
  response.writeHead(status, headers).end(body);
}

function refuseUpgrade(socket: Duplex, status: number, code: string, text: string): void {
  const { body, headers } = errorOf(code, text);
  const all = { ...headers, "content-length": String(Buffer.byteLength(body)), connection: "close" };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}\r\n${lines.join("")}\r\n${body}`);
}
