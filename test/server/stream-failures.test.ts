import { describe, expect, vi } from "vitest";
import { OutputAudioRawFrame } from "../../src/pipecat/index.ts";
import type { ServerSettings } from "../../src/server/index.ts";
import type { Behaviour } from "../../src/simulator/index.ts";
import { MediaClient } from "../support/media-client.ts";
import { it, listener } from "../support/open-server.ts";
import { sine } from "../support/signals.ts";

describe("a call whose stream fails after the answer is hung up", () => {
  it("when no socket comes", async ({ open }) => {
    // Where nobody listens.
    const { placeCall, log } = await open({ publicUrl: "http://127.0.0.1:1", startTimeoutMs: 200 });
    const call = placeCall();
    const report = await call.ended;
    expect(report).toMatchObject({ endedBy: "rest", streamError: "ECONNREFUSED" });
    expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "server", reason: "no-socket" });
  });

  it("when the stream is refused", async ({ open }) => {
    const { simulator, placeCall, log } = await open({ answer: "then-stream" });
    simulator.injectFault({ operation: "startStream", kind: "status", status: 500 });
    const call = placeCall();
    expect((await call.ended).endedBy).toBe("rest");
    expect(await log.line("call ended", call.id)).toMatchObject({
      level: 40,
      reason: "stream-failed",
      error: { name: "WavixApiError", code: "server-error" },
    });
    expect(simulator.requests.map(({ operation }) => operation)).toEqual(["answerCall", "startStream", "hangUp"]);
  });

  it("when Wavix has answered but refuses the stream in the same request", async ({ open }) => {
    const { placeCall, log } = await open({ publicUrl: "http://127.0.0.1:1" });
    const call = placeCall({ behaviour: { replyAfterSocket: true } });
    const report = await call.ended;
    expect(report.times.answeredMs).not.toBeNull();
    expect(report.endedBy).toBe("rest");
    expect(await log.line("call ended", call.id)).toMatchObject({
      reason: "answer-failed",
      error: { code: "validation" },
    });
  });

  it.for([
    ["nothing", { sendConnected: false }],
    ["only `connected`", {}],
  ] as const)("when the socket says %s", async ([, behaviour], { open }) => {
    const bot = vi.fn(listener);
    const { placeCall, log } = await open({ bot, startTimeoutMs: 300 });
    const call = placeCall({ behaviour: { ...behaviour, sendStart: false, mediaDuringSilence: false } });
    expect(await call.ended).toMatchObject({ endedBy: "rest", closedBy: "simulator" });
    expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "server", reason: "no-start" });
    expect(bot).not.toHaveBeenCalled();
  });

  it("when its socket is cut in mid-call, and no webhook says that the call is over", async ({ open }) => {
    const { placeCall, log } = await open();
    const call = placeCall();
    await log.line("call streaming", call.id);
    call.dropSocket();
    expect(await call.ended).toMatchObject({ endedBy: "rest", closedBy: "cut" });
    expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "caller", reason: "socket-closed" });
  });

  it("when the codec cannot be had: this call, and nobody else", async ({ openWithStub }) => {
    const { rest, announce, log, urls } = await openWithStub({ sampleRate: 12_345, startTimeoutMs: 200 });
    await announce("call-1");
    const media = await MediaClient.open(await rest.streamUrl());
    expect(await media.closed).toBe(1006);
    await rest.seen("hangUp");
    expect(await log.line("socket given up")).toMatchObject({ level: 50, error: { name: "RangeError" } });
    expect((await fetch(`${urls.local}/health`)).status).toBe(200);
  });
});

describe("a call that goes on", () => {
  it("without `start`, when there is media", async ({ open }) => {
    const bot = vi.fn(listener);
    const { placeCall, log } = await open({ bot, startTimeoutMs: 500 });
    const call = placeCall({ behaviour: { sendStart: false }, hangUpAfterMs: 800 });
    expect((await call.ended).endedBy).toBe("caller");
    expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "caller" });
    expect(bot).toHaveBeenCalledTimes(1);
    expect(bot.mock.calls[0]?.[0].streamId).toBe(call.report().streamId);
  });

  it("though the reply to the answer is lost: the stream says that it was answered", async ({ open }) => {
    const audio = sine(440, 24_000, 24 * 600);
    const { simulator, placeCall, log } = await open({
      bot: (call) => call.send(new OutputAudioRawFrame({ audio, sampleRate: 24_000 })),
      restTimeoutMs: 200,
    });
    simulator.injectFault({ operation: "answerCall", kind: "no-answer", carriesOut: true });
    const report = await placeCall().ended;
    expect(report.playout.playedMs).toBeCloseTo(600, 3);
    expect(log.count("request failed, but the stream is there")).toBe(1);
    expect(await log.line("call ended")).toMatchObject({ endedBy: "bot", reason: "bot-ended" });
  });
});

describe("a call that lasts too long", () => {
  it.for<[string, Partial<ServerSettings>, Partial<Behaviour>]>([
    ["idle", { idleTimeoutMs: 300 }, { mediaDuringSilence: false }],
    ["too-long", { maxCallMs: 300 }, {}],
  ])("is hung up: %s", async ([reason, settings, behaviour], { open }) => {
    const { placeCall, log } = await open(settings);
    const call = placeCall({ behaviour });
    const report = await call.ended;
    expect(report.endedBy).toBe("rest");
    expect(report.times.endedMs! - report.times.socketMs!).toBeGreaterThanOrEqual(250);
    expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "server", reason });
  });

  it("is not one in which the caller says nothing, nor one without a limit", async ({ open }) => {
    const { placeCall, log } = await open({ idleTimeoutMs: 400, maxCallMs: Number.POSITIVE_INFINITY });
    const call = placeCall({ hangUpAfterMs: 1_000 });
    expect((await call.ended).endedBy).toBe("caller");
    expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "caller" });
  });
});
