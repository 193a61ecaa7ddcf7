import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "vitest";
import { echoBot } from "../../../src/bots/index.ts";
import type { Bot } from "../../../src/call/index.ts";
import { OutputAudioRawFrame } from "../../../src/pipecat/index.ts";
import { faultScene, streamingCall } from "../../support/fault-scene.ts";
import type { MediaClient } from "../../support/media-client.ts";
import { noise } from "../../support/signals.ts";

const second = new OutputAudioRawFrame({ audio: noise(24_000), sampleRate: 24_000 });

const echo = echoBot({ greetingMs: 0 });
const bot: Bot = async (call) => {
  if (call.callId !== "slow-reader") return echo(call);
  while (!call.signal.aborted) {
    await call.send(second);
    await sleep(10);
  }
};

/** Sends `times` as many packets as there is time for, until its socket is closed; how many it sent. */
async function speak(client: MediaClient, times: number): Promise<number> {
  let count = 0;
  while (client.socket.readyState === 1) {
    for (let i = 0; i < times; i++) client.media();
    count += times;
    await sleep(20);
  }
  return count;
}

const MAX_MESSAGES_PER_SECOND = 60;

describe("a peer that", () => {
  // So far ahead that what is sent fills all buffers between here and there in no time.
  const ahead = { sendAheadMs: 10 ** 7 };
  const scene = faultScene({ bot, maxMessagesPerSecond: MAX_MESSAGES_PER_SECOND, concurrent: true, ...ahead });

  it.concurrent("does not read loses the oldest audio, counted, and after ten seconds its call", async ({ expect }) => {
    const { log, rest } = scene();
    const client = await streamingCall(scene(), "slow-reader");
    const speaking = speak(client, 1);
    client.socket.pause();
    await rest.seen("hangUp", "slow-reader");
    const line = await log.line("call ended", "slow-reader");
    expect(line).toMatchObject({ endedBy: "server", reason: "socket-stalled" });
    expect(line.packetsDropped).toBeGreaterThan(1_000);
    // What was sent before it stalled went into buffers of the system, and half a megabyte of ours.
    expect(line.packetsOut).toBeGreaterThan(300);
    expect(line.streamMs).toBeGreaterThan(10_000);
    expect(rest.count("hangUp", "slow-reader")).toBe(1);
    client.socket.terminate();
    await speaking;
  });

  it.concurrent("sends ten times what there is time for is read at its rate, then cut off", async ({ expect }) => {
    const { log, rest } = scene();
    const client = await streamingCall(scene(), "fast-writer");
    const sent = speak(client, 10);
    await rest.seen("hangUp", "fast-writer");
    await client.stop();
    const line = await log.line("call ended", "fast-writer");
    expect(line).toMatchObject({ endedBy: "server", reason: "flooded", framesDropped: 0 });
    const [packetsIn, messagesDropped, seconds] = [line.packetsIn, line.messagesDropped, Number(line.streamMs) / 1_000];
    expect(messagesDropped).toBeGreaterThan(1_000);
    // Ten seconds of its rate at once, and its rate.
    expect(packetsIn).toBeGreaterThanOrEqual(10 * MAX_MESSAGES_PER_SECOND - 1);
    expect(packetsIn).toBeLessThanOrEqual((seconds + 11) * MAX_MESSAGES_PER_SECOND);
    expect(Number(packetsIn) + Number(messagesDropped)).toBeLessThanOrEqual((await sent) + 2);
    expect(rest.count("hangUp", "fast-writer")).toBe(1);
  });

  it.concurrent("pings without end is answered, and costs nobody anything", async ({ expect }) => {
    const { announce, log } = scene();
    const client = await streamingCall(scene(), "pinger");
    let pongs = 0;
    const answered = new Promise<void>((resolve) => {
      client.socket.on("pong", (data) => {
        pongs++;
        if (String(data) === "last") resolve();
      });
    });
    for (let i = 0; i < 5_000; i++) {
      client.socket.ping();
      if (i % 100 === 0) await sleep(1);
    }
    client.socket.ping("last");
    await answered;
    expect(pongs).toBeGreaterThan(1_000);
    await announce("pinger", { event_type: "completed" });
    await client.stop();
    expect(await log.line("call ended", "pinger")).toMatchObject({ endedBy: "caller" });
  });
});
