import { afterEach, beforeEach, describe, expect } from "vitest";
import type { BridgeSettings } from "../../../src/bots/pipecat/bridge.ts";
import { noBridgeCounts } from "../../../src/bots/pipecat/counters.ts";
import { bridgeBot } from "../../../src/bots/pipecat/pipecat-bot.ts";
import type { Line } from "../../../src/bots/pipecat/protocol.ts";
import { TwilioProtocol } from "../../../src/bots/pipecat/twilio-protocol.ts";
import { decodeMuLaw, defaultCodec, encodeMuLaw } from "../../../src/codec/index.ts";
import { BotServer, type BotSide, PlainSeats } from "../../support/bot-server.ts";
import { CALLED, CALLER, it } from "../../support/open-server.ts";
import { concat, expectSameSamples, sine } from "../../support/signals.ts";

let bots: BotServer;
beforeEach(async () => {
  bots = await BotServer.open();
});
afterEach(() => bots.close());

const counters = noBridgeCounts();
function twilioBot(settings: Partial<BridgeSettings> = {}) {
  return bridgeBot({
    seats: new PlainSeats([bots.url]),
    protocol: (line) => new TwilioProtocol(line),
    counters,
    connectTimeoutMs: 2_000,
    reconnectMs: 0,
    dtmf: false,
    ...settings,
  });
}

const parsed = (bot: BotSide) => bot.messages.all.map((message) => JSON.parse(message as string));
const until = (bot: BotSide, event: string) =>
  bot.messages
    .first((message) => JSON.parse(message as string).event === event)
    .then((text) => JSON.parse(text as string));

/** `ms` of a tone, cut in messages of 40 ms as Pipecat sends them. */
function say(bot: BotSide, streamSid: string, ms: number): void {
  const codes = encodeMuLaw(sine(440, 8_000, ms * 8, -12));
  for (let at = 0; at < codes.length; at += 320) {
    const payload = Buffer.from(codes.subarray(at, at + 320)).toString("base64");
    bot.send(JSON.stringify({ event: "media", streamSid, media: { payload } }));
  }
}

describe("a bot that speaks Twilio's Media Streams", () => {
  it("is told of the call as Twilio tells it, and hears the caller", async ({ open }) => {
    const { placeCall } = await open({ bot: twilioBot(), sampleRate: 8_000 });
    const callerAudio = sine(1_000, 24_000, 24_000, -10);
    const call = placeCall({ callerAudio, hangUpAfterMs: 900 });
    const bot = await bots.call();
    expect(await bot.closed).toBe(1000);
    const report = await call.ended;
    const messages = parsed(bot);
    expect(messages[0]).toEqual({ event: "connected", protocol: "Call", version: "1.0.0" });
    expect(messages[1]).toEqual({
      event: "start",
      sequenceNumber: "1",
      streamSid: report.streamId,
      start: {
        accountSid: `AC${"0".repeat(32)}`,
        streamSid: report.streamId,
        callSid: call.id,
        tracks: ["inbound"],
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
        customParameters: { from_number: CALLER, to_number: CALLED, call_id: call.id },
      },
    });
    const media = messages.filter(({ event }) => event === "media");
    expect(media[0]).toMatchObject({ sequenceNumber: "2", streamSid: report.streamId });
    expect(media.map(({ media: { track, chunk, timestamp } }) => [track, chunk, timestamp])).toEqual(
      media.map((_, i) => ["inbound", String(i + 1), String(i * 20)]),
    );
    const heard = concat(media.map(({ media: { payload } }) => decodeMuLaw(Buffer.from(payload, "base64"))));
    const resampler = defaultCodec().createResampler(24_000, 8_000);
    const said = decodeMuLaw(encodeMuLaw(resampler.process(callerAudio)));
    resampler.close();
    const length = Math.min(heard.length, said.length);
    expect(length).toBeGreaterThan(3_000);
    expectSameSamples(heard.subarray(0, length), said.subarray(0, length));
    expect(messages.at(-1)).toEqual({
      event: "stop",
      sequenceNumber: String(media.length + 2),
      streamSid: report.streamId,
      stop: { accountSid: `AC${"0".repeat(32)}`, callSid: call.id },
    });
    expect(report.endedBy).toBe("caller");
  });

  it("hears at which time of the stream a packet stands, also behind one that is longer", () => {
    const sent: { media: { chunk: string; timestamp: string } }[] = [];
    const line = { call: { streamId: "stream" }, send: (text: string) => sent.push(JSON.parse(text)) };
    const protocol = new TwilioProtocol(line as unknown as Line);
    for (const sampleCount of [160, 480, 160]) protocol.audio(new Int16Array(sampleCount));
    expect(sent.map(({ media: { chunk, timestamp } }) => [chunk, timestamp])).toEqual([
      ["1", "0"],
      ["2", "20"],
      ["3", "80"],
    ]);
  });

  it("is heard, in packets of 20 ms, and its end is the call's", async ({ open }) => {
    const { placeCall, log } = await open({ bot: twilioBot(), sampleRate: 8_000 });
    const call = placeCall();
    const bot = await bots.call();
    const { streamSid } = await until(bot, "start");
    say(bot, streamSid, 600);
    bot.socket.close(1000);
    const report = await call.ended;
    expect(report).toMatchObject({ endedBy: "rest", hungUpOverRest: true });
    expect(report.received).toMatchObject({ packets: 31, offSizePackets: 0 });
    expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "bot", reason: "bot-ended" });
  });

  it("gets its marks back when the caller has heard what was said before them, by its own names", async ({ open }) => {
    const { placeCall } = await open({ bot: twilioBot(), sampleRate: 8_000 });
    const call = placeCall({ hangUpAfterMs: 1_500 });
    const bot = await bots.call();
    const { streamSid } = await until(bot, "start");
    const saidAtMs = performance.now();
    say(bot, streamSid, 300);
    for (const name of ["one", "one", "two"]) bot.send(JSON.stringify({ event: "mark", streamSid, mark: { name } }));
    await until(bot, "mark");
    expect(performance.now() - saidAtMs).toBeGreaterThan(280);
    await bot.closed;
    const marks = parsed(bot).filter(({ event }) => event === "mark");
    expect(marks.map(({ mark: { name } }) => name)).toEqual(["one", "one", "two"]);
    await call.ended;
  });

  it("clears what was not heard, and gets the marks of that at once", async ({ open }) => {
    const { placeCall, log } = await open({ bot: twilioBot(), sampleRate: 8_000 });
    const call = placeCall({ hangUpAfterMs: 1_200 });
    const bot = await bots.call();
    const { streamSid } = await until(bot, "start");
    say(bot, streamSid, 20_000);
    bot.send(JSON.stringify({ event: "mark", streamSid, mark: { name: "end" } }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const clearedAtMs = performance.now();
    bot.send(JSON.stringify({ event: "clear", streamSid }));
    await until(bot, "mark");
    expect(performance.now() - clearedAtMs).toBeLessThan(1_000);
    const report = await call.ended;
    const { heard, sampleRate } = report.recording!;
    const lastLoud = heard.findLastIndex((sample) => Math.abs(sample) > 500) / sampleRate;
    const firstLoud = heard.findIndex((sample) => Math.abs(sample) > 500) / sampleRate;
    expect(lastLoud - firstLoud).toBeLessThan(0.6);
    expect(parsed(bot).filter(({ event }) => event === "mark")).toHaveLength(1);
    expect(await log.line("call ended", call.id)).toMatchObject({ interruptions: 1 });
  });

  it("interrupts nothing when all has been heard", async ({ open }) => {
    const { placeCall, log } = await open({ bot: twilioBot(), sampleRate: 8_000 });
    const call = placeCall({ hangUpAfterMs: 1_200 });
    const bot = await bots.call();
    const { streamSid } = await until(bot, "start");
    say(bot, streamSid, 200);
    await new Promise((resolve) => setTimeout(resolve, 700));
    bot.send(JSON.stringify({ event: "clear", streamSid }));
    await call.ended;
    expect(await log.line("call ended", call.id)).toMatchObject({ interruptions: 0 });
  });

  it("gets no mark back that the bot before it had sent", async ({ open }) => {
    const { placeCall } = await open({ bot: twilioBot({ reconnectMs: 2_000 }), sampleRate: 8_000 });
    const call = placeCall({ hangUpAfterMs: 1_500 });
    const first = await bots.call();
    const { streamSid } = await until(first, "start");
    say(first, streamSid, 800);
    first.send(JSON.stringify({ event: "mark", streamSid, mark: { name: "old" } }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    first.socket.terminate();
    const second = await bots.call(1);
    say(second, streamSid, 5_000);
    second.send(JSON.stringify({ event: "mark", streamSid, mark: { name: "new" } }));
    await second.closed;
    expect(parsed(second).filter(({ event }) => event === "mark")).toEqual([]);
    await call.ended;
  });

  it("is told of the keys its caller presses, for as long as the call lasts", async ({ open }) => {
    const { placeCall, simulator } = await open({ bot: twilioBot({ dtmf: true }), sampleRate: 8_000 });
    const call = placeCall({ digits: "7", behaviour: { digitsAfterMs: 150 } });
    const bot = await bots.call();
    const keysOf = () => parsed(bot).filter(({ event }) => event === "dtmf");
    await expect.poll(() => keysOf().length, { timeout: 10_000 }).toBeGreaterThan(2);
    call.hangUp();
    await bot.closed;
    const keys = keysOf();
    expect(keys[0]).toMatchObject({ dtmf: { track: "inbound_track", digit: "7" }, sequenceNumber: expect.any(String) });
    await call.ended;
    expect(simulator.requests.filter(({ operation }) => operation === "collect").length).toBeGreaterThan(2);
  });

  it("may say anything: what means nothing is counted", async ({ open }) => {
    const { placeCall } = await open({ bot: twilioBot(), sampleRate: 8_000 });
    const call = placeCall({ hangUpAfterMs: 500 });
    const bot = await bots.call();
    const before = { ...counters };
    const bad = ["", "no JSON", "null", "[]", "3", '"media"', "{}", '{"event":3}', '{"event":"media"}'];
    const worse = ['{"event":"media","media":null}', '{"event":"media","media":{"payload":7}}', '{"event":"mark"}'];
    const long = JSON.stringify({ event: "mark", mark: { name: "x".repeat(1_025) } });
    for (const text of [...bad, ...worse, long]) bot.send(text);
    bot.send(Uint8Array.of(1, 2, 3));
    bot.send('{"event":"media","media":{"payload":"***"}}');
    await bot.closed;
    // An event that is not known is no fault; audio that is no base64 is none.
    expect(counters.malformed_messages - before.malformed_messages).toBe(bad.length - 1 + worse.length + 2);
    expect(counters.unknown_messages - before.unknown_messages).toBe(1);
    expect((await call.ended).endedBy).toBe("caller");
  });
});
