import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, vi } from "vitest";
import { echoBot } from "../../src/bots/index.ts";
import { createStreamTokenSigner } from "../../src/wavix/control/index.ts";
import { MediaClient, upgradeStatus } from "../support/media-client.ts";
import { it, listener, STREAM_TOKEN_SECRET } from "../support/open-server.ts";

/** Tokens as the server signs them, or nearly so. */
const sign = (callId: string, { secret = STREAM_TOKEN_SECRET, ageMs = 0 } = {}) =>
  createStreamTokenSigner({ secret, ttlMs: 120_000, now: () => Date.now() - ageMs }).sign(callId);

describe("the media socket", () => {
  it("opens to the token of a call, and to nothing that is like one", async ({ openWithStub }) => {
    const bot = vi.fn(listener);
    const { rest, announce, urls, log } = await openWithStub({ bot });
    await announce("call-1");
    const good = await rest.streamUrl();
    expect(good.startsWith(`${urls.webSocket}/`)).toBe(true);
    const token = good.slice(urls.webSocket.length + 1);
    const [expiry, ...rest_] = token.split(".") as [string, string, string, string];
    const changed = token.at(-1) === "A" ? "E" : "A";
    const bad: [string, string][] = [
      ["signed by somebody else", sign("call-1", { secret: "another secret of 16 bytes" })],
      ["expired", sign("call-1", { ageMs: 120_001 })],
      ["of a call that is not there", sign("call-2")],
      ["changed at its end", token.slice(0, -1) + changed],
      ["made to last longer", [(Number.parseInt(expiry, 36) + 1_000_000).toString(36), ...rest_].join(".")],
      ["cut off", token.slice(0, -1)],
      ["the call's id", "call-1"],
    ];
    for (const [what, forged] of bad) {
      expect([what, await upgradeStatus(`${urls.webSocket}/${forged}`)]).toEqual([what, 401]);
    }
    const reasons = log.lines.filter(({ msg }) => msg === "socket refused").map(({ reason }) => reason);
    expect(reasons).toEqual([
      "bad-signature",
      "expired",
      "no such call",
      "bad-signature",
      "bad-signature",
      "malformed",
      "malformed",
    ]);
    expect(bot).not.toHaveBeenCalled();

    // The good one, with what a proxy may have added.
    const media = await MediaClient.open(`${good}?via=proxy`);
    media.start("call-1");
    await expect.poll(() => bot.mock.calls.length).toBe(1);
    await announce("call-1", { event_type: "completed" });
    await media.stop();
  });

  it("opens to a token once: not while the call streams, nor when it is over", async ({ openWithStub }) => {
    const { rest, announce, server, log } = await openWithStub();
    await announce("call-1");
    const url = await rest.streamUrl();
    const media = await MediaClient.open(url);
    media.start("call-1");
    await log.line("call streaming");
    expect(await upgradeStatus(url)).toBe(401);
    expect(await log.line("socket refused")).toMatchObject({ reason: "used" });
    // Nor does another good token of the same call help.
    expect(await upgradeStatus(url.replace(/[^/]+$/, sign("call-1")))).toBe(401);
    expect(media.socket.readyState).toBe(1);
    await announce("call-1", { event_type: "completed" });
    await media.stop();
    await expect.poll(() => server.callCount).toBe(0);
    expect(await upgradeStatus(url)).toBe(401);
    expect(await upgradeStatus(url.replace(/[^/]+$/, sign("call-1")))).toBe(401);
  });

  it("gives way to a newer one until it has said `start`", async ({ openWithStub }) => {
    const bot = vi.fn(listener);
    const { rest, announce, server } = await openWithStub({ bot });
    await announce("call-1");
    const url = await rest.streamUrl();
    const first = await MediaClient.open(url);
    first.send({ event: "connected" });
    const second = await MediaClient.open(url);
    expect(await first.closed).toBe(1000);
    second.start("call-1", "stream-2");
    await expect.poll(() => bot.mock.calls.length).toBe(1);
    expect(bot.mock.calls[0]?.[0].streamId).toBe("stream-2");
    expect(server.callCount).toBe(1);
    expect(rest.count("hangUp")).toBe(0);
    await announce("call-1", { event_type: "completed" });
    await second.stop();
  });

  it("may break before `start` and come again: the call is not hung up for the first", async ({ openWithStub }) => {
    const { rest, announce, log } = await openWithStub();
    await announce("call-1");
    const url = await rest.streamUrl();
    const first = await MediaClient.open(url);
    first.socket.close();
    await first.closed;
    const second = await MediaClient.open(url);
    second.start("call-1");
    await log.line("call streaming");
    // As long as the first would have waited for a webhook that confirms the end.
    await sleep(2_300);
    expect(rest.count("hangUp")).toBe(0);
    expect(second.socket.readyState).toBe(1);
    await announce("call-1", { event_type: "completed" });
    await second.stop();
    expect(log.count("call ended")).toBe(1);
  });

  it("is nowhere else", async ({ openWithStub }) => {
    const { urls } = await openWithStub({ openWs: true });
    const origin = urls.webSocket.slice(0, -"/ws".length);
    for (const path of [
      "/",
      "/ws/",
      "/ws/a/b",
      "/wsx",
      "/health",
      "/wavix/inbound",
      `/ws/${"a".repeat(601)}`,
      "/ws/%2e",
    ]) {
      expect([path, await upgradeStatus(origin + path)]).toEqual([path, 404]);
    }
  });
});

describe("plain /ws", () => {
  it("is closed", async ({ openWithStub }) => {
    const { urls } = await openWithStub();
    expect(await upgradeStatus(urls.webSocket)).toBe(401);
  });

  it("is open where that is wanted, as far as there is room, and hangs nothing up", async ({ openWithStub }) => {
    const { urls, rest, server, log } = await openWithStub({
      openWs: true,
      maxCalls: 1,
      bot: echoBot({ greetingMs: 0 }),
      playoutDelayMs: 0,
    });
    const media = await MediaClient.open(urls.webSocket);
    media.start("call-of-whoever");
    media.media();
    expect(await media.message("media")).toMatchObject({ stream_id: "stream-1" });
    expect(server.callCount).toBe(1);
    expect(await upgradeStatus(urls.webSocket)).toBe(503);
    await media.stop();
    expect(await log.line("call ended")).toMatchObject({
      callId: "call-of-whoever",
      endedBy: "caller",
      reason: "stop",
    });
    expect(rest.requests).toHaveLength(0);
  });

  it("tells of a bot that failed there", async ({ openWithStub }) => {
    const bot = () => {
      throw new Error("the bot is broken");
    };
    const { urls, log } = await openWithStub({ openWs: true, bot });
    const media = await MediaClient.open(urls.webSocket);
    media.start("call-1");
    expect(await media.closed).toBe(1000);
    expect(await log.line("call ended")).toMatchObject({
      level: 40,
      reason: "bot-failed",
      error: { message: "the bot is broken" },
    });
  });
});

describe("who is turned away", () => {
  it.for([
    ["without a token", "/ws", 401],
    ["at a path that is none", "/nowhere", 404],
    ["without a key for the handshake", "open", 400],
  ] as const)("%s is closed on, though he holds the line", async ([, path, status], { openWithStub }) => {
    const { urls, rest, announce, server } = await openWithStub();
    await announce("call-1");
    const target = path === "open" ? new URL(await rest.streamUrl()).pathname : path;
    const socket = connect({ port: Number(new URL(urls.local).port), host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    const [head] = (await once(socket, "data")) as [Buffer];
    expect(head.toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    await announce("call-1", { event_type: "completed" });
    // It would not settle while the socket is held.
    await server.close();
    socket.destroy();
  });
});
