import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import type { Bot } from "../../src/call/index.ts";
import { OutputAudioRawFrame } from "../../src/pipecat/index.ts";
import { MediaClient } from "../support/media-client.ts";
import { it } from "../support/open-server.ts";
import { sine } from "../support/signals.ts";

const speaker: Bot = async (call) => {
  await call.send(new OutputAudioRawFrame({ audio: sine(440, 24_000, 24 * 600), sampleRate: 24_000 }));
  await call.closed;
};

describe("a hang-up from outside", () => {
  it("is the bot's: what was said is heard, then the call is hung up, once", async ({ open }) => {
    const { server, placeCall, simulator, log } = await open({ bot: speaker });
    const [call, other] = [placeCall(), placeCall()];
    for (const { id } of [call, other]) await log.line("call streaming", id);
    expect(await server.hangUp(call.id)).toBe(true);
    // It is not over yet.
    expect(await server.hangUp(call.id, "again")).toBe(true);
    expect(await call.ended).toMatchObject({
      endedBy: "rest",
      playout: { playedMs: expect.closeTo(600, 3), unheardMs: 0 },
    });
    expect(await log.line("call ended", call.id)).toMatchObject({ level: 30, endedBy: "bot", reason: "hang-up" });
    expect(await server.hangUp(call.id)).toBe(false);
    expect([other.state, simulator.requestCount("hangUp")]).toEqual(["answered", 1]);
    expect(await server.hangUp(other.id, "had-enough")).toBe(true);
    await other.ended;
    expect(await log.line("call ended", other.id)).toMatchObject({ endedBy: "bot", reason: "had-enough" });
  });

  it("takes a call with it that has no bot yet", async ({ openWithStub }) => {
    const { server, announce, rest, log } = await openWithStub();
    await announce("call-1");
    await rest.streamUrl();
    expect(await server.hangUp("call-1")).toBe(true);
    await rest.seen("hangUp", "call-1");
    expect(await log.line("call ended", "call-1")).toMatchObject({ endedBy: "bot", reason: "hang-up" });
    expect(await server.hangUp("call-1")).toBe(false);
  });

  it("is not for an open socket that goes by the id of a call", async ({ openWithStub }) => {
    const { server, announce, rest, log, urls } = await openWithStub({ openWs: true });
    const pretender = await MediaClient.open(urls.webSocket);
    pretender.start("call-1");
    await announce("call-1");
    const media = await MediaClient.open(await rest.streamUrl());
    media.start("call-1");
    await log.line("call streaming", "call-1");
    expect(await server.hangUp("call-1")).toBe(true);
    await rest.seen("hangUp", "call-1");
    await media.stop();
    await log.line("call ended", "call-1");
    await sleep(20);
    expect([pretender.socket.readyState, server.callCount]).toEqual([1, 1]);
    expect(await server.hangUp("call-1")).toBe(true);
    expect(await pretender.closed).toBe(1000);
    await expect.poll(() => server.callCount).toBe(0);
    expect([await server.hangUp("call-1"), rest.count("hangUp")]).toEqual([false, 1]);
  });
});
