import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, vi } from "vitest";
import type { Bot, Call } from "../../src/call/index.ts";
import { InputAudioRawFrame, OutputAudioRawFrame } from "../../src/pipecat/index.ts";
import { createServer } from "../../src/server/index.ts";
import { writeWav } from "../../src/simulator/index.ts";
import { it, listener } from "../support/open-server.ts";
import { sine } from "../support/signals.ts";

const folder = mkdtempSync(join(tmpdir(), "pipecat-wavix-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, bytes: Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
const speech = (ms: number) => new OutputAudioRawFrame({ audio: sine(440, 24_000, 24 * ms), sampleRate: 24_000 });
const failing: Bot = () => {
  throw new Error("the bot is broken");
};
const broken = { name: "Error", message: "the bot is broken" };

describe("the prompt after a failure", () => {
  it.for<[string, number, number, number]>([
    ["mono", 24_000, 1, 25],
    // The last one has what was still in the resampler.
    ["stereo, at another rate", 8_000, 2, 26],
  ])("is heard to its end: %s", async ([, sampleRate, channels, packets], { open }) => {
    const track = sine(300, sampleRate, sampleRate / 2);
    const failurePrompt = file("sorry.wav", writeWav(Array(channels).fill(track), sampleRate));
    const { placeCall, log, simulator } = await open({ bot: failing, failurePrompt });
    const report = await placeCall().ended;
    expect(report).toMatchObject({ endedBy: "rest", received: { packets }, playout: { unheardMs: 0 } });
    expect(await log.line("bot failed")).toMatchObject({ level: 40, error: broken });
    expect(await log.line("call ended")).toMatchObject({ endedBy: "bot", reason: "bot-failed", error: broken });
    expect(log.count("bot failed")).toBe(1);
    expect(simulator.requestCount("hangUp")).toBe(1);
  });

  it("is not played to a bot that is well, nor when it trips over its own end", async ({ open }) => {
    const failurePrompt = file("sorry.wav", writeWav(sine(300, 24_000, 24_000), 24_000));
    const bot: Bot = async (call) => {
      await call.send(speech(100));
      void call.hangUp("done");
      throw new Error("too late to matter");
    };
    const { placeCall, log } = await open({ bot, failurePrompt });
    expect(await placeCall().ended).toMatchObject({ received: { packets: 5, clears: 0 } });
    expect(await log.line("call ended")).toMatchObject({ level: 30, reason: "done" });
    expect(log.count("bot failed")).toBe(0);
  });

  it.for<[string, () => string, RegExp]>([
    ["that is not there", () => join(folder, "missing.wav"), /cannot be read \(ENOENT\)/],
    ["that is no WAV", () => file("no.wav", Buffer.from("this is not a WAV at all")), /is no WAV/],
    ["that is empty", () => file("empty.wav", new Uint8Array(0)), /is no WAV/],
    ["without audio", () => file("half.wav", writeWav(sine(1, 8_000, 8), 8_000).subarray(0, 40)), /has no audio/],
    [
      "at a rate that is none",
      () => file("rate.wav", writeWav(sine(1, 9_000, 8), 9_000)),
      /must have a rate of .*got 9000/,
    ],
    ["of 8 bits", () => file("bits.wav", eightBits()), /must be PCM of 16 bits/],
  ])("%s is said before the first call", async ([, path, message]) => {
    const server = createServer({ bot: listener, port: 0, logLevel: "silent", failurePrompt: path() });
    const listening = server.listen();
    await expect(listening).rejects.toMatchObject({ name: "ServerError", code: "BAD_PROMPT" });
    await expect(listening).rejects.toThrow(message);
    await server.close();
  });
});

function eightBits(): Uint8Array {
  const wav = writeWav(sine(1, 8_000, 8), 8_000);
  new DataView(wav.buffer).setUint16(34, 8, true);
  return wav;
}

describe("a second bot", () => {
  it("takes over at once: what was said and not heard is taken back, the caller is heard on", async ({ open }) => {
    const heard = vi.fn();
    const bot: Bot = async (call) => {
      await call.send(speech(5_000));
      throw new Error("the bot is broken");
    };
    const fallbackBot: Bot = async (call) => {
      await call.send(speech(200));
      for await (const frame of call.frames()) {
        if (!(frame instanceof InputAudioRawFrame)) continue;
        heard();
        if (heard.mock.calls.length === 5) return;
      }
    };
    const { placeCall, log } = await open({ bot, fallbackBot });
    const report = await placeCall().ended;
    expect(report.received.clears).toBe(1);
    expect(report.playout.playedMs).toBeLessThan(500);
    expect(report.playout.playedMs).toBeGreaterThanOrEqual(200);
    expect(heard).toHaveBeenCalledTimes(5);
    expect(await log.line("call ended")).toMatchObject({ endedBy: "bot", reason: "bot-failed", error: broken });
  });

  it.for<[string, (call: Call, fail: () => never) => unknown]>([
    ["in its listener", (call, fail) => call.onFrame(fail)],
    ["in its async listener", (call, fail) => call.onFrame(async () => fail())],
  ])("takes over from one that fails %s, which then has no call any more", async ([, listen], { open }) => {
    const seen: Record<string, unknown> = {};
    const bot: Bot = async (call) => {
      let failures = 0;
      listen(call, () => {
        failures++;
        throw new Error("the bot is broken");
      });
      call.signal.addEventListener("abort", () => {
        void call.hangUp("not its business any more");
        call.send(speech(1_000)).catch((error) => Object.assign(seen, { code: error.code, failures }));
        seen.droppedMs = call.interrupt().droppedMs;
      });
      await call.closed;
      throw new Error("long after");
    };
    const fallbackBot: Bot = async (call) => {
      await call.send(speech(200));
    };
    const { placeCall, log } = await open({ bot, fallbackBot });
    const report = await placeCall().ended;
    expect(report).toMatchObject({ endedBy: "rest", received: { packets: 10 } });
    expect(seen).toEqual({ code: "CALL_OVER", failures: 1, droppedMs: 0 });
    expect(await log.line("call ended")).toMatchObject({ reason: "bot-failed", error: broken });
  });

  it("fails too: the prompt is left, then the end", async ({ open }) => {
    const failurePrompt = file("sorry.wav", writeWav(sine(300, 24_000, 4_800), 24_000));
    const { placeCall, log } = await open({ bot: failing, fallbackBot: failing, failurePrompt });
    expect((await placeCall().ended).received.packets).toBe(10);
    expect(log.count("bot failed")).toBe(2);
    expect(await log.line("call ended")).toMatchObject({ reason: "bot-failed", error: broken });
  });

  it("fails too: the end", async ({ open }) => {
    const { placeCall, log } = await open({ bot: failing, fallbackBot: failing });
    expect(await placeCall().ended).toMatchObject({ endedBy: "rest", received: { packets: 0 } });
    expect(await log.line("call ended")).toMatchObject({
      level: 40,
      endedBy: "bot",
      reason: "bot-failed",
      error: broken,
    });
  });

  it("has the keypad and the files for itself", async ({ open }) => {
    const refusals: unknown[] = [];
    const bot: Bot = async (call) => {
      const { control } = call;
      setTimeout(async () => {
        for (const ask of [control?.collect, control?.play, control?.hangUp]) {
          await (ask as () => Promise<unknown>)().catch((error: unknown) => refusals.push(error));
        }
      }, 100);
      throw new Error("the bot is broken");
    };
    const { placeCall, simulator } = await open({ bot, fallbackBot: listener });
    await placeCall({ hangUpAfterMs: 400 }).ended;
    expect(refusals).toMatchObject([{ code: "CALL_OVER" }, { code: "CALL_OVER" }, { code: "CALL_OVER" }]);
    for (const operation of ["collect", "play", "hangUp"] as const) expect(simulator.requestCount(operation)).toBe(0);
  });

  it("is not troubled when the caller hangs up first", async ({ open }) => {
    const second = vi.fn();
    const bot: Bot = async (call) => {
      await call.closed;
      throw new Error("the bot is broken");
    };
    const { placeCall, log } = await open({ bot, fallbackBot: second });
    const call = placeCall();
    await log.line("call streaming");
    call.hangUp();
    await call.ended;
    expect(await log.line("call ended")).toMatchObject({ level: 30, endedBy: "caller" });
    expect(second).not.toHaveBeenCalled();
  });
});
