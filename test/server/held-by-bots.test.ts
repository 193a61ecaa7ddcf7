import { afterEach, describe, expect, vi } from "vitest";
import type { Bot, Call } from "../../src/call/index.ts";
import { InputDTMFFrame, InputTransportMessageFrame, OutputAudioRawFrame } from "../../src/pipecat/index.ts";
import { it, listener } from "../support/open-server.ts";
import { metric, scrape } from "../support/operations.ts";
import { sine } from "../support/signals.ts";

const withParts = (bot: Bot, parts: Partial<Bot>): Bot =>
  Object.defineProperties((call: Call) => bot(call), {
    close: { value: parts.close },
    counters: Object.getOwnPropertyDescriptor(parts, "counters") ?? {},
  });
const second = new OutputAudioRawFrame({ audio: sine(440, 24_000, 24_000), sampleRate: 24_000 });

describe("what a bot holds", () => {
  afterEach(() => void vi.useRealTimers());

  it("is given back once, when the server closes and its calls are over", async ({ open }) => {
    let calls = 0;
    let callsAtClose = -1;
    const close = vi.fn(async () => {
      callsAtClose = calls;
    });
    const talking: Bot = async (call) => {
      calls++;
      await call.closed;
      calls--;
    };
    const fallback = vi.fn(async () => undefined);
    const { server, placeCall, log } = await open({
      bot: withParts(talking, { close }),
      fallbackBot: withParts(listener, { close: fallback }),
    });
    const call = placeCall();
    await log.line("call streaming", call.id);
    expect(close).not.toHaveBeenCalled();
    await server.close();
    await server.close();
    expect(close).toHaveBeenCalledTimes(1);
    expect(callsAtClose).toBe(0);
    expect(fallback).toHaveBeenCalledTimes(1);
    await call.ended;
  });

  it("holds nobody up when it cannot be given back", async ({ open }) => {
    const broken = async () => {
      throw new Error("cannot let go");
    };
    const { server, log } = await open({ bot: withParts(listener, { close: broken }) });
    await server.close();
    expect(await log.line("a bot could not be closed")).toMatchObject({ error: { message: "cannot let go" } });
    const hanging = await open({ bot: withParts(listener, { close: () => new Promise(() => undefined) }) });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const closing = hanging.server.close();
    await vi.advanceTimersByTimeAsync(10_001);
    await closing;
    vi.useRealTimers();
    expect(hanging.log.count("a bot could not be closed")).toBe(1);
  });

  it("is counted under its own names, as far as these are counts", async ({ open }) => {
    const counters: Record<string, number> = { calls_seen: 2, "made up": 1, lost: Number.NaN };
    const { urls } = await open({
      bot: withParts(listener, {
        get counters() {
          return counters;
        },
      }),
      fallbackBot: withParts(listener, { counters: { calls_seen: 3 } }),
    });
    const seen = () => metric(urls, 'wavix_bot_events_total{event="calls_seen"}');
    expect(await seen()).toBe(5);
    counters.calls_seen = 7;
    expect(await seen()).toBe(10);
    expect((await scrape(urls)).match(/^wavix_bot_events_total/gm)).toHaveLength(1);
  });
});

describe("a hang-up from outside", () => {
  it("ends the call as its bot would", async ({ open }) => {
    let hasSpoken = () => {};
    const spoken = new Promise<void>((resolve) => {
      hasSpoken = resolve;
    });
    const bot: Bot = async (call) => {
      await call.send(second);
      hasSpoken();
      await call.closed;
    };
    const { server, placeCall, log } = await open({ bot });
    expect(await server.hangUp("nobody")).toBe(false);
    const call = placeCall();
    await spoken;
    expect(await server.hangUp(call.id, "operator")).toBe(true);
    const report = await call.ended;
    expect(report).toMatchObject({ endedBy: "rest", received: { packets: 50 }, playout: { unheardMs: 0 } });
    expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "bot", reason: "operator" });
    expect(await server.hangUp(call.id)).toBe(false);
  });
});

describe("a collect", () => {
  it.for([1, 2])(
    "tells the bot that it is over, with keys and without (%i webhooks each)",
    async (copies, { open }) => {
      const heard: string[] = [];
      const bot: Bot = async (call) => {
        call.onFrame((frame) => {
          if (frame instanceof InputDTMFFrame) heard.push(frame.button);
          if (!(frame instanceof InputTransportMessageFrame)) return;
          heard.push(JSON.stringify(frame.message));
          // Nobody presses a key within no time.
          if (heard.length === 3) void call.control?.collect?.({ maxDigits: 1, timeoutSeconds: 1 });
        });
        await call.control?.collect?.({ maxDigits: 2, timeoutSeconds: 5 });
        await call.closed;
      };
      const { placeCall } = await open({ bot });
      const behaviour = { digitsAfterMs: 1_100, webhookCopies: copies };
      await placeCall({ digits: "49", behaviour, hangUpAfterMs: 2_700 }).ended;
      expect(heard).toEqual([
        "4",
        "9",
        '{"event":"collect","status":"completed","digits":"49"}',
        '{"event":"collect","status":"failed","digits":""}',
      ]);
    },
  );
});
