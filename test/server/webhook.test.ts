import { describe, expect, vi } from "vitest";
import { MediaClient } from "../support/media-client.ts";
import { it, listener, WEBHOOK_SECRET } from "../support/open-server.ts";

describe("one call from many webhooks", () => {
  it("is answered once, streams once and has one bot, whatever comes twice or at once", async ({ openWithStub }) => {
    const bot = vi.fn(listener);
    const { rest, announce, post, server, urls } = await openWithStub({ bot });
    const answers = await Promise.all([
      announce("call-1"),
      announce("call-1", { event_type: "ringing" }),
      announce("call-1"),
    ]);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(answers.map(({ body }) => JSON.stringify(body)).sort()).toEqual([
      '{"accepted":true,"reason":"duplicate"}',
      '{"accepted":true,"reason":"duplicate"}',
      '{"accepted":true}',
    ]);
    const media = await MediaClient.open(await rest.streamUrl());
    media.start("call-1");
    await expect.poll(() => bot.mock.calls.length).toBe(1);
    expect((await announce("call-1", { event_type: "ringing" })).body).toEqual({ accepted: true, reason: "duplicate" });
    expect(await (await fetch(`${urls.local}/health`)).json()).toEqual({ status: "ok", calls: 1 });
    await post({ id: "call-1", event_type: "completed" });
    await media.stop();
    await expect.poll(() => server.callCount).toBe(0);
    expect(rest.requests).toHaveLength(1);
    expect(bot).toHaveBeenCalledTimes(1);
  });

  it("is over once it is over", async ({ openWithStub }) => {
    const { rest, announce, post, log } = await openWithStub();
    await announce("call-1");
    await rest.seen("answer");
    await post({ id: "call-1", event_type: "completed" });
    expect(await log.line("call ended")).toMatchObject({ endedBy: "caller", reason: "completed" });
    for (const event_type of ["ringing", "call_setup"]) {
      expect((await announce("call-1", { event_type })).body).toEqual({ accepted: false, reason: "over" });
    }
    expect((await post({ id: "call-1", event_type: "completed" })).body).toEqual({ accepted: true });
    expect(rest.requests).toHaveLength(1);
  });

  it("is not answered when its end comes before its beginning", async ({ openWithStub }) => {
    const { rest, announce, post } = await openWithStub();
    expect((await post({ uuid: "call-1", event_type: "completed" })).body).toEqual({ accepted: true });
    expect((await announce("call-1")).body).toEqual({ accepted: false, reason: "over" });
    expect(rest.requests).toHaveLength(0);
  });

  it("is not taken when it is one of the account's own, to somebody else", async ({ openWithStub }) => {
    const { rest, announce } = await openWithStub();
    for (const event_type of ["call_setup", "ringing"]) {
      const { body } = await announce("call-1", { event_type, direction: "outbound" });
      expect(body).toEqual({ accepted: false, reason: "outbound" });
    }
    // A call that says nothing of its direction is taken for what webhooks of numbers are about.
    expect((await announce("call-2", { direction: undefined })).body).toEqual({ accepted: true });
    await rest.seen("answer", "call-2");
    await announce("call-2", { event_type: "cancelled" });
    expect(rest.requests).toHaveLength(1);
  });

  it("ends with any event that says so", async ({ openWithStub }) => {
    const { rest, announce, post, server } = await openWithStub();
    const ends = [
      ...["completed", "busy", "cancelled", "rejected", "failed"].map((event_type) => ({ event_type })),
      // The account's record, which has no event type.
      { disposition: "answered", duration: 7 },
    ];
    for (const [at, end] of ends.entries()) {
      await announce(`call-${at}`);
      const media = await MediaClient.open(await rest.streamUrl(`call-${at}`));
      media.start(`call-${at}`);
      expect((await post({ id: `call-${at}`, ...end })).body).toEqual({ accepted: true });
      await media.stop();
    }
    await expect.poll(() => server.callCount).toBe(0);
    expect(rest.count("hangUp")).toBe(0);
  });

  it("is not disturbed by events that mean nothing to it, nor begun by them", async ({ openWithStub }) => {
    const { rest, announce, post, server } = await openWithStub();
    await announce("call-1");
    const media = await MediaClient.open(await rest.streamUrl());
    media.start("call-1");
    const strange = [
      { event_type: "transferred" },
      { event_type: "" },
      {},
      { event_type: "answered" },
      { event_type: "early_media" },
      { event_type: "on_call_event", event_payload: null },
      { event_type: "on_call_event", event_payload: { type: "collect", payload: { status: "completed", digits: 7 } } },
      {
        event_type: "on_call_event",
        event_payload: { type: "collect", payload: { status: "completed", digits: "1" } },
      },
    ];
    for (const id of ["call-1", "call-2"]) {
      for (const event of strange) expect((await post({ id, ...event })).status).toBe(200);
    }
    expect(server.callCount).toBe(1);
    expect(rest.requests).toHaveLength(1);
    await post({ id: "call-1", event_type: "completed" });
    await media.stop();
  });
});

describe("a webhook that is none", () => {
  it.for<[string, unknown, number]>([
    ["no JSON", "event_type=call_setup", 400],
    ["half of one", '{"id":"call-1","event_type":', 400],
    ["nothing", "", 400],
    ["an array", [{ id: "call-1", event_type: "call_setup" }], 400],
    ["a word", '"call_setup"', 400],
    ["null", "null", 400],
    ["no id", { event_type: "call_setup" }, 400],
    ["an id with a path in it", { id: "../v1/calls", event_type: "call_setup" }, 400],
    ["an id that is no string", { id: { $ne: 1 }, event_type: "call_setup" }, 400],
    ["an id without end", { id: "a".repeat(129), event_type: "call_setup" }, 400],
    ["more than 64 KiB", { id: "call-1", event_type: "call_setup", tag: "a".repeat(65_536) }, 413],
  ])("is refused: %s", async ([, body, status], { openWithStub }) => {
    const { post, server, rest, log } = await openWithStub();
    const answer = await post(body);
    expect(answer.status).toBe(status);
    // Nothing of what came is sent back.
    expect(JSON.stringify(answer.body).length).toBeLessThan(120);
    expect(server.callCount).toBe(0);
    expect(rest.requests).toHaveLength(0);
    expect(log.lines).toHaveLength(0);
  });

  it("comes in another way or to another place", async ({ openWithStub }) => {
    const { urls, rest } = await openWithStub();
    const body = JSON.stringify({ id: "call-1", event_type: "call_setup", direction: "inbound" });
    for (const [method, path, status] of [
      ["GET", "/wavix/inbound", 404],
      ["PUT", "/wavix/inbound", 404],
      ["POST", "/", 404],
      ["POST", "/wavix/inbound/more", 404],
      ["POST", "/wavix/inbound/%E0%A4%A", 404],
    ] as const) {
      const response = await fetch(urls.local + path, { method, ...(method === "GET" ? {} : { body }) });
      expect([method, path, response.status]).toEqual([method, path, status]);
      expect(response.headers.get("x-powered-by")).toBeNull();
    }
    expect(rest.requests).toHaveLength(0);
  });
});

describe("the webhook secret", () => {
  it("is the only way in", async ({ openWithStub }) => {
    const { announce, post, urls, rest } = await openWithStub({ webhookSecret: WEBHOOK_SECRET });
    expect(urls.webhook).toBe(`${urls.local}/wavix/inbound/${WEBHOOK_SECRET}`);
    const body = { id: "call-1", event_type: "call_setup", direction: "inbound" };
    const inbound = `${urls.local}/wavix/inbound`;
    const wrong = [
      inbound,
      `${inbound}/`,
      `${inbound}/${"x".repeat(WEBHOOK_SECRET.length)}`,
      `${inbound}/${WEBHOOK_SECRET}x`,
      `${inbound}/${WEBHOOK_SECRET.slice(1)}`,
      `${inbound}/${WEBHOOK_SECRET.toUpperCase()}`,
      `${inbound}/${"ä".repeat(WEBHOOK_SECRET.length)}`,
      `${inbound}?secret=${WEBHOOK_SECRET}`,
    ];
    for (const url of wrong) expect(await post(body, url)).toMatchObject({ status: 404, body: { error: "not found" } });
    expect(rest.requests).toHaveLength(0);
    expect((await announce("call-1")).body).toEqual({ accepted: true });
    await rest.seen("answer");
    await announce("call-1", { event_type: "cancelled" });
  });
});

describe("a full server", () => {
  it("lets a call ring on, and takes it when there is room and it says so again", async ({ openWithStub }) => {
    const { announce, rest, server, log } = await openWithStub({ maxCalls: 1 });
    await announce("call-1");
    const refused = { accepted: false, reason: "capacity" };
    expect(await announce("call-2")).toEqual({ status: 200, body: refused });
    expect(server.callCount).toBe(1);
    expect(await log.line("call not taken")).toMatchObject({ level: 40, callId: "call-2", reason: "capacity" });
    await rest.seen("answer", "call-1");
    await announce("call-1", { event_type: "completed" });
    expect((await announce("call-2", { event_type: "ringing" })).body).toEqual({ accepted: true });
    await rest.seen("answer", "call-2");
    await announce("call-2", { event_type: "completed" });
    expect(rest.requests.map(({ operation }) => operation)).toEqual(["answer", "answer"]);
  });

  it("hangs a call up where it is told to, and only once", async ({ openWithStub }) => {
    const { announce, rest } = await openWithStub({ maxCalls: 1, whenFull: "hang-up" });
    await announce("call-1");
    expect((await announce("call-2")).body).toEqual({ accepted: false, reason: "capacity" });
    await rest.seen("hangUp", "call-2");
    expect((await announce("call-2", { event_type: "ringing" })).body).toEqual({ accepted: false, reason: "over" });
    await announce("call-1", { event_type: "completed" });
    expect(rest.count("hangUp")).toBe(1);
  });

  it("says so when even that fails", async ({ openWithStub }) => {
    const { announce, rest, log } = await openWithStub({ maxCalls: 1, whenFull: "hang-up", restTimeoutMs: 1_000 });
    rest.reply("hangUp", 500);
    await announce("call-1");
    await announce("call-2");
    expect(await log.line("hang-up failed")).toMatchObject({ level: 50, callId: "call-2", code: "server-error" });
    await announce("call-1", { event_type: "completed" });
  });
});
