import { describe, expect, vi } from "vitest";
import { MediaClient } from "../support/media-client.ts";
import { it, listener } from "../support/open-server.ts";
import { openRestStub } from "../support/rest-stub.ts";

/** An address at which nobody listens. */
async function nobody(): Promise<string> {
  const stub = await openRestStub();
  await stub.close();
  return stub.url;
}

describe("an answer that fails", () => {
  it("ends the call here, and what Wavix repeats does not begin it anew", async ({ openWithStub }) => {
    const bot = vi.fn(listener);
    const { rest, announce, log } = await openWithStub({ bot });
    rest.reply("answer", 500);
    expect((await announce("call-1")).body).toEqual({ accepted: true });
    await log.line("call ended");
    expect((await announce("call-1", { event_type: "ringing" })).body).toEqual({ accepted: false, reason: "over" });
    expect(bot).not.toHaveBeenCalled();
  });

  it("because Wavix cannot be reached leaves the caller ringing, and the server up", async ({ open }) => {
    const { placeCall, log, urls } = await open({ wavixApiBase: await nobody(), restTimeoutMs: 2_000 });
    const call = placeCall();
    expect(await log.line("call ended", call.id)).toMatchObject({
      reason: "answer-failed",
      error: { name: "WavixApiError", code: "network", message: expect.stringContaining("ECONNREFUSED") },
    });
    expect(log.count("hang-up failed: the call may still be up at Wavix")).toBe(1);
    expect(call.state).toBe("ringing");
    expect((await fetch(`${urls.local}/health`)).status).toBe(200);
    call.hangUp();
    await call.ended;
  });

  it("is what ended the call, though the webhook of the hang-up is faster than its reply", async ({ openWithStub }) => {
    const { rest, announce, log, server } = await openWithStub();
    rest.reply("answer", 500);
    rest.reply("hangUp", (response) => {
      void announce("call-1", { event_type: "rejected" }).then(() => response.end('{"success":true}'));
    });
    await announce("call-1");
    expect(await log.line("call ended")).toMatchObject({ endedBy: "server", reason: "answer-failed" });
    expect(server.callCount).toBe(0);
  });

  it("though Wavix has answered: the call is hung up", async ({ open }) => {
    const { simulator, placeCall, log } = await open({ publicUrl: "http://127.0.0.1:1" });
    simulator.injectFault({ operation: "answerCall", kind: "status", status: 500, carriesOut: true });
    const call = placeCall();
    const report = await call.ended;
    expect(report.times.answeredMs).not.toBeNull();
    expect(report.hungUpOverRest).toBe(true);
    await log.line("call ended", call.id);
  });

  it("is not one that is slow", async ({ open }) => {
    const { simulator, placeCall } = await open({ bot: () => {} });
    simulator.injectFault({ operation: "answerCall", kind: "delay", delayMs: 500 });
    expect((await placeCall().ended).endedBy).toBe("rest");
    expect(simulator.requestCount("answerCall")).toBe(1);
  });
});

describe("a hang-up that fails", () => {
  it("is tried again where that can help", async ({ open }) => {
    const { simulator, placeCall, log } = await open({ bot: () => {}, restTimeoutMs: 2_000 });
    simulator.injectFault({ operation: "hangUp", kind: "status", status: 503 });
    simulator.injectFault({ operation: "hangUp", kind: "reset" });
    const call = placeCall();
    expect((await call.ended).hungUpOverRest).toBe(true);
    expect(simulator.requestCount("hangUp")).toBe(3);
    expect(await log.line("call ended", call.id)).toMatchObject({ level: 30, reason: "bot-ended" });
  });

  it("because Wavix went away in mid-call", async ({ openWithStub }) => {
    let end = () => {};
    const bot = () =>
      new Promise<void>((resolve) => {
        end = resolve;
      });
    const { rest, announce, log } = await openWithStub({ bot, restTimeoutMs: 2_000 });
    await announce("call-1");
    const media = await MediaClient.open(await rest.streamUrl());
    media.start("call-1");
    await log.line("call streaming");
    await rest.close();
    end();
    await media.stop();
    expect(await log.line("call ended")).toMatchObject({ level: 40, reason: "bot-ended", error: { code: "network" } });
  });
});
