import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Arrivals } from "./arrivals.ts";

export type StubOperation = "answer" | "startStream" | "hangUp" | "other";

export interface StubRequest {
  operation: StubOperation;
  callId: string;
  body: { stream_url?: string } | undefined;
}

/** A status, or what to do with the response: nothing, for one that never comes. */
export type StubReply = number | ((response: ServerResponse) => void);

/**
 * The REST side of Wavix for any call id: it says yes to everything, or what it was told to. For sockets and webhooks that a
 * test sends itself, of which the simulator knows nothing.
 */
export async function openRestStub() {
  const requests = new Arrivals<StubRequest>();
  const replies = new Map<string, StubReply>();
  const http = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    const [, , , callId = "", action] = (request.url as string).split("/");
    const operation = operationOf(request.method as string, action);
    requests.add({ operation, callId, body: text === "" ? undefined : JSON.parse(text) });
    const reply = replies.get(`${operation} ${callId}`) ?? replies.get(operation) ?? 200;
    if (typeof reply === "function") return reply(response);
    response.writeHead(reply, { "content-type": "application/json" });
    response.end(JSON.stringify({ success: reply === 200, stream_id: "stream-1" }));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");

  /** The first request that is, or will be, here. */
  const seen = (operation: StubOperation, callId?: string) =>
    requests.first((one) => one.operation === operation && (callId === undefined || one.callId === callId));
  let closing: Promise<unknown> | undefined;

  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    get requests(): readonly StubRequest[] {
      return requests.all;
    },
    seen,
    count: (operation: StubOperation, callId?: string) =>
      requests.all.filter((one) => one.operation === operation && (callId === undefined || one.callId === callId))
        .length,
    /** The `stream_url` of a call, once it is asked for. */
    streamUrl: async (callId?: string) => (await seen("answer", callId)).body?.stream_url as string,
    /** What is said from now on, to all calls or to one. */
    reply: (operation: StubOperation, reply: StubReply, callId?: string) =>
      void replies.set(callId === undefined ? operation : `${operation} ${callId}`, reply),
    async close() {
      closing ??= once(http, "close");
      http.close();
      http.closeAllConnections();
      await closing;
    },
  };
}

export type RestStub = Awaited<ReturnType<typeof openRestStub>>;

function operationOf(method: string, action: string | undefined): StubOperation {
  if (method === "DELETE" && action === undefined) return "hangUp";
  if (action === "answer") return "answer";
  return action === "streams" ? "startStream" : "other";
}
