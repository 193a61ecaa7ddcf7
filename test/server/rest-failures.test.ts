import type { ServerResponse } from "node:http";
import { describe, expect, vi } from "vitest";
import { MediaClient } from "../support/media-client.ts";
import { it, listener } from "../support/open-server.ts";
import { openRestStub, type StubReply } from "../support/rest-stub.ts";

/** Replies that are none. */
const strange = {
  silence: () => {},
  reset: (response: ServerResponse) => void response.socket?.resetAndDestroy(),
  page: (response: ServerResponse) => void response.end("<html>"),
  redirect: (response: ServerResponse) => void response.writeHead(302, { location: "/elsewhere" }).end(),
} as const;
/** An address at which nobody listens. */
async function nobody(): Promise<string> {
  const stub = await openRestStub();
  await stub.close();
  return stub.url;
}

type Reply = number | keyof typeof strange;
const toStub = (reply: Reply): StubReply => (typeof reply === "number" ? reply : strange[reply]);

describe("an answer that fails", () => {
  // What was refused leaves nothing to hang up; of anything else nobody knows what became of it.
  it.for<[Reply, string, { answers: number; hangUps: number }]>([
    [401, "unauthorized", { answers: 1, hangUps: 0 }],
    [403, "forbidden", { answers: 1, hangUps: 0 }],
    [404, "not-found", { answers: 1, hangUps: 0 }],
    [429, "rate-limited", { answers: 3, hangUps: 0 }],
    [400, "validation", { answers: 1, hangUps: 1 }],
    [500, "server-error", { answers: 1, hangUps: 1 }],
    [503, "server-error", { answers: 3, hangUps: 1 }],
    ["page", "bad-response", { answers: 1, hangUps: 1 }],
    ["redirect", "bad-response", { answers: 1, hangUps: 1 }],
    ["reset", "network", { answers: 1, hangUps: 1 }],
    ["silence", "timeout", { answers: 1, hangUps: 1 }],
  ])("ends the call here: %s, %s", async ([reply, code, { answers, hangUps }], { openWithStub }) => {
    const bot = vi.fn(listener);
    const { rest, announce, log } = await openWithStub({ bot, restTimeoutMs: reply === "silence" ? 200 : 2_000 });
    rest.reply("answer", toStub(reply));
    expect((await announce("call-1")).body).toEqual({ accepted: true });
    const line = await log.line("call ended");
    expect(line).toMatchObject({ level: 40, endedBy: "server", reason: "answer-failed", error: { code } });
    expect(line.error).not.toHaveProperty("stack");
    expect({ answers: rest.count("answer"), hangUps: rest.count("hangUp") }).toEqual({ answers, hangUps });
    expect(bot).not.toHaveBeenCalled();
    // What Wavix repeats does not begin it anew.
    expect((await announce("call-1", { event_type: "ringing" })).body).toEqual({ accepted: false, reason: "over" });
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
  it("still ends everything here", async ({ openWithStub }) => {
    const { rest, announce, log, server } = await openWithStub({ bot: () => {}, restTimeoutMs: 300 });
    const failures: [string, Reply, string | undefined][] = [
      ["call-401", 401, "unauthorized"],
      ["call-404", 404, undefined],
      ["call-429", 429, "rate-limited"],
      ["call-500", 500, "server-error"],
      ["call-reset", "reset", "network"],
      ["call-silence", "silence", "timeout"],
    ];
    const ends = failures.map(async ([callId, reply, code]) => {
      rest.reply("hangUp", toStub(reply), callId);
      await announce(callId);
      const media = await MediaClient.open(await rest.streamUrl(callId));
      media.start(callId);
      // Wavix does not say `stop` either.
      expect(await media.closed).toBe(1000);
      const line = await log.line("call ended", callId);
      expect(line).toMatchObject({ endedBy: "bot", reason: "bot-ended" });
      expect([callId, line.error?.code]).toEqual([callId, code]);
    });
    await Promise.all(ends);
    expect(server.callCount).toBe(0);
    expect(rest.count("hangUp", "call-500")).toBe(1);
    expect(rest.count("hangUp", "call-429")).toBe(3);
  });

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
