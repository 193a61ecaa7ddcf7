import { afterEach, beforeEach, describe, expect } from "vitest";
import type { BridgeSettings } from "../../../src/bots/pipecat/bridge.ts";
import { type BridgeCounters, noBridgeCounts } from "../../../src/bots/pipecat/counters.ts";
import { bridgeBot } from "../../../src/bots/pipecat/pipecat-bot.ts";
import { PipecatProtocol } from "../../../src/bots/pipecat/pipecat-protocol.ts";
import { defaultCodec } from "../../../src/codec/index.ts";
import { encodeAudioFrame, encodeFrame, readFrame } from "../../../src/pipecat/wire/index.ts";
import { BotServer, type BotSide, PlainSeats } from "../../support/bot-server.ts";
import { CALLED, CALLER, it } from "../../support/open-server.ts";
import { concat, expectSameSamples, sine } from "../../support/signals.ts";

let bots: BotServer;
let counters: BridgeCounters;
beforeEach(async () => {
  bots = await BotServer.open();
  counters = noBridgeCounts();
});
afterEach(() => bots.close());

function pipecatBot(settings: Partial<BridgeSettings> = {}, inputSampleRate = 16_000) {
  return bridgeBot({
    seats: new PlainSeats([bots.url]),
    protocol: (line) => new PipecatProtocol(line, inputSampleRate),
    counters,
    connectTimeoutMs: 2_000,
    reconnectMs: 0,
    dtmf: false,
    ...settings,
  });
}

interface Rtvi {
  label: string;
  type: string;
  id?: string;
  data?: Record<string, unknown> & { t?: string; d?: Record<string, unknown> };
}

const frames = (bot: BotSide) => bot.messages.all.map((message) => readFrame(message as Buffer));
const rtvi = (bot: BotSide): Rtvi[] =>
  frames(bot).flatMap((frame) => (frame.kind === "message" ? [JSON.parse(frame.data)] : []));
/** The first message of an application's kind that the bot gets. */
const told = async (bot: BotSide, t: string) => {
  await bot.messages.first(() => rtvi(bot).some(({ data }) => data?.t === t));
  return rtvi(bot).find(({ data }) => data?.t === t)?.data?.d as Record<string, unknown>;
};
const say = (bot: BotSide, type: string, data?: unknown, id?: string) =>
  bot.send(encodeFrame({ kind: "message", data: JSON.stringify({ label: "rtvi-ai", type, data, id }) }));
const ask = (bot: BotSide, data: unknown) => say(bot, "server-message", data);
/** As Pipecat of this version answers `client-ready`. */
const ready = (bot: BotSide, libraryVersion: string) =>
  say(bot, "bot-ready", { version: "1.2.0", about: { library: "pipecat-ai", library_version: libraryVersion } });

/** `ms` of a tone, in frames of 40 ms as Pipecat sends them, but at once. */
function speak(bot: BotSide, ms: number, frequency = 440): void {
  const audio = sine(frequency, 24_000, ms * 24, -12);
  for (let at = 0; at < audio.length; at += 960) bot.send(encodeAudioFrame(audio.subarray(at, at + 960), 24_000));
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** From the first to the last moment at which the caller heard something, in ms. */
function heardMs({ heard, sampleRate }: { heard: Int16Array; sampleRate: number }): number {
  const isLoud = (sample: number) => Math.abs(sample) > 500;
  const first = heard.findIndex(isLoud);
  return first < 0 ? 0 : ((heard.findLastIndex(isLoud) - first) * 1_000) / sampleRate;
}

describe("a bot that speaks Pipecat's protocol", () => {
  it.for([16_000, 8_000, 24_000])("hears its caller at %i Hz, and knows who it is", async (rate, { open }) => {
    const { placeCall } = await open({ bot: pipecatBot({}, rate) });
    const callerAudio = sine(1_000, 24_000, 24_000, -10);
    const call = placeCall({ callerAudio, hangUpAfterMs: 700 });
    const bot = await bots.call();
    expect(await bot.closed).toBe(1000);
    const report = await call.ended;
    const [readiness, facts] = rtvi(bot);
    expect(readiness).toMatchObject({ label: "rtvi-ai", type: "client-ready", data: { version: "1.2.0" } });
    expect(readiness?.id).toMatch(/^[\w-]{8}$/);
    expect(facts).toMatchObject({
      type: "client-message",
      data: { t: "wavix-call", d: { call_id: call.id, stream_id: report.streamId, from: CALLER, to: CALLED } },
    });
    expect(frames(bot)[2]?.kind).toBe("audio");
    const audio = frames(bot).flatMap((frame) => (frame.kind === "audio" ? [frame] : []));
    expect(new Set(audio.map(({ sampleRate, numChannels }) => `${sampleRate} ${numChannels}`))).toEqual(
      new Set([`${rate} 1`]),
    );
    const heard = concat(audio.map(({ audio }) => audio));
    // To the call's rate, and from there to the bot's.
    const atCall = defaultCodec().createResampler(24_000, 16_000);
    const atBot = defaultCodec().createResampler(16_000, rate);
    const said = atBot.process(atCall.process(callerAudio));
    atCall.close();
    atBot.close();
    const length = Math.min(heard.length, said.length);
    expect(length).toBeGreaterThan(rate / 3);
    expectSameSamples(heard.subarray(0, length), said.subarray(0, length));
  });

  it("is heard at whatever rate it speaks, in packets of 20 ms, and its end is the call's", async ({ open }) => {
    const { placeCall, log } = await open({ bot: pipecatBot() });
    const call = placeCall();
    const bot = await bots.call();
    bot.send(encodeAudioFrame(sine(440, 24_000, 480, -12), 24_000));
    bot.send(encodeAudioFrame(sine(440, 16_000, 1_601, -12), 16_000));
    bot.send(encodeAudioFrame(sine(440, 48_000, 2 * 4_800, -12), 48_000, 2));
    bot.socket.close(1000);
    const report = await call.ended;
    expect(report).toMatchObject({ endedBy: "rest", hungUpOverRest: true });
    // 20 + 100 + 100 ms, and what the filters' ends need.
    expect(report.received.offSizePackets).toBe(0);
    expect(report.received.packets).toBeGreaterThanOrEqual(11);
    expect(report.received.packets).toBeLessThanOrEqual(13);
    expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "bot", reason: "bot-ended" });
  });

  it("is heard to its end without the two seconds of silence that Pipecat puts there", async ({ open }) => {
    const { placeCall } = await open({ bot: pipecatBot() });
    const call = placeCall();
    const bot = await bots.call();
    speak(bot, 400);
    bot.send(encodeAudioFrame(new Int16Array(48_000), 24_000));
    bot.socket.close(1000);
    const report = await call.ended;
    expect(heardMs(report.recording!)).toBeGreaterThan(390);
    expect(report.received.packets).toBeLessThan(25);
  });

  it("is heard with its long silences, when something comes behind them", async ({ open }) => {
    const { placeCall } = await open({ bot: pipecatBot() });
    const call = placeCall();
    const bot = await bots.call();
    speak(bot, 100);
    bot.send(encodeAudioFrame(new Int16Array(24_000), 24_000));
    speak(bot, 100);
    bot.socket.close(1000);
    const report = await call.ended;
    expect(heardMs(report.recording!)).toBeCloseTo(1_200, -1.5);
  });

  it.for([
    ["a frame", "1.3.0", (bot: BotSide) => bot.send(encodeFrame({ kind: "interruption" }))],
    ["bot-interrupted", "1.4.0", (bot: BotSide) => say(bot, "bot-interrupted")],
    ["user-started-speaking before 1.3", "1.2.1", (bot: BotSide) => say(bot, "user-started-speaking")],
    [
      "all of them",
      "1.14.0",
      (bot: BotSide) => {
        say(bot, "user-started-speaking");
        bot.send(encodeFrame({ kind: "interruption" }));
        say(bot, "bot-interrupted");
      },
    ],
  ] as const)("is interrupted by %s, and told what was heard", async ([, version, interrupt], { open }) => {
    const { placeCall, log } = await open({ bot: pipecatBot() });
    const call = placeCall();
    const bot = await bots.call();
    ready(bot, version);
    say(bot, "bot-started-speaking");
    speak(bot, 20_000);
    await pause(800);
    interrupt(bot);
    const playback = await told(bot, "wavix-playback");
    expect(playback).toMatchObject({ interrupted: true, measured_by: "marks", duration_ms: 20_000 });
    expect(playback.heard_ms).toBeGreaterThan(400);
    expect(playback.heard_ms).toBeLessThan(1_500);
    await pause(300);
    call.hangUp();
    const report = await call.ended;
    expect(heardMs(report.recording!)).toBeLessThan(1_500);
    expect(await log.line("call ended", call.id)).toMatchObject({ interruptions: 1 });
  });

  it("is heard with its next answer at once, when its frame says that the old one is over", async ({ open }) => {
    const { placeCall, log } = await open({ bot: pipecatBot() });
    const call = placeCall({ hangUpAfterMs: 1_200 });
    const bot = await bots.call();
    ready(bot, "1.14.0");
    speak(bot, 5_000);
    await pause(300);
    say(bot, "bot-interrupted");
    speak(bot, 400);
    bot.send(encodeFrame({ kind: "interruption" }));
    speak(bot, 400);
    const report = await call.ended;
    expect(counters.stale_audio).toBe(10);
    expect(heardMs(report.recording!)).toBeGreaterThan(650);
    expect(heardMs(report.recording!)).toBeLessThan(1_000);
    expect(await log.line("call ended", call.id)).toMatchObject({ interruptions: 1 });
  });

  it("keeps speaking when the caller does, where it would say that it was interrupted", async ({ open }) => {
    const { placeCall, log } = await open({ bot: pipecatBot() });
    const call = placeCall({ hangUpAfterMs: 900 });
    const bot = await bots.call();
    ready(bot, "1.3.0");
    speak(bot, 600);
    say(bot, "user-started-speaking");
    await call.ended;
    expect(await log.line("call ended", call.id)).toMatchObject({ interruptions: 0 });
  });

  it("is not heard with what it had on its way when it was interrupted, but with its next answer", async ({ open }) => {
    const { placeCall } = await open({ bot: pipecatBot() });
    const call = placeCall({ hangUpAfterMs: 1_500 });
    const bot = await bots.call();
    ready(bot, "1.2.1");
    speak(bot, 5_000);
    await pause(300);
    say(bot, "user-started-speaking");
    speak(bot, 2_000);
    say(bot, "bot-stopped-speaking");
    say(bot, "bot-started-speaking");
    speak(bot, 200);
    const report = await call.ended;
    expect(counters.stale_audio).toBe(50);
    expect(heardMs(report.recording!)).toBeLessThan(1_000);
  });

  it("is told when an utterance was heard to its end", async ({ open }) => {
    const { placeCall } = await open({ bot: pipecatBot() });
    const call = placeCall();
    const bot = await bots.call();
    speak(bot, 300);
    say(bot, "bot-stopped-speaking");
    expect(await told(bot, "wavix-playback")).toEqual({
      heard_ms: 300,
      duration_ms: 300,
      interrupted: false,
      measured_by: "marks",
    });
    call.hangUp();
    await call.ended;
  });

  it("is not told what was heard of the bot before it", async ({ open }) => {
    const { placeCall } = await open({ bot: pipecatBot({ reconnectMs: 2_000 }) });
    const call = placeCall({ hangUpAfterMs: 1_500 });
    const first = await bots.call();
    speak(first, 600);
    await pause(50);
    first.socket.terminate();
    const second = await bots.call(1);
    speak(second, 200);
    say(second, "bot-stopped-speaking");
    expect(await told(second, "wavix-playback")).toMatchObject({ duration_ms: 200, interrupted: false });
    await call.ended;
  });

  it("is told nothing of what could not be played, however long that was", async ({ open }) => {
    const { placeCall } = await open({ bot: pipecatBot() });
    const call = placeCall({ hangUpAfterMs: 1_200 });
    const bot = await bots.call();
    speak(bot, 200);
    bot.send(encodeAudioFrame(new Int16Array(30_000).fill(1_000), 12_345));
    say(bot, "bot-stopped-speaking");
    expect(await told(bot, "wavix-playback")).toMatchObject({ heard_ms: 200, duration_ms: 200, interrupted: false });
    expect(counters.unplayable_audio).toBe(1);
    await call.ended;
  });

  it("may ask for keys, a file and the end of the call", async ({ open }) => {
    const { placeCall, simulator, log } = await open({ bot: pipecatBot() });
    const call = placeCall({ digits: "42", behaviour: { digitsAfterMs: 20 } });
    const bot = await bots.call();
    ready(bot, "1.14.0");
    ask(bot, { type: "wavix-collect", max_digits: 2, timeout_seconds: 5 });
    ask(bot, { type: "wavix-play", audio_file: "https://example.com/hold.wav" });
    await bot.messages.first(() => rtvi(bot).filter(({ type }) => type === "dtmf").length === 2);
    const keys = rtvi(bot).filter(({ type }) => type === "dtmf");
    expect(keys.map(({ data }) => data)).toEqual([
      { button: "4", buttons: ["4"] },
      { button: "2", buttons: ["2"] },
    ]);
    speak(bot, 200);
    ask(bot, { type: "wavix-hang-up", reason: "goodbye" });
    const report = await call.ended;
    expect(report.hungUpOverRest).toBe(true);
    expect(heardMs(report.recording!)).toBeGreaterThan(190);
    expect(await bot.closed).toBe(1000);
    expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "bot", reason: "goodbye" });
    const asked = simulator.requests.map(({ operation, body }) => ({ operation, body }));
    expect(asked).toContainEqual({ operation: "collect", body: { max_digits: 2, timeout: 5 } });
    expect(asked).toContainEqual({ operation: "play", body: { audio_file: "https://example.com/hold.wav" } });
  });

  it("gets the keys of a collect that ran out of time, too", async ({ open }) => {
    const { placeCall } = await open({ bot: pipecatBot() });
    const behaviour = { keysAtTimeout: "fail" } as const;
    const call = placeCall({ keys: [{ atMs: 500, key: "8" }], behaviour, hangUpAfterMs: 2_500 });
    const bot = await bots.call();
    ask(bot, { type: "wavix-collect", max_digits: 4, timeout_seconds: 1 });
    await call.ended;
    const keys = rtvi(bot).filter(({ type }) => type === "dtmf");
    expect(keys.map(({ data }) => data?.button)).toEqual(["8"]);
  });

  it("is told what cannot be done", async ({ open }) => {
    const { placeCall } = await open({ bot: pipecatBot() });
    const call = placeCall({ hangUpAfterMs: 600 });
    const bot = await bots.call();
    ask(bot, { type: "wavix-play", audio_file: "no URL" });
    const error = await told(bot, "wavix-error");
    expect(error).toMatchObject({ request: "wavix-play", code: expect.any(String), message: expect.any(String) });
    ask(bot, { type: "wavix-collect", max_digits: "many" });
    ask(bot, { type: "wavix-dance" });
    ask(bot, { type: "of-another-application" });
    await call.ended;
    const errors = rtvi(bot).filter(({ data }) => data?.t === "wavix-error");
    expect(errors.map(({ data }) => data?.d?.request)).toEqual(["wavix-play", "wavix-collect", "wavix-dance"]);
    expect(counters.requests_failed).toBe(3);
  });

  it("may have ten requests to play on their way", async ({ open }) => {
    const { placeCall, simulator } = await open({ bot: pipecatBot() });
    simulator.injectFault({ operation: "play", kind: "delay", delayMs: 400, times: 100 });
    const call = placeCall({ hangUpAfterMs: 1_200 });
    const bot = await bots.call();
    const play = () => ask(bot, { type: "wavix-play", audio_file: "https://example.com/hold.wav" });
    for (let i = 0; i < 12; i++) play();
    await pause(700);
    play();
    await call.ended;
    expect(simulator.requests.filter(({ operation }) => operation === "play")).toHaveLength(11);
    expect(rtvi(bot).filter(({ data }) => data?.t === "wavix-error")).toHaveLength(2);
    expect(counters.requests_failed).toBe(2);
  });

  it("gets keys in a message of ours when its Pipecat does not know RTVI's", async ({ open }) => {
    const { placeCall } = await open({ bot: pipecatBot({ dtmf: true }) });
    const call = placeCall({ digits: "5", behaviour: { digitsAfterMs: 20 }, hangUpAfterMs: 800 });
    const bot = await bots.call();
    await bot.messages.first(() => rtvi(bot).some(({ type }) => type === "dtmf"));
    const { id } = rtvi(bot).find(({ type }) => type === "dtmf") as Rtvi;
    say(bot, "error-response", { error: "Unsupported type dtmf" }, id);
    expect(await told(bot, "wavix-dtmf")).toEqual({ button: "5" });
    await call.ended;
    expect(rtvi(bot).filter(({ type }) => type === "dtmf")).toHaveLength(1);
  });

  it("may send anything: what means nothing is counted, and the call goes on", async ({ open }) => {
    const { placeCall } = await open({ bot: pipecatBot() });
    const call = placeCall({ hangUpAfterMs: 600 });
    const bot = await bots.call();
    bot.send(Uint8Array.of(0xff, 0xff, 0xff));
    bot.send(encodeFrame({ kind: "message", data: "no JSON" }));
    bot.send("a text message");
    bot.send(encodeAudioFrame(new Int16Array(100), 12_345));
    bot.send(encodeAudioFrame(new Int16Array(0), 16_000));
    speak(bot, 200);
    const report = await call.ended;
    expect(report.endedBy).toBe("caller");
    expect(heardMs(report.recording!)).toBeGreaterThan(190);
    expect(counters).toMatchObject({ malformed_messages: 2, unknown_messages: 1, unplayable_audio: 1 });
  });
});
