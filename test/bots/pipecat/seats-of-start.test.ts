import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { Seat } from "../../../src/bots/pipecat/seat.ts";
import { type StartSeatsOptions, startSeats } from "../../../src/bots/pipecat/seats/index.ts";

const KEY = "pk_public";
const forever = new AbortController().signal;
const facts = { callId: "call-1", from: "+12025550143", to: "+12025550199" };

/**
 * Stands in for Pipecat Cloud, in the shapes that its documentation shows: POST /v1/public/{agent}/start, and the generic
 * WebSocket endpoint with tokens that are good once.
 */
async function openCloud(answer?: (request: IncomingMessage, response: ServerResponse) => void) {
  const requests: { url: string | undefined; headers: IncomingMessage["headers"]; body: unknown }[] = [];
  const sessions: { authorization: string | undefined; body: unknown }[] = [];
  const tokens = new Set<string>();
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request));
    requests.push({ url: request.url, headers: request.headers, body });
    if (answer !== undefined) return answer(request, response);
    const json = (status: number, value: object) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (request.headers.authorization !== `Bearer ${KEY}`)
      return json(401, { error: "Unauthorized", code: "PCC-1002" });
    if (Buffer.byteLength(JSON.stringify(body.body)) > 4_096) return json(413, { error: "Payload Too Large" });
    const token = `eyJ.${tokens.size}`;
    tokens.add(token);
    json(200, {
      token,
      wsUrl: `ws://127.0.0.1:${port}/ws/generic/my-agent.my-org`,
      body: Buffer.from(JSON.stringify(body.body)).toString("base64"),
      sessionId: "639f91d8-d511-4677-a83b-bd7564d5d92f",
    });
  });
  server.on("upgrade", (request, socket, head) => {
    const { authorization } = request.headers;
    if (!tokens.delete(authorization?.replace("Bearer ", "") ?? ""))
      return socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    const body = new URL(request.url ?? "", "ws://x").searchParams.get("body");
    sessions.push({ authorization, body: JSON.parse(Buffer.from(body ?? "", "base64").toString()) });
    sockets.handleUpgrade(request, socket, head, (webSocket) => webSocket.close());
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    requests,
    sessions,
    url: `http://127.0.0.1:${port}/v1/public/my-agent/start`,
    seats(more: Partial<StartSeatsOptions> = {}) {
      return startSeats({ startUrl: this.url, key: KEY, ...more });
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function take(seats: ReturnType<typeof startSeats>): Promise<Seat> {
  const { value } = await seats.offer(facts, forever).next();
  return value as Seat;
}

/** The status of the upgrade: 101 when it is open. */
async function connect({ url, headers }: Seat): Promise<number> {
  const socket = new WebSocket(url, { headers });
  return new Promise((resolve) => {
    socket.on("open", () => resolve(101));
    socket.on("unexpected-response", (_, { statusCode }) => resolve(statusCode ?? 0));
    socket.on("error", () => undefined);
  });
}

describe("seats of the start API", () => {
  it("are asked for with key, body and facts, and connected to with the token", async () => {
    await using cloud = await openCloud();
    const seats = cloud.seats({ body: { language: "de", note: "ü>>>" } });
    const seat = await take(seats);
    expect(cloud.requests).toEqual([
      {
        url: "/v1/public/my-agent/start",
        headers: expect.objectContaining({ authorization: `Bearer ${KEY}`, "content-type": "application/json" }),
        body: {
          transport: "websocket",
          body: { language: "de", note: "ü>>>", call_id: "call-1", from: facts.from, to: facts.to },
        },
      },
    ]);
    expect(seat.headers).toEqual({ authorization: "Bearer eyJ.0" });
    expect(await connect(seat)).toBe(101);
    const sent = cloud.requests[0]?.body as { body: object };
    expect(cloud.sessions).toEqual([{ authorization: "Bearer eyJ.0", body: sent.body }]);
    expect(await connect(seat)).toBe(403);
    expect(seats.counters).toEqual({ sessions_started: 1 });
  });

  it("are offered once to a call, and as many as may be", async () => {
    await using cloud = await openCloud();
    const seats = cloud.seats({ capacity: 1 });
    const offer = seats.offer(facts, forever);
    const seat = (await offer.next()).value as Seat;
    await expect(take(seats)).rejects.toMatchObject({ code: "NO_BOT_FREE" });
    seat.failed();
    seat.release();
    seat.release();
    expect((await offer.next()).done).toBe(true);
    await take(seats);
    await expect(take(seats)).rejects.toMatchObject({ code: "NO_BOT_FREE" });
    await seats.close();
    expect(await seats.offer(facts, forever).next()).toMatchObject({ done: true });
  });

  it("are what a development runner answers too", async () => {
    const answer = { wsUrl: "ws://localhost:7860/ws-client", sessionId: "1", token: null };
    await using runner = await openCloud((_, response) => response.end(JSON.stringify(answer)));
    const seat = await take(runner.seats({ key: undefined }));
    expect([seat.url, seat.headers]).toEqual(["ws://localhost:7860/ws-client", {}]);
    expect(runner.requests[0]?.headers.authorization).toBeUndefined();
  });

  const refusals: [string, string, (response: ServerResponse) => void, string][] = [
    ["429", "NO_BOT_FREE", (r) => r.writeHead(429).end('{"code":"429"}'), "no bot is free"],
    ["400", "BOT_REFUSED", (r) => r.writeHead(400).end("{}"), "(400): check the start URL, the key and the body"],
    ["401", "BOT_REFUSED", (r) => r.writeHead(401).end("{}"), "(401)"],
    ["302", "BOT_REFUSED", (r) => r.writeHead(302, { location: "http://127.0.0.1:1/" }).end(), "(302)"],
    ["500", "BOT_UNREACHABLE", (r) => r.writeHead(500).end(), "it answered 500"],
    ["a torn connection", "BOT_UNREACHABLE", (r) => r.destroy(), "it cannot be connected to"],
    ["no JSON", "BOT_REFUSED", (r) => r.end("<html>"), "without a wsUrl"],
    ["a torn answer", "BOT_UNREACHABLE", (r) => r.write("{", () => r.destroy()), "its answer broke off"],
    ["no wsUrl", "BOT_REFUSED", (r) => r.end('{"dailyRoom":"https://x.daily.co/y"}'), "without a wsUrl"],
    ["a wsUrl that is none", "BOT_REFUSED", (r) => r.end('{"wsUrl":"https://x/"}'), "without a wsUrl"],
    [
      "a token that fits no header",
      "BOT_REFUSED",
      (r) => r.end('{"wsUrl":"ws://x/","token":"a\\nb"}'),
      "without a wsUrl",
    ],
    [
      "an answer without end",
      "BOT_REFUSED",
      (r) => r.end(`{"wsUrl":"ws://x/","a":"${"x".repeat(1e5)}"}`),
      "without a wsUrl",
    ],
  ];
  it.for(refusals)("make %s a %s", async ([, code, refuse, message]) => {
    await using cloud = await openCloud((_, response) => refuse(response));
    const seats = cloud.seats({ capacity: 1 });
    const error = await take(seats).catch((error: Error) => error);
    expect(error).toMatchObject({ name: "BotError", code });
    expect((error as Error).message).toContain(message);
    // Where it was, and nothing else of the URL.
    expect((error as Error).message).toContain(new URL(cloud.url).host);
    expect((error as Error).message).not.toContain("my-agent");
    // The place is free again.
    await expect(take(seats)).rejects.toMatchObject({ code });
    expect(cloud.requests).toHaveLength(2);
    expect(seats.counters).toEqual({ sessions_started: 0 });
  });

  it("are given up with the signal", async () => {
    await using cloud = await openCloud(() => undefined);
    const call = new AbortController();
    const seats = cloud.seats({ capacity: 1 });
    const offer = seats.offer(facts, call.signal).next();
    await expect.poll(() => cloud.requests, { timeout: 10_000 }).toHaveLength(1);
    call.abort();
    expect(await offer).toEqual({ done: true, value: undefined });
    expect(await seats.offer(facts, call.signal).next()).toEqual({ done: true, value: undefined });
    expect(cloud.requests).toHaveLength(1);
  });
});
