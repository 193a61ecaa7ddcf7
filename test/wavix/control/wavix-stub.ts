import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { findOperation, validator } from "./spec.ts";

export interface SeenRequest {
  operationId: string;
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: unknown;
  atMs: number;
}

/** What to do with the next request instead of answering as documented. */
export type Reply =
  | { status: number; body?: unknown; headers?: Record<string, string> }
  | ((response: ServerResponse) => void);

/** A REST server that holds each request against Wavix's schemas and answers with Wavix's own examples. */
export async function openWavixStub() {
  const seen: SeenRequest[] = [];
  const violations: string[] = [];
  let script: Reply[] = [];
  let arrived = () => {};

  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    const { method = "", url = "", headers } = request;
    const operation = findOperation(method, url);
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    if (operation === undefined) violations.push(`${method} ${url} is not documented`);
    else if (operation.requestRef === undefined) {
      if (text !== "") violations.push(`${operation.operationId} takes no body`);
    } else {
      const valid = validator(operation.requestRef);
      if (!valid(body)) violations.push(`${operation.operationId}: ${JSON.stringify(valid.errors)}`);
      if (headers["content-type"] !== "application/json") violations.push(`content type ${headers["content-type"]}`);
    }
    seen.push({ operationId: operation?.operationId ?? "", method, url, headers, body, atMs: performance.now() });
    arrived();

    const reply: Reply = script.shift() ?? { status: 200, body: operation?.replies.get(200) };
    if (typeof reply === "function") return reply(response);
    response.writeHead(reply.status, { "content-type": "application/json", ...reply.headers });
    response.end(typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    violations,
    /** Answers the next requests with these, in turn; after them as documented. */
    reply(...replies: Reply[]) {
      script = replies;
    },
    /** Resolves when the next request has been read. */
    nextRequest: () =>
      new Promise<void>((resolve) => {
        arrived = resolve;
      }),
    reset() {
      seen.length = 0;
      violations.length = 0;
      script = [];
      arrived = () => {};
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Takes the request and says nothing. */
export const silence: Reply = () => {};
/** Takes the request and resets the connection. */
export const reset: Reply = (response) => response.socket?.resetAndDestroy();
/** Begins a good answer, then resets the connection. */
export const resetMidway: Reply = (response) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
  response.write('{"success":', () => response.socket?.resetAndDestroy());
};
