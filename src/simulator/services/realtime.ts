import { once } from "node:events";
import { createServer, STATUS_CODES } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { RealtimeSession } from "./realtime-connection.ts";
import type { RealtimeFields } from "./realtime-requests.ts";
import type {
  RealtimeReply,
  RealtimeRequest,
  RealtimeStandIn,
  RealtimeStandInOptions,
  RealtimeStandInResponse,
  RealtimeTruncation,
} from "./realtime-script.ts";
import { SpokenScript } from "./spoken-script.ts";

const MAX_KEPT = 1_000;
/** An append of 15 MiB as base64, and what is around it. */
const MAX_MESSAGE_BYTES = 21 << 20;

/**
 * Opens a stand-in for OpenAI's Realtime API (GA) on 127.0.0.1: `/v1/realtime?model=…`, speech in and speech out. It hears
 * by energy, and answers each turn with the next of its replies, a vowel per word, ten times faster than real time.
 *
 * @throws the system's error when the port cannot be had
 *
 * @example
 * await using openai = await createRealtimeStandIn({ replies: ["Hello!", "It is noon."], utterances: ["What time is it?"] });
 * const bot = realtimeBot({ apiKey: "any", baseUrl: openai.url });
 */
export async function createRealtimeStandIn(options: RealtimeStandInOptions = {}): Promise<RealtimeStandIn> {
  const script = new SpokenScript(options.utterances ?? []);
  const connections: RealtimeSession[] = [];
  const responses: RealtimeStandInResponse[] = [];
  const truncations: RealtimeTruncation[] = [];
  const problems: string[] = [];
  const watchers = new Set<(message: RealtimeFields) => void>();
  const upgrades = [...(options.upgrades ?? [])];
  let upgradeCount = 0;
  let responseCount = 0;
  let sessionCount = 0;
  let idCount = 0;
  const keep = <T>(list: T[], entry: T) => {
    if (list.length < MAX_KEPT) list.push(entry);
  };
  const house = {
    script,
    delayMs: options.delayMs ?? 50,
    transcriptDelayMs: options.transcriptDelayMs ?? 30,
    speed: options.speed ?? 10,
    soundThreshold: options.soundThreshold ?? 300,
    voice: options.voice ?? {},
    next(asked: Omit<RealtimeRequest, "index">): { request: RealtimeRequest; reply: RealtimeReply } {
      const request = { ...asked, index: responseCount++ };
      const { replies = ["Hello."] } = options;
      const reply = typeof replies === "function" ? replies(request) : (replies[request.index] ?? replies.at(-1) ?? "");
      return { request, reply: typeof reply === "string" ? { text: reply } : reply };
    },
    newId: (prefix: string) => `${prefix}_${++idCount}`,
    problem: (text: string) => keep(problems, text),
    sent: (event: RealtimeFields, connection: number) => options.onSent?.(event, connection),
    received(message: RealtimeFields) {
      for (const watcher of watchers) watcher(message);
    },
    responded: (response: RealtimeStandInResponse) => keep(responses, response),
    truncated: (truncation: RealtimeTruncation) => keep(truncations, truncation),
  };

  const server = createServer((_, response) => response.writeHead(404).end());
  const sockets = new Set<Duplex>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });
  server.on("upgrade", (incoming, socket: Duplex, head: Buffer) => {
    upgradeCount++;
    socket.on("error", () => socket.destroy());
    const scripted = upgrades.shift() ?? "accept";
    const { pathname, searchParams } = new URL(incoming.url ?? "/", "ws://127.0.0.1");
    const model = searchParams.get("model") ?? "";
    if (scripted === "hang") return;
    if (scripted === "cut") socket.destroy();
    else if (typeof scripted === "number") refuse(socket, scripted);
    else if (pathname !== "/v1/realtime") refuse(socket, 404);
    else {
      webSockets.handleUpgrade(incoming, socket, head, (webSocket) => {
        const [, key] = /^Bearer (.+)$/.exec(incoming.headers.authorization ?? "") ?? [];
        const isKnown = key !== undefined && (options.apiKey === undefined || key === options.apiKey);
        if (!isKnown) {
          problems.push("a key that is not accepted");
          turnAway(webSocket, "invalid_api_key", "Incorrect API key provided.");
        } else if (model === "" || (options.models !== undefined && !options.models.includes(model))) {
          problems.push(`no model ${model}`);
          turnAway(
            webSocket,
            "model_not_found",
            `The model \`${model}\` does not exist or you do not have access to it.`,
          );
        } else {
          const session = new RealtimeSession(sessionCount++, webSocket, model, house);
          keep(connections, session);
        }
      });
    }
  });

  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    if (!server.listening) return;
    const stopped = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await stopped;
  };
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    connections,
    responses,
    truncations,
    heard: script.heard,
    problems,
    get upgradeCount() {
      return upgradeCount;
    },
    message(matches) {
      const seen = connections.flatMap(({ received }) => received).find(matches);
      if (seen !== undefined) return Promise.resolve(seen);
      return new Promise((resolve) => {
        const watcher = (message: RealtimeFields) => {
          if (!matches(message)) return;
          watchers.delete(watcher);
          resolve(message);
        };
        watchers.add(watcher);
      });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A key or a model that is none is told so on the open socket, which is then closed with 3000. */
function turnAway(socket: WebSocket, code: string, message: string): void {
  const error = { type: "invalid_request_error", code, message, param: null, event_id: null };
  socket.on("error", () => {});
  socket.send(JSON.stringify({ type: "error", event_id: "event_0", error }));
  socket.close(3000, `invalid_request_error.${code}`);
}

function refuse(socket: Duplex, status: number): void {
  const type = status === 429 ? "rate_limit_error" : status >= 500 ? "server_error" : "invalid_request_error";
  const body = JSON.stringify({ error: { type, code: null, message: "a scripted refusal", param: null } });
  const headers = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close`;
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}\r\n${headers}\r\n\r\n${body}`);
}
