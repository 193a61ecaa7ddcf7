import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect } from "vitest";
import WebSocket from "ws";
import { MediaClient } from "../support/media-client.ts";
import { it, type StubServer } from "../support/open-server.ts";
import { metric } from "../support/operations.ts";

/** A call whose stream has started. */
async function streaming({ announce, rest, log }: StubServer, callId = "call-1"): Promise<MediaClient> {
  await announce(callId);
  const media = await MediaClient.open(await rest.streamUrl(callId));
  media.start(callId);
  await log.line("call streaming", callId);
  return media;
}

describe("a stream", () => {
  it("is pinged, and lives as long as it gives a sign of life", async ({ openWithStub }) => {
    const opened = await openWithStub({ pingMs: 40 });
    const media = await streaming(opened);
    let pings = 0;
    media.socket.on("ping", () => pings++);
    // It says nothing at all; its socket pongs by itself.
    await expect.poll(() => pings, { interval: 10 }).toBeGreaterThan(4);
    expect(opened.server.callCount).toBe(1);
    await opened.post({ id: "call-1", event_type: "completed" });
    await media.stop();
  });

  it("that does not answer a ping is dead, and its call is hung up", async ({ openWithStub }) => {
    const opened = await openWithStub({ pingMs: 40 });
    await opened.announce("call-1");
    // As a peer that has lost its network: it reads nothing and writes nothing.
    const socket = new WebSocket(await opened.rest.streamUrl("call-1"), { autoPong: false });
    await once(socket, "open");
    socket.send('{"event":"start","call_id":"call-1","stream_id":"stream-1"}');
    socket.on("close", () => {});
    expect(await opened.log.line("call ended")).toMatchObject({ endedBy: "server", reason: "no-pong" });
    expect(opened.rest.count("hangUp")).toBe(1);
    socket.terminate();
  });

  it("without audio is no call, whatever else it says", async ({ openWithStub }) => {
    const opened = await openWithStub({ noMediaTimeoutMs: 150 });
    const media = await streaming(opened);
    const chatter = setInterval(() => media.send({ event: "mark", mark: { name: "x" } }), 10);
    for (let i = 0; i < 10; i++) {
      media.media();
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    expect(opened.server.callCount).toBe(1);
    expect(await opened.log.line("call ended")).toMatchObject({ endedBy: "server", reason: "no-media", packetsIn: 10 });
    clearInterval(chatter);
    await media.closed;
  });

  it("that says too much loses the rest, counted, and the call beside it nothing", async ({ openWithStub }) => {
    const opened = await openWithStub({ maxMessagesPerSecond: 10 });
    const beside = await streaming(opened, "call-2");
    const media = await streaming(opened);
    for (let i = 0; i < 400; i++) media.media();
    for (let i = 0; i < 50; i++) beside.media();
    await expect.poll(() => metric(opened.urls, 'wavix_messages_dropped_total{cause="rate"}')).toBeGreaterThan(250);
    for (const [callId, client] of [["call-1", media] as const, ["call-2", beside] as const]) {
      await opened.post({ id: callId, event_type: "completed" });
      // Not with a stop, which might be one too many.
      client.socket.terminate();
    }
    const line = await opened.log.line("call ended", "call-1");
    expect(Number(line.packetsIn) + Number(line.messagesDropped)).toBe(400);
    expect(await opened.log.line("call ended", "call-2")).toMatchObject({ packetsIn: 50, messagesDropped: 0 });
  });

  it("with a message that is too long is closed", async ({ openWithStub }) => {
    const opened = await openWithStub();
    const media = await streaming(opened);
    media.send("x".repeat(65_537));
    expect(await media.closed).toBe(1009);
    expect(await opened.log.line("call ended")).toMatchObject({ reason: "socket-closed" });
  });

  it("gets its pings answered", async ({ openWithStub }) => {
    const opened = await openWithStub();
    const media = await streaming(opened);
    const pong = once(media.socket, "pong");
    media.socket.ping("are you there");
    expect(String((await pong)[0])).toBe("are you there");
    await opened.post({ id: "call-1", event_type: "completed" });
    await media.stop();
  });
});

describe("a request that does not come in", () => {
  const HEAD = "POST /wavix/inbound HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

  async function cutOff(port: number, text: string): Promise<string> {
    const socket: Socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    let heard = "";
    socket.on("data", (data) => {
      heard += data;
    });
    socket.write(text);
    await once(socket, "close");
    return heard;
  }

  it.for<[string, string]>([
    ["a head without end", HEAD],
    ["half a request line", "POST /wav"],
    ["a body that stops", `${HEAD}content-length: 100\r\n\r\n{"id":`],
    ["a chunk that stops", `${HEAD}transfer-encoding: chunked\r\n\r\n5\r\n{"i`],
    ["an upgrade without end", "GET /ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"],
  ])("is cut off: %s", async ([, text], { openWithStub }) => {
    const { urls, rest } = await openWithStub({ requestTimeoutMs: 200 });
    await cutOff(Number(new URL(urls.local).port), text);
    expect((await fetch(`${urls.local}/livez`)).status).toBe(200);
    expect(rest.requests).toHaveLength(0);
  });
});
