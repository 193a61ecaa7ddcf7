import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { SimulatorError } from "../errors.ts";
import { answer } from "./openai-answer.ts";
import { missingKey, modelBody, type OpenAIRefusal, refusal, unknownModel, wrongKey } from "./openai-bodies.ts";
import { readChatRequest } from "./openai-request.ts";
import type {
  OpenAIReply,
  OpenAIRequestEnd,
  OpenAIStandIn,
  OpenAIStandInOptions,
  OpenAIStandInRequest,
} from "./openai-script.ts";

const MAX_BODY_BYTES = 1 << 20;
const MAX_KEPT = 1_000;
const MODELS = ["gpt-6-luna", "gpt-6.1-sol", "gpt-5.1", "gpt-4.1", "gpt-4o", "gpt-4o-mini"];

/**
 * A loopback OpenAI: `POST /v1/chat/completions`, streamed and not, `GET /v1/models` and `GET /v1/models/{id}`, with the
 * messages and refusals that OpenAI publishes, and with the answers and faults of a script.
 *
 * @example
 * await using openai = await createOpenAIStandIn({ replies: ["Hello.", { status: 429, retryAfter: 1 }, "Fine."] });
 * const client = new OpenAI({ apiKey: "any", baseURL: openai.url });
 *
 * @throws SimulatorError `API_LISTEN_FAILED`
 */
export async function createOpenAIStandIn(options: OpenAIStandInOptions = {}): Promise<OpenAIStandIn> {
  const { port = 0, apiKey, models = MODELS, replies = ["Hello."], firstTokenMs = 0, tokenMs = 0 } = options;
  const requests: OpenAIStandInRequest[] = [];
  const problems: string[] = [];
  const connections = new WeakMap<Socket, number>();
  const waiters = new Map<number, PromiseWithResolvers<OpenAIStandInRequest>>();
  let connectionCount = 0;
  let requestCount = 0;
  let modelRequestCount = 0;

  const note = (problem: string) => {
    if (problems.length < MAX_KEPT) problems.push(problem);
  };

  function refuse(incoming: IncomingMessage, response: ServerResponse, { status, body }: OpenAIRefusal): void {
    note(`${incoming.method} ${incoming.url}: ${status} ${body.error.message}`);
    sendJson(response, status, body);
  }

  async function replyTo(request: OpenAIStandInRequest): Promise<OpenAIReply> {
    const reply =
      typeof replies === "function" ? await replies(request) : (replies[request.index] ?? replies.at(-1) ?? "");
    return { firstTokenMs, tokenMs, ...(typeof reply === "string" ? { text: reply } : reply) };
  }

  async function complete(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await bodyOf(incoming);
    if (text === null) return refuse(incoming, response, refusal(413, "The body of your request is too large."));
    const chat = readChatRequest(text, models);
    if ("status" in chat) return refuse(incoming, response, chat);

    const aborter = new AbortController();
    const end = promiseWithResolvers<OpenAIRequestEnd>();
    const progress = { tokensSent: 0, aborted: false, isCut: false };
    response.on("close", () => {
      progress.aborted = !response.writableFinished && !progress.isCut;
      end.resolve(progress.isCut ? "cut" : progress.aborted ? "aborted" : "answered");
      aborter.abort();
    });
    const { body, model, messages, tools } = chat;
    const request: OpenAIStandInRequest = {
      index: requestCount++,
      connection: connections.get(incoming.socket) ?? -1,
      body,
      model,
      messages,
      tools,
      get tokensSent() {
        return progress.tokensSent;
      },
      get aborted() {
        return progress.aborted;
      },
      ended: end.promise,
    };
    requests.push(request);
    if (requests.length > MAX_KEPT) requests.shift();
    waiters.get(request.index)?.resolve(request);
    waiters.delete(request.index);
    await answer({
      chat,
      index: request.index,
      reply: await replyTo(request),
      response,
      progress,
      signal: aborter.signal,
    });
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = /^Bearer (\S+)$/.exec(incoming.headers.authorization ?? "")?.[1];
    if (key === undefined) return refuse(incoming, response, missingKey());
    if (apiKey !== undefined && key !== apiKey) return refuse(incoming, response, wrongKey(key));
    const [path = ""] = (incoming.url ?? "").split("?");
    if (incoming.method === "POST" && path === "/v1/chat/completions") return complete(incoming, response);
    const asked = incoming.method === "GET" ? /^\/v1\/models(?:\/(.+))?$/.exec(path) : null;
    if (asked === null) return refuse(incoming, response, refusal(404, `Invalid URL (${incoming.method} ${path})`));
    modelRequestCount++;
    const [, model] = asked;
    if (model === undefined) sendJson(response, 200, { object: "list", data: models.map(modelBody) });
    else if (models.includes(decodeURIComponent(model))) sendJson(response, 200, modelBody(decodeURIComponent(model)));
    else refuse(incoming, response, unknownModel(decodeURIComponent(model)));
  }

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch((error: unknown) => {
      note(`the script failed: ${String(error)}`);
      response.destroy();
    });
  });
  // OpenAI's edge keeps an idle connection for minutes; Node's five seconds would be shorter than many a turn.
  server.keepAliveTimeout = 120_000;
  server.on("connection", (socket) => connections.set(socket, connectionCount++));
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch (cause) {
    throw new SimulatorError("API_LISTEN_FAILED", `the OpenAI stand-in cannot listen on port ${port}`, { cause });
  }
  let closing: Promise<unknown> | undefined;
  const close = async () => {
    if (closing === undefined) {
      closing = once(server, "close");
      server.close();
      server.closeAllConnections();
    }
    await closing;
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    problems,
    get modelRequestCount() {
      return modelRequestCount;
    },
    get connectionCount() {
      return connectionCount;
    },
    request(index) {
      const known = requests.find((request) => request.index === index);
      if (known !== undefined) return Promise.resolve(known);
      const waiter = waiters.get(index) ?? promiseWithResolvers<OpenAIStandInRequest>();
      waiters.set(index, waiter);
      return waiter.promise;
    },
    closeIdleConnections: () => server.closeIdleConnections(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

/** Null when it is too large. */
async function bodyOf(incoming: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let byteLength = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    byteLength += part.length;
    if (byteLength > MAX_BODY_BYTES) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

interface PromiseWithResolvers<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
}

/** Node 20 has no `Promise.withResolvers`. */
function promiseWithResolvers<Value>(): PromiseWithResolvers<Value> {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
