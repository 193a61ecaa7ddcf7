import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, vi } from "vitest";
import { echoBot } from "../../src/bots/index.ts";
import type { Bot, Call } from "../../src/call/index.ts";
import { InputAudioRawFrame, InputDTMFFrame, InputTransportMessageFrame } from "../../src/pipecat/index.ts";
import { type Behaviour, compareHeard, prepareCallerAudio, readSpeechRecording } from "../../src/simulator/index.ts";
import { MediaClient } from "../support/media-client.ts";
import { CALLED, CALLER, it, listener } from "../support/open-server.ts";

const { samples, sampleRate } = readSpeechRecording();
const speech = prepareCallerAudio(samples.subarray(0, sampleRate), sampleRate);

describe("a call", () => {
  it.for(["with-stream", "then-stream"] as const)("comes back to its caller (%s)", async (answer, { open }) => {
    const bot = vi.fn(echoBot({ greetingMs: 0 }));
    const { simulator, placeCall, log } = await open({ bot, answer, playoutDelayMs: 160 });
    const call = placeCall({ callerAudio: speech, hangUpAfterMs: 1_500 });
    const report = await call.ended;
    expect(report).toMatchObject({ endedBy: "caller", hungUpOverRest: false, closedBy: "simulator", closeCode: 1000 });
    expect(report.webhooks.map(({ status }) => status)).toEqual(report.webhooks.map(() => 200));
    const { said, heard, sampleRate } = report.recording!;
    expect(compareHeard({ said, heard, sampleRate }).meanSimilarity).toBeGreaterThan(0.9);

    const stream = { stream_url: expect.stringMatching(/^ws:/), stream_type: "twoway", stream_channel: "inbound" };
    const requests = simulator.requests.map(({ operation, body }) => ({ operation, body }));
    if (answer === "with-stream") expect(requests).toEqual([{ operation: "answerCall", body: stream }]);
    else {
      expect(requests).toEqual([
        { operation: "answerCall", body: {} },
        { operation: "startStream", body: stream },
      ]);
    }

    expect(bot).toHaveBeenCalledTimes(1);
    const facts = { callId: call.id, streamId: report.streamId, from: CALLER, to: CALLED, audioInSampleRate: 16_000 };
    expect(bot.mock.calls[0]?.[0]).toMatchObject(facts);
    const { packetsIn, packetsOut, ...ended } = await log.line("call ended", call.id);
    expect(ended).toMatchObject({ endedBy: "caller", reason: "stop", packetsDropped: 0, framesDropped: 0 });
    expect(packetsIn).toBe(report.sent.packets);
    // One may have crossed `stop` on its way.
    const { packets, messagesAfterStop } = report.received;
    expect(packetsOut).toBeGreaterThanOrEqual(packets);
    expect(packetsOut).toBeLessThanOrEqual(packets + messagesAfterStop);
    for (const line of ["call offered", "call answered", "call streaming"]) expect(log.count(line)).toBe(1);
  });

  it("hands the bot the caller's voice at the rate it was asked for", async ({ open }) => {
    let frame: InputAudioRawFrame | undefined;
    const bot: Bot = async (call) => {
      for await (const first of call.frames()) {
        frame = first as InputAudioRawFrame;
        return;
      }
    };
    const { placeCall } = await open({ bot, sampleRate: 8_000 });
    await placeCall().ended;
    expect(frame).toBeInstanceOf(InputAudioRawFrame);
    expect(frame).toMatchObject({ sampleRate: 8_000, numChannels: 1, numFrames: 160 });
  });

  it("hands the bot the keys its caller presses, once, though each webhook comes twice", async ({ open }) => {
    const heard: unknown[] = [];
    const bot: Bot = async (call) => {
      call.onFrame((frame) => {
        if (frame instanceof InputDTMFFrame) heard.push(frame.button);
        if (!(frame instanceof InputTransportMessageFrame)) return;
        heard.push(frame.message);
        // The same keys another time are another event.
        if (heard.length === 6) void call.control?.collect?.({ maxDigits: 5 });
      });
      await call.control?.collect?.({ maxDigits: 5 });
      await call.closed;
    };
    const { placeCall, log } = await open({ bot });
    const call = placeCall({
      digits: "102*#",
      behaviour: { webhookCopies: 2, digitsAfterMs: 50 },
      hangUpAfterMs: 1_000,
    });
    expect((await call.ended).webhooks.filter(({ event }) => event === "on_call_event")).toHaveLength(8);
    const once = [..."102*#", { event: "collect", status: "completed", digits: "102*#" }];
    expect(heard).toEqual([...once, ...once]);
    // What a caller types may be a PIN.
    expect(log.text).not.toContain("102*");
  });

  it("takes an end that it has heard of for none, also behind another one", async ({ openWithStub }) => {
    const heard: unknown[] = [];
    const bot: Bot = async (call) => {
      call.onFrame((frame) => {
        if (frame instanceof InputDTMFFrame) heard.push(frame.button);
        if (frame instanceof InputTransportMessageFrame) heard.push((frame.message as { status: string }).status);
      });
      await call.closed;
    };
    const { announce, post, rest, log } = await openWithStub({ bot });
    await announce("call-1");
    const media = await MediaClient.open(await rest.streamUrl());
    media.start("call-1");
    await log.line("call streaming");
    const tell = (second: number, status: string, digits: string) =>
      post({
        ...{ id: "call-1", event_type: "on_call_event", event_time: `2026-01-01T00:00:0${second}Z` },
        event_payload: { type: "collect", payload: { status, digits } },
      });
    await tell(0, "started", "");
    await tell(1, "completed", "12");
    await tell(2, "failed", "");
    await tell(1, "completed", "12");
    await tell(2, "failed", "");
    await tell(3, "completed", "2");
    expect(heard).toEqual(["1", "2", "completed", "failed", "2", "completed"]);
    await post({ id: "call-1", event_type: "completed" });
    await media.stop();
  });
});

describe("a caller who hangs up", () => {
  it("ends the call here, without a hang-up over REST", async ({ open }) => {
    const iterated = vi.fn();
    let seen: Call | undefined;
    const bot: Bot = async (call) => {
      seen = call;
      for await (const _ of call.frames());
      iterated(await call.closed);
    };
    const { simulator, placeCall, log } = await open({ bot });
    const call = placeCall();
    await log.line("call streaming", call.id);
    call.hangUp();
    const { hungUpOverRest, received } = await call.ended;
    expect(hungUpOverRest).toBe(false);
    expect(received.messagesAfterStop).toBe(0);
    await expect.poll(() => iterated.mock.calls).toEqual([[{ endedBy: "caller", reason: "stop" }]]);
    expect(seen?.signal.aborted).toBe(true);
    expect(simulator.requestCount("hangUp")).toBe(0);
  });

  it("while it rings: the slow answer is given up", async ({ openWithStub }) => {
    const bot = vi.fn(listener);
    const { rest, announce, log } = await openWithStub({ bot, restTimeoutMs: 60_000 });
    const givenUp = new Promise((resolve) => {
      rest.reply("answer", (response) => response.once("close", resolve));
    });
    await announce("call-1");
    await rest.seen("answer");
    await announce("call-1", { event_type: "cancelled" });
    expect(await log.line("call ended")).toMatchObject({ endedBy: "caller", reason: "cancelled" });
    await givenUp;
    expect(rest.requests).toHaveLength(1);
    expect(bot).not.toHaveBeenCalled();
  });

  it("while Wavix has answered but not said so", async ({ open }) => {
    const { simulator, placeCall, log } = await open();
    simulator.injectFault({ operation: "answerCall", kind: "no-answer", carriesOut: true });
    const call = placeCall();
    expect(await call.streaming).toBe(true);
    await log.line("call streaming", call.id);
    call.hangUp();
    expect((await call.ended).hungUpOverRest).toBe(false);
    expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "caller" });
    expect(simulator.requestCount()).toBe(1);
  });

  it("before the media socket has come", async ({ open }) => {
    const { simulator, placeCall, log } = await open({ publicUrl: "http://127.0.0.1:1" });
    const call = placeCall();
    await log.line("call answered", call.id);
    call.hangUp();
    await call.ended;
    expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "caller", reason: "completed" });
    expect(simulator.requestCount()).toBe(1);
  });
});

/** What Wavix's documents leave open, one value each that is not the simulator's default. */
const behaviours: Partial<Behaviour>[] = [
  { eventsBeforeAnswer: ["ringing"], eventsOnAnswer: [] },
  { callIdFields: "id" },
  { callIdFields: "uuid" },
  { webhookCopies: 2, webhookOrder: "at-once" },
  { replyAfterSocket: true },
  { sendConnected: false },
  { sendConnected: false, sendStart: false },
  { mediaDuringSilence: false },
  { numbersAsStrings: true, timestampUnit: "ms", timestampStart: 0 },
  { streamEnd: "close-only", closeCode: 1001 },
  { streamEnd: "stop-only" },
  { endOrder: "webhook-first" },
  { serverCloseEndsCall: true },
  { markEchoDelayMs: 300 },
];

describe("whatever Wavix leaves undocumented", () => {
  it("a call ends with its caller", async ({ open }) => {
    const { simulator, placeCall, log } = await open();
    const all = [...behaviours, { eventWhenCompleted: null }];
    const reports = await Promise.all(
      all.map(async (behaviour) => {
        const call = placeCall({ behaviour });
        // Not before it streams, however long that takes here.
        await call.streaming;
        await sleep(400);
        call.hangUp();
        return call.ended;
      }),
    );
    for (const { callId, endedBy, hungUpOverRest, times } of reports) {
      expect({ endedBy, hungUpOverRest }).toEqual({ endedBy: "caller", hungUpOverRest: false });
      expect(times.socketMs).not.toBeNull();
      expect(await log.line("call ended", callId)).toMatchObject({ endedBy: "caller" });
    }
    expect(log.count("call ended")).toBe(all.length);
    // One that Wavix never says is over is hung up, to be sure.
    const silent = `/v1/calls/${reports.at(-1)!.callId}`;
    expect(simulator.requests.at(-1)).toMatchObject({ operation: "hangUp", path: silent, status: 404 });
  });

  it("a call ends with its bot", async ({ open }) => {
    const { simulator, placeCall, log } = await open({ bot: () => {} });
    const reports = await Promise.all(behaviours.map((behaviour) => placeCall({ behaviour }).ended));
    for (const { callId, hungUpOverRest } of reports) {
      expect(hungUpOverRest).toBe(true);
      expect(await log.line("call ended", callId)).toMatchObject({ endedBy: "bot", reason: "bot-ended" });
    }
    expect(simulator.requestCount("hangUp")).toBe(behaviours.length);
  });
});
