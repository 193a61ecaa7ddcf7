import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Arrivals } from "./arrivals.ts";

export type StubOperation = "answer" | "startStream" | "hangUp" | "getCall" | "collect" | "play" | "other";

export interface StubRequest {
  operation: StubOperation;
  callId: string;
  body: { stream_url?: string } | undefined;
}

/** A status, or what to do with the response: nothing, for one that never comes. `yes` says what Wavix would. */
export type StubReply = number | ((response: ServerResponse, yes: () => void) => void);

/**
 * The REST side of Wavix for any call id: it says yes to everything, or what it was told to. For sockets and webhooks that a
 * test sends itself, of which the simulator knows nothing.
 */
export async function openRestStub() {
  const requests = new Arrivals<StubRequest>();
  const replies = new Map<string, StubReply>();
  let unanswered = 0;
  const http = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    const [, , , callId = "", action] = (request.url as string).split("/");
    const operation = operationOf(request.method as string, action);
    unanswered++;
    response.once("close", () => unanswered--);
    requests.add({ operation, callId, body: text === "" ? undefined : JSON.parse(text) });
    const say = (status: number) => {
      response.writeHead(status, { "content-type": "application/json" });
      const call = operation === "getCall" ? { call: { id: callId, event_type: "ringing", direction: "inbound" } } : {};
      response.end(JSON.stringify({ success: status === 200, stream_id: "stream-1", ...call }));
    };
    const reply = replies.get(`${operation} ${callId}`) ?? replies.get(operation) ?? 200;
    if (typeof reply === "function") reply(response, () => say(200));
    else say(reply);
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;

  /** The first request that is, or will be, here. */
  const seen = (operation: StubOperation, callId?: string) =>
    requests.first((one) => one.operation === operation && (callId === undefined || one.callId === callId));
  /** Nobody listens any more, and all connections are cut. */
  const down = async () => {
    if (!http.listening) return;
    const closed = once(http, "close");
    http.close();
    http.closeAllConnections();
    await closed;
  };

  return {
    url: `http://127.0.0.1:${port}`,
    get requests(): readonly StubRequest[] {
      return requests.all;
    },
    /** Requests that somebody still waits for. */
    get unanswered(): number {
      return unanswered;
    },
    seen,
    count: (operation: StubOperation, callId?: string) =>
      requests.all.filter((one) => one.operation === operation && (callId === undefined || one.callId === callId))
        .length,
    /** The `stream_url` of a call, once it is asked for. */
    streamUrl: async (callId?: string) => {
      const { body } = await requests.first(
        (one) => one.body?.stream_url !== undefined && (callId === undefined || one.callId === callId),
      );
      return body?.stream_url as string;
    },
    /** What is said from now on, to all calls or to one. */
    reply: (operation: StubOperation, reply: StubReply, callId?: string) =>
      void replies.set(callId === undefined ? operation : `${operation} ${callId}`, reply),
    down,
    /** It listens again, where it was. */
    async up() {
      http.listen(port, "127.0.0.1");
      await once(http, "listening");
    },
    close: down,
  };
}

export type RestStub = Awaited<ReturnType<typeof openRestStub>>;

function operationOf(method: string, action: string | undefined): StubOperation {
  if (action === undefined && method === "DELETE") return "hangUp";
  if (action === undefined && method === "GET") return "getCall";
  if (action === "streams") return "startStream";
  return action === "answer" || action === "collect" || action === "play" ? action : "other";
}
