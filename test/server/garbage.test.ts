import { describe, expect, vi } from "vitest";
import type { Bot } from "../../src/call/index.ts";
import { InputAudioRawFrame } from "../../src/pipecat/index.ts";
import { MediaClient, SILENCE } from "../support/media-client.ts";
import { it, listener, type StubServer } from "../support/open-server.ts";

async function openCall({ announce, rest }: StubServer, callId = "call-1"): Promise<MediaClient> {
  await announce(callId);
  return await MediaClient.open(await rest.streamUrl(callId));
}

const media = (payload: unknown) => JSON.stringify({ event: "media", media: { payload, track: "inbound" } });

describe("garbage on the socket", () => {
  it("is counted by cause, and the call goes on behind it", async ({ openWithStub }) => {
    let heard = 0;
    const bot: Bot = async (call) => {
      for await (const frame of call.frames()) {
        if (frame instanceof InputAudioRawFrame && ++heard === 2) return;
      }
    };
    const house = await openWithStub({ bot });
    const client = await openCall(house);
    client.start("call-1");
    client.media();
    const garbage: [string, string | Buffer][] = [
      ["bad-json", "not JSON"],
      ["bad-json", '{"event":"media","media":{"payload":"AAAA'],
      ["bad-json", ""],
      ["bad-json", "[".repeat(60_000)],
      ["not-an-object", "[]"],
      ["not-an-object", "null"],
      ["not-an-object", '"media"'],
      ["unknown-event", "{}"],
      ["unknown-event", '{"event":"dtmf"}'],
      ["unknown-event", '{"event":{"toString":1},"__proto__":{"event":"stop"}}'],
      ["bad-message", '{"event":"mark","mark":null}'],
      ["bad-media", '{"event":"media"}'],
      ["bad-media", '{"event":"media","media":null}'],
      ["bad-media", media(7)],
      ["bad-base64", media("%%%%")],
      ["bad-base64", media("A")],
      ["odd-length", media(Buffer.alloc(959).toString("base64"))],
      ["other-track", JSON.stringify({ event: "media", media: { payload: SILENCE, track: "outbound" } })],
    ];
    for (const [, message] of garbage) client.send(message);
    for (let i = 0; i < 3; i++) client.socket.send(Buffer.from(media(SILENCE)), { binary: true });
    expect(house.server.callCount).toBe(1);
    client.media();
    await house.rest.seen("hangUp");
    await client.stop();
    const drops: Record<string, number> = {};
    for (const [cause] of garbage) drops[cause] = (drops[cause] ?? 0) + 1;
    expect(await house.log.line("call ended")).toMatchObject({
      reason: "bot-ended",
      packetsIn: 2,
      binaryMessages: 3,
      drops,
    });
  });

  it("ends the call when the socket cannot go on behind it, and hangs it up", async ({ openWithStub }) => {
    const house = await openWithStub();
    const ends = (
      [
        ["call-long", 1009, (client) => client.send(media("A".repeat(65_536)))],
        ["call-utf8", 1007, (client) => client.socket.send(Buffer.from([0xff, 0xfe]), { binary: false })],
        [
          "call-raw",
          1002,
          (client) =>
            (client.socket as never as { _socket: { write(bytes: Buffer): void } })._socket.write(
              Buffer.alloc(64, 0xff),
            ),
        ],
      ] satisfies [string, number, (client: MediaClient) => void][]
    ).map(async ([callId, code, misbehave]) => {
      const client = await openCall(house, callId);
      client.start(callId);
      await house.log.line("call streaming", callId);
      misbehave(client);
      expect([callId, await client.closed]).toEqual([callId, code]);
      await house.rest.seen("hangUp", callId);
      expect(await house.log.line("call ended", callId)).toMatchObject({ reason: "socket-closed" });
    });
    await Promise.all(ends);
    expect(house.rest.count("hangUp")).toBe(3);
  });

  it("does not begin a call", async ({ openWithStub }) => {
    const bot = vi.fn(listener);
    const house = await openWithStub({ bot, startTimeoutMs: 300 });
    const client = await openCall(house);
    for (const message of ["", "[]", '{"event":"connected"}', '{"event":"mark","mark":{"name":"m"}}', media("%")]) {
      client.send(message);
    }
    client.send(Buffer.from('{"event":"start"}'));
    await house.rest.seen("hangUp");
    await client.stop();
    expect(await house.log.line("call ended")).toMatchObject({ reason: "no-start", binaryMessages: 1 });
    expect(bot).not.toHaveBeenCalled();
  });

  it("is not media that comes before `start`: not a packet of it is lost", async ({ openWithStub }) => {
    let heard = 0;
    const bot: Bot = async (call) => {
      for await (const _ of call.frames()) if (++heard === 4) return;
    };
    const house = await openWithStub({ bot });
    const client = await openCall(house);
    client.media();
    client.media();
    client.start("call-1", "stream-9");
    client.media();
    client.media();
    await house.rest.seen("hangUp");
    await client.stop();
    expect(heard).toBe(4);
    expect(await house.log.line("call ended")).toMatchObject({ reason: "bot-ended", packetsIn: 4 });
  });
});

describe("a `start` that names another call", () => {
  it("is told once, and the token decides whose socket it is", async ({ openWithStub }) => {
    const bot = vi.fn(listener);
    const house = await openWithStub({ bot });
    const client = await openCall(house);
    client.start("call-of-somebody-else");
    client.start("call-of-a-third");
    await expect.poll(() => bot.mock.calls.length).toBe(1);
    expect(bot.mock.calls[0]?.[0].callId).toBe("call-1");
    expect(await house.log.line("start names another call")).toMatchObject({ callId: "call-1", strict: false });
    await house.announce("call-1", { event_type: "completed" });
    await client.stop();
    expect(await house.log.line("call ended")).toMatchObject({ startNamedAnother: true });
    expect(house.log.count("start names another call")).toBe(1);
  });

  it("ends the call where that is wanted: the one of the token", async ({ openWithStub }) => {
    const bot = vi.fn(listener);
    const house = await openWithStub({ bot, strictStart: true });
    const client = await openCall(house);
    client.start("call-of-somebody-else");
    expect(await house.rest.seen("hangUp")).toMatchObject({ callId: "call-1" });
    await client.stop();
    expect(await house.log.line("call ended")).toMatchObject({ endedBy: "server", reason: "wrong-call" });
    expect(bot).not.toHaveBeenCalled();
  });

  it("is fine where it names none, or the right one", async ({ openWithStub }) => {
    const bot = vi.fn(listener);
    const house = await openWithStub({ bot, strictStart: true });
    for (const [at, start] of [{}, { call_id: 7 }, { call_id: "call-2" }].entries()) {
      const client = await openCall(house, `call-${at}`);
      client.send({ event: "start", stream_id: "stream-1", ...start } as never);
      await expect.poll(() => bot.mock.calls.length).toBe(at + 1);
      await house.announce(`call-${at}`, { event_type: "completed" });
      await client.stop();
    }
    expect(house.log.count("start names another call")).toBe(0);
  });
});
