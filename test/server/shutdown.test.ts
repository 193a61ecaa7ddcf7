import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import type { Bot } from "../../src/call/index.ts";
import { createServer } from "../../src/server/index.ts";
import { activeResources, expectNothingLeft } from "../support/leaks.ts";
import { MediaClient, upgradeStatus } from "../support/media-client.ts";
import { it, listener } from "../support/open-server.ts";

/** A bot that ends when it is told to. */
function obedientBot() {
  let end = () => {};
  const told = new Promise<void>((resolve) => {
    end = resolve;
  });
  const bot: Bot = () => told;
  return { bot, end };
}

describe("draining", () => {
  it("takes no new calls, and lets the running ones end", async ({ open }) => {
    const { bot, end } = obedientBot();
    const { placeCall, log, server, urls, post } = await open({ bot });
    const call = placeCall();
    await log.line("call streaming", call.id);
    const drained = server.drain(10_000);
    const late = { id: "call-2", event_type: "call_setup", direction: "inbound" };
    expect((await post(late)).body).toEqual({ accepted: false, reason: "draining" });
    const health = await fetch(`${urls.local}/health`);
    expect([health.status, await health.json()]).toEqual([503, { status: "draining", calls: 1 }]);
    expect(server.callCount).toBe(1);
    end();
    await drained;
    expect((await call.ended).hungUpOverRest).toBe(true);
    expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "bot", reason: "bot-ended" });
  });

  it("ends what still runs at its limit", async ({ open }) => {
    const { placeCall, log, server } = await open();
    const calls = [placeCall(), placeCall()];
    for (const { id } of calls) await log.line("call streaming", id);
    await server.drain(200);
    expect(server.callCount).toBe(0);
    for (const call of calls) {
      expect((await call.ended).hungUpOverRest).toBe(true);
      expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "server", reason: "drain" });
    }
  });

  it("lets the socket of a call in that was taken before", async ({ openWithStub }) => {
    const { bot, end } = obedientBot();
    const { rest, announce, server, log, urls } = await openWithStub({ bot, openWs: true });
    await announce("call-1");
    const url = await rest.streamUrl();
    const drained = server.drain(10_000);
    expect(await upgradeStatus(urls.webSocket)).toBe(503);
    const media = await MediaClient.open(url);
    media.start("call-1");
    await log.line("call streaming");
    end();
    await rest.seen("hangUp");
    await media.stop();
    await drained;
  });

  it("of a server without calls is done at once", async ({ open }) => {
    const { server } = await open();
    await server.drain(10_000);
    await server.drain(10_000);
  });
});

describe("closing", () => {
  it("ends all calls now, those that are still being answered too", async ({ open }) => {
    const { simulator, placeCall, log, server } = await open({ openWs: true });
    const streaming = placeCall();
    await log.line("call streaming", streaming.id);
    simulator.injectFault({ operation: "answerCall", kind: "delay", delayMs: 10_000 });
    const ringing = placeCall();
    await expect.poll(() => simulator.requestCount("answerCall")).toBe(2);
    await Promise.all([server.close(), server.close()]);
    expect(server.callCount).toBe(0);
    expect((await streaming.ended).hungUpOverRest).toBe(true);
    expect((await ringing.ended).hungUpOverRest).toBe(true);
    for (const { id } of [streaming, ringing]) {
      expect(await log.line("call ended", id)).toMatchObject({ endedBy: "server", reason: "shutdown" });
    }
  });

  it("waits for the hang-up of a call that was being given up already", async ({ openWithStub }) => {
    const { rest, announce, server } = await openWithStub({ startTimeoutMs: 50 });
    let reply = () => {};
    rest.reply("hangUp", (response) => {
      reply = () => response.end('{"success":true}');
    });
    await announce("call-1");
    await rest.seen("hangUp");
    expect(server.callCount).toBe(1);
    let closed = false;
    const closing = server.close().then(() => {
      closed = true;
    });
    await sleep(50);
    expect(closed).toBe(false);
    reply();
    await closing;
    expect(rest.count("hangUp")).toBe(1);
  });

  it("cuts the connections that stay open, and those without a call", async ({ openWithStub }) => {
    const { urls, server } = await openWithStub({ openWs: true });
    const media = await MediaClient.open(urls.webSocket);
    expect((await fetch(`${urls.local}/health`)).status).toBe(200);
    await server.close();
    expect(await media.closed).toBe(1000);
    await expect(fetch(`${urls.local}/health`)).rejects.toThrow();
  });
});

describe("listening", () => {
  it("comes to nothing on a server that is closed meanwhile", async () => {
    const before = activeResources();
    // The port is asked for in some turns of the event loop after the call.
    for (let turns = 0; turns < 6; turns++) {
      const server = createServer({
        bot: listener,
        port: 0,
        logLevel: "silent",
        cdr: turns < 3 ? undefined : "/dev/null",
      });
      const listening = server.listen();
      const refused = expect(listening).rejects.toMatchObject({ name: "ServerError", code: "CLOSED" });
      for (let turn = 0; turn < turns % 3; turn++) await Promise.resolve();
      await server.close();
      await refused;
    }
    await expectNothingLeft(before);
  });

  it("fails on a port that is taken, by code, and can be closed all the same", async ({ open }) => {
    const { urls } = await open();
    const second = createServer({ bot: listener, port: Number(new URL(urls.local).port), logLevel: "silent" });
    await expect(second.listen()).rejects.toMatchObject({ code: "EADDRINUSE" });
    await second.close();
  });

  it("tells its addresses", async ({ open }) => {
    const { urls } = await open({ host: "0.0.0.0", publicUrl: "https://bot.example.com", webhookSecret: "a-secret" });
    expect(urls).toEqual({
      local: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      public: "https://bot.example.com",
      webhook: "https://bot.example.com/wavix/inbound/a-secret",
      webSocket: "wss://bot.example.com/ws",
    });
    expect((await fetch(`${urls.local}/health`)).status).toBe(200);
  });

  it("serves routes of one's own, behind its own", async () => {
    const server = createServer({ bot: listener, port: 0, logLevel: "silent" });
    server.app.get(["/own", "/health"], (_request, response) => {
      response.json({ own: true });
    });
    const { local } = await server.listen();
    expect(await (await fetch(`${local}/own`)).json()).toEqual({ own: true });
    expect(await (await fetch(`${local}/health`)).json()).toEqual({ status: "ok", calls: 0 });
    expect((await fetch(`${local}/other`)).status).toBe(404);
    await server.close();
  });
});
