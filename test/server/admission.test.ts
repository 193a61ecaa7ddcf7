import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { createServer, ServerError } from "../../src/server/index.ts";
import { it, listener } from "../support/open-server.ts";
import { metric, readiness } from "../support/operations.ts";

const READY = [200, { ready: true }];
const notReady = (...reasons: string[]) => [503, { ready: false, reasons }];

describe("a server without room", () => {
  it("is not ready while all calls are taken, and counts the others once each", async ({ openWithStub }) => {
    const { announce, urls } = await openWithStub({ maxCalls: 1 });
    expect(await readiness(urls)).toEqual(READY);
    await announce("call-1");
    expect(await readiness(urls)).toEqual(notReady("capacity"));
    for (const event_type of ["call_setup", "ringing", "ringing"]) await announce("call-2", { event_type });
    await announce("call-3");
    expect(await metric(urls, 'wavix_calls_refused_total{reason="capacity"}')).toBe(2);
    await announce("call-1", { event_type: "completed" });
    expect(await readiness(urls)).toEqual(READY);
  });

  it("takes so many calls a second, as many at once, and more as time goes by", async ({ openWithStub }) => {
    const { announce, urls, server } = await openWithStub({ maxCallsPerSecond: 2 });
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push((await announce(`call-${i}`)).body);
    expect(answers.slice(0, 2)).toEqual([{ accepted: true }, { accepted: true }]);
    expect(answers.at(-1)).toEqual({ accepted: false, reason: "rate" });
    expect((await readiness(urls))[1]).toEqual({ ready: false, reasons: ["rate"] });
    expect(await metric(urls, 'wavix_calls_refused_total{reason="rate"}')).toBeGreaterThan(0);
    await expect
      .poll(async () => (await announce("call-9")).body.accepted, { interval: 50, timeout: 2_000 })
      .toBe(true);
    const taken = server.callCount;
    for (let i = 0; i < 10; i++) await announce(`call-${i}`, { event_type: "completed" });
    expect(taken).toBeGreaterThanOrEqual(3);
    expect(server.callCount).toBe(0);
  });

  it("takes no calls while the event loop is late, and takes them again", async ({ openWithStub }) => {
    const { announce, urls } = await openWithStub({ maxLoopDelayMs: 40 });
    const block = async (ms: number) => {
      const untilMs = performance.now() + ms;
      while (performance.now() < untilMs);
      await new Promise((resolve) => setImmediate(resolve));
    };
    // One pause, however long, is none of its business.
    await block(1_500);
    await block(80);
    expect(await readiness(urls)).toEqual(READY);
    for (const untilMs = performance.now() + 3_800; performance.now() < untilMs; ) await block(80);
    expect((await announce("call-1")).body).toEqual({ accepted: false, reason: "event-loop" });
    expect(await readiness(urls)).toEqual(notReady("event-loop"));
    expect(await metric(urls, 'wavix_event_loop_delay_seconds{quantile="0.5"}')).toBeGreaterThan(0.04);
    await expect.poll(() => readiness(urls), { interval: 50, timeout: 8_000 }).toEqual(READY);
    await announce("call-1");
    expect(await metric(urls, "wavix_calls_active")).toBe(1);
    await announce("call-1", { event_type: "completed" });
  }, 15_000);

  it("is not ready while it drains, and stays alive", async ({ openWithStub }) => {
    const { announce, server, urls } = await openWithStub();
    await announce("call-1");
    const drained = server.drain(10_000);
    expect(await readiness(urls)).toEqual(notReady("draining"));
    expect((await fetch(`${urls.local}/livez`)).status).toBe(200);
    expect((await announce("call-2")).body).toEqual({ accepted: false, reason: "draining" });
    expect(await metric(urls, "wavix_ready")).toBe(0);
    await announce("call-1", { event_type: "completed" });
    await drained;
  });

  it("does not close before the calls are hung up that it had no room for", async ({ openWithStub }) => {
    const { announce, rest, server } = await openWithStub({ maxCalls: 1, whenFull: "hang-up" });
    let reply = () => {};
    const later = (response: { end(text: string): void }) => {
      reply = () => response.end('{"success":true}');
    };
    rest.reply("hangUp", later, "call-2");
    await announce("call-1");
    await announce("call-2");
    await rest.seen("hangUp", "call-2");
    let closed = false;
    const closing = server.close().then(() => {
      closed = true;
    });
    await rest.seen("hangUp", "call-1");
    await sleep(50);
    expect(closed).toBe(false);
    reply();
    await closing;
  });
});

describe("listen()", () => {
  it("works once, and says so", async ({ openWithStub }) => {
    const { server } = await openWithStub();
    await expect(server.listen()).rejects.toMatchObject({ name: "ServerError", code: "ALREADY_LISTENING" });
    await server.close();
    await expect(server.listen()).rejects.toThrow(ServerError);
    await expect(server.listen()).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("may be tried again after a failure", async ({ openWithStub }) => {
    const { server: first, urls } = await openWithStub();
    const { port } = new URL(urls.local);
    const second = createServer({ bot: listener, port: Number(port), logLevel: "silent" });
    await expect(second.listen()).rejects.toMatchObject({ code: "EADDRINUSE" });
    await first.close();
    const { local } = await second.listen();
    expect((await fetch(`${local}/nowhere`)).status).toBe(404);
    await second.close();
  });
});
