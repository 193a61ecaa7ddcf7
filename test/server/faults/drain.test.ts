import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import type { Bot } from "../../../src/call/index.ts";
import { OutputAudioRawFrame } from "../../../src/pipecat/index.ts";
import { Bystanders, besides } from "../../support/bystanders.ts";
import { openCall, stopWhenHungUp, streamingCall } from "../../support/fault-scene.ts";
import type { MediaClient } from "../../support/media-client.ts";
import { it } from "../../support/open-server.ts";
import { noise } from "../../support/signals.ts";

const second = new OutputAudioRawFrame({ audio: noise(16_000), sampleRate: 16_000 });
const bot: Bot = async (call) => {
  if (call.callId?.startsWith("speaking")) while (!call.signal.aborted) await call.send(second);
  // It is asked to end, and does not.
  if (call.callId?.startsWith("deaf")) await new Promise(() => {});
  await call.closed;
};

const CALLS_OF_EACH_KIND = 6;
const LIMIT_MS = 2_500;

describe("draining under load", () => {
  it("takes none of those who go on arriving, lets the others go on, and ends them at its limit, each once", async ({
    openWithStub,
  }) => {
    const opened = await openWithStub({ bot: besides(bot), sampleRate: 24_000 });
    const { rest, announce, server, log } = opened;
    const ids = (kind: string) => Array.from({ length: CALLS_OF_EACH_KIND }, (_, i) => `${kind}-${i}`);
    const bystanders = await Bystanders.join(opened);
    const streaming = [...ids("speaking"), ...ids("deaf"), ...ids("listening")];
    const clients = await Promise.all(streaming.map((callId) => streamingCall(opened, callId)));
    for (const [i, callId] of streaming.entries()) void stopWhenHungUp(opened, callId, clients[i] as MediaClient);
    const mute = await Promise.all(ids("unstarted").map((callId) => openCall(opened, callId)));
    for (const callId of ids("answering")) {
      rest.reply("answer", () => {}, callId);
      await announce(callId);
      await rest.seen("answer", callId);
    }
    const running = bystanders.count + 5 * CALLS_OF_EACH_KIND;
    expect(server.callCount).toBe(running);

    let drained = false;
    const draining = server.drain(LIMIT_MS).then(() => {
      drained = true;
    });
    let arrivals = 0;
    const arriving = (async () => {
      while (!drained) {
        const answers = await Promise.all(
          Array.from({ length: 10 }, () => announce(`late-${arrivals++}`, { event_type: "ringing" })),
        );
        for (const { body } of answers) expect(body).toEqual({ accepted: false, reason: "draining" });
        await sleep(20);
      }
    })();
    await bystanders.expectUntouched();
    // Some hang up in time, and the bystanders have all of theirs.
    await announce("listening-0", { event_type: "completed" });
    await clients[streaming.indexOf("listening-0")]?.stop();
    await bystanders.leave();
    expect(drained).toBe(false);
    expect(server.callCount).toBe(running - bystanders.count - 1);

    await draining;
    await arriving;
    expect(server.callCount).toBe(0);
    expect(arrivals).toBeGreaterThan(50);
    for (const callId of [...streaming, ...ids("unstarted"), ...ids("answering")]) {
      const early = callId === "listening-0";
      const end = early ? { endedBy: "caller", reason: "completed" } : { endedBy: "server", reason: "drain" };
      expect(await log.line("call ended", callId)).toMatchObject(end);
      expect([callId, rest.count("hangUp", callId)]).toEqual([callId, early ? 0 : 1]);
    }
    expect(rest.requests.some(({ callId }) => callId.startsWith("late"))).toBe(false);
    for (const client of [...clients, ...mute]) expect(await client.closed).toBe(1000);
    await expect.poll(() => rest.unanswered).toBe(0);
  });
});
