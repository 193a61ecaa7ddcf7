import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, vi } from "vitest";
import type { Bot, Call } from "../../src/call/index.ts";
import { CancelFrame, EndFrame, OutputAudioRawFrame, TTSStoppedFrame } from "../../src/pipecat/index.ts";
import { MediaClient } from "../support/media-client.ts";
import { it } from "../support/open-server.ts";
import { sine } from "../support/signals.ts";

const speech = (ms: number) => new OutputAudioRawFrame({ audio: sine(440, 24_000, 24 * ms), sampleRate: 24_000 });

describe("a bot that ends first", () => {
  it("is heard out before the call is hung up", async ({ open }) => {
    const bot: Bot = async (call) => {
      await call.send(speech(610));
    };
    const { simulator, placeCall, log } = await open({ bot });
    const report = await placeCall().ended;
    expect(report).toMatchObject({ endedBy: "rest", received: { packets: 31, marks: 1, clears: 0 } });
    expect(report.playout).toMatchObject({ clearedMs: 0, unheardMs: 0 });
    expect(report.playout.playedMs).toBeCloseTo(620, 3);
    expect(simulator.requestCount("hangUp")).toBe(1);
    expect(await log.line("call ended")).toMatchObject({ level: 30, endedBy: "bot", reason: "bot-ended" });
  });

  it("ends in this order: last packet, mark, playout, hang-up once, stop, close", async ({ openWithStub }) => {
    const bot: Bot = async (call) => {
      await call.send(speech(100));
    };
    const { rest, announce, server } = await openWithStub({ bot });
    await announce("call-1");
    const media = await MediaClient.open(await rest.streamUrl());
    media.start("call-1");
    const { mark } = await media.message("mark");
    expect(media.messages.map(({ event }) => event)).toEqual([...Array(5).fill("media"), "mark"]);
    // The clock says that all is heard after 100 ms. What counts is the echo, for two seconds more.
    await sleep(300);
    expect(rest.count("hangUp")).toBe(0);
    media.send({ event: "mark", mark } as never);
    await rest.seen("hangUp");
    await sleep(100);
    expect(server.callCount).toBe(1);
    expect(media.socket.readyState).toBe(1);
    media.send({ event: "stop" });
    expect(await media.closed).toBe(1000);
    expect(rest.count("hangUp")).toBe(1);
    expect(media.messages).toHaveLength(6);
  });

  it.for<[string, (call: Call) => Promise<void>]>([
    ["hangUp()", (call) => call.hangUp("done")],
    ["an EndFrame", (call) => call.send(new EndFrame({ reason: "done" }))],
  ])("may say so with %s, and is refused what it sends afterwards", async ([, end], { open }) => {
    const refused = vi.fn();
    const bot: Bot = async (call) => {
      await call.send(speech(500));
      await call.send(new TTSStoppedFrame());
      void end(call);
      // Nobody awaits this one: it must not take the process down.
      void call.send(speech(20));
      await call.send(speech(20)).catch((error) => {
        refused(error.code);
        throw error;
      });
    };
    const { placeCall, log } = await open({ bot });
    const report = await placeCall().ended;
    expect(refused.mock.calls).toEqual([["CALL_OVER"]]);
    // That it tripped over the end cuts nothing off.
    expect(report).toMatchObject({ endedBy: "rest", received: { packets: 25, clears: 0 }, playout: { unheardMs: 0 } });
    const line = await log.line("call ended");
    expect(line).toMatchObject({ level: 30, endedBy: "bot", reason: "done" });
  });

  it("may cancel: what is not heard is taken back", async ({ open }) => {
    const bot: Bot = async (call) => {
      await call.send(speech(5_000));
      await call.send(new CancelFrame());
    };
    const { placeCall } = await open({ bot });
    const report = await placeCall().ended;
    expect(report).toMatchObject({ endedBy: "rest", received: { clears: 1 } });
    expect(report.playout.playedMs).toBeLessThanOrEqual(200);
  });
});

describe("a bot that fails", () => {
  const failure = () => new Error("the bot is broken");
  const bots: Record<string, Bot> = {
    "at once": () => {
      throw failure();
    },
    later: async (call) => {
      await call.send(speech(5_000));
      throw failure();
    },
    "in its listener": async (call) => {
      await call.send(speech(5_000));
      call.onFrame(() => {
        throw failure();
      });
      await call.closed;
    },
    "in its async listener": async (call) => {
      await call.send(speech(5_000));
      call.onFrame(async () => {
        await call.send(speech(20));
        throw failure();
      });
      await call.closed;
    },
  };

  it.for(Object.entries(bots))("%s has its caller hung up, and a line in the log", async ([, bot], { open }) => {
    const { simulator, placeCall, log, server } = await open({ bot });
    const report = await placeCall().ended;
    expect(report.endedBy).toBe("rest");
    expect(report.playout.playedMs).toBeLessThan(500);
    expect(await log.line("call ended")).toMatchObject({
      level: 40,
      endedBy: "bot",
      reason: "bot-failed",
      error: { name: "Error", message: "the bot is broken", stack: expect.stringContaining("bot.test.ts") },
    });
    expect(simulator.requestCount("hangUp")).toBe(1);
    expect(server.callCount).toBe(0);
  });

  it("fails alone: the call beside it goes on", async ({ open }) => {
    let calls = 0;
    const bot: Bot = async (call) => {
      if (++calls === 1) throw failure();
      await call.send(speech(200));
    };
    const { placeCall } = await open({ bot });
    const [first, second] = await Promise.all([placeCall().ended, placeCall().ended]);
    expect([first, second].map(({ endedBy }) => endedBy)).toEqual(["rest", "rest"]);
    expect([first, second].map(({ received }) => received.packets).sort()).toEqual([0, 10]);
  });
});

describe("a bot that does not see the end", () => {
  it("is left behind when it never returns", async ({ open }) => {
    let seen: Call | undefined;
    const bot: Bot = (call) => {
      seen = call;
      return new Promise(() => {});
    };
    const { placeCall, log, server } = await open({ bot });
    const call = placeCall();
    await log.line("call streaming");
    call.hangUp();
    await call.ended;
    await log.line("call ended");
    expect(server.callCount).toBe(0);
    expect(seen?.signal.aborted).toBe(true);
  });

  it("takes nobody down with what it sends too late, or too much of", async ({ open }) => {
    const refused = vi.fn();
    const bot: Bot = async (call) => {
      // More than waits for a caller; none of it is awaited.
      for (let i = 0; i < 40; i++) void call.send(speech(1_000));
      await call.closed;
      void call.send(speech(20));
      await call.send(speech(20)).catch((error) => refused(error.code));
    };
    const { placeCall, log } = await open({ bot });
    const call = placeCall();
    await log.line("call streaming");
    call.hangUp();
    await call.ended;
    await expect.poll(() => refused.mock.calls).toEqual([["CALL_OVER"]]);
  });
});
