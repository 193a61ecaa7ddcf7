import { describe, expect, it } from "vitest";
import { createStreamTokenSigner } from "../../../src/wavix/control/index.ts";
import { faultScene, streamingCall } from "../../support/fault-scene.ts";
import { MediaClient, upgradeStatus } from "../../support/media-client.ts";
import { STREAM_TOKEN_SECRET, WEBHOOK_SECRET } from "../../support/open-server.ts";
import { metric } from "../../support/operations.ts";

/** Runs `count` of them, fifty at a time. */
async function flood<T>(count: number, one: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const line = async () => {
    while (next < count) {
      const i = next++;
      results[i] = await one(i);
    }
  };
  await Promise.all(Array.from({ length: 50 }, line));
  return results;
}

/** How often each was there. */
const tally = (values: readonly unknown[]) =>
  Object.fromEntries([...new Set(values)].map((value) => [value, values.filter((other) => other === value).length]));

describe("a flood of webhooks", () => {
  const scene = faultScene({
    webhookSecret: WEBHOOK_SECRET,
    trustProxy: ["127.0.0.1"],
    addressRequestsPerSecond: 20,
    maxCalls: 12,
    whenFull: "hang-up",
  });

  /** Posts as Wavix does, from an address of one's own. */
  async function post(from: string, body: unknown, url = scene().urls.webhook) {
    const headers = { "content-type": "application/json", "x-forwarded-for": from };
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const response = await fetch(url, { method: "POST", headers, body: text });
    return { status: response.status, body: (await response.json()) as { accepted?: boolean; reason?: string } };
  }
  /** Somewhere else each time, so that no limit is met. */
  const somewhere = (i: number) => `203.0.${i >> 8}.${i & 255}`;

  it("of one call, in any order, is one call", async () => {
    const { rest, log } = scene();
    rest.reply("answer", (_response, yes) => void setTimeout(yes, 50), "call-1");
    const types = ["call_setup", "ringing", "answered", "early_media", "on_call_event", ""];
    const answers = await flood(120, (i) =>
      post(somewhere(i), { id: "call-1", event_type: types[i % types.length], direction: "inbound" }),
    );
    expect(tally(answers.map(({ status }) => status))).toEqual({ 200: 120 });
    const client = await MediaClient.open(await rest.streamUrl("call-1"));
    client.start("call-1");
    await log.line("call streaming", "call-1");
    const ends = flood(50, (i) => post(somewhere(i), { id: "call-1", event_type: "completed" }));
    const late = flood(50, (i) => post(somewhere(i), { id: "call-1", event_type: "ringing", direction: "inbound" }));
    await client.stop();
    await Promise.all([ends, late]);
    await log.line("call ended", "call-1");
    expect(rest.requests.filter(({ callId }) => callId === "call-1")).toHaveLength(1);
    expect(log.lines.filter(({ msg, callId }) => msg === "call ended" && callId === "call-1")).toHaveLength(1);
  });

  it("from one address is cut off, and no other's", async () => {
    const { urls } = scene();
    const answers = await flood(300, (i) => post("198.51.100.7", { id: `call-${i}`, event_type: "early_media" }));
    const statuses = tally(answers.map(({ status }) => status));
    expect(statuses[200]).toBeGreaterThanOrEqual(40);
    expect(statuses[429]).toBeGreaterThan(0);
    expect(statuses[200] + statuses[429]).toBe(300);
    expect(await metric(urls, 'wavix_requests_refused_total{kind="webhook",reason="rate"}')).toBe(statuses[429]);
    expect((await post("198.51.100.8", { id: "call-1", event_type: "early_media" })).status).toBe(200);
  });

  it("without the secret, or without sense, begins nothing", async () => {
    const { urls, rest, log } = scene();
    const before = rest.requests.length;
    const setup = { id: "forged-1", event_type: "call_setup", direction: "inbound" };
    const forged: [number, () => Promise<{ status: number }>][] = [
      [404, () => post("203.0.113.1", setup, `${urls.local}/wavix/inbound`)],
      [404, () => post("203.0.113.2", setup, `${urls.local}/wavix/inbound/${WEBHOOK_SECRET}x`)],
      [400, () => post("203.0.113.3", '{"id":"forged-1","event_type":')],
      [400, () => post("203.0.113.4", { id: "../forged", event_type: "call_setup" })],
      [413, () => post("203.0.113.5", { ...setup, tag: "x".repeat(65_536) })],
    ];
    const statuses = await flood(100, async (i) => (await forged[i % 5]?.[1]())?.status);
    expect(tally(statuses)).toEqual({ 400: 40, 404: 40, 413: 20 });
    expect(rest.requests).toHaveLength(before);
    expect(log.lines.some(({ callId }) => callId === "forged-1")).toBe(false);
  });

  it("of new calls fills the server and no more, and leaves no more hang-ups open than it takes calls", async () => {
    const { rest, server, log, bystanders } = scene();
    const replies: (() => void)[] = [];
    rest.reply("hangUp", (_response, yes) => void replies.push(yes));
    const room = 12 - bystanders.count;
    const answers = await flood(100, (i) =>
      post(somewhere(i), { id: `flood-${i}`, event_type: "call_setup", direction: "inbound" }),
    );
    const taken = answers.flatMap(({ body }, i) => (body.accepted ? [`flood-${i}`] : []));
    expect(taken).toHaveLength(room);
    expect(server.callCount).toBe(12);
    await expect.poll(() => replies.length).toBe(12);
    expect(tally(answers.map(({ body }) => body.reason))).toEqual({ undefined: room, capacity: 100 - room });
    for (const callId of taken) {
      expect(rest.count("answer", callId)).toBe(1);
      await post("203.0.113.9", { id: callId, event_type: "completed" });
      await log.line("call ended", callId);
    }
    rest.reply("hangUp", 200);
    for (const yes of replies) yes();
    expect(rest.count("hangUp")).toBe(12);
  });
});

describe("a token", () => {
  const scene = faultScene({ concurrent: true });
  const sign = (callId: string, { secret = STREAM_TOKEN_SECRET, ageMs = 0 } = {}) =>
    createStreamTokenSigner({ secret, ttlMs: 120_000, now: () => Date.now() - ageMs }).sign(callId);

  /** Each made of the good one of a call that streams, and of that call's id. */
  it.concurrent.for<[string, (good: string, callId: string) => string]>([
    ["forged", (_, callId) => sign(callId, { secret: "another secret of 16 bytes" })],
    ["expired", (_, callId) => sign(callId, { ageMs: 120_001 })],
    ["replayed", (good) => good],
    ["fresh, for a call that has its stream", (_, callId) => sign(callId)],
    ["of another call, which has its stream", () => sign("bystander-echo-0")],
    ["of a call that is over", (_, callId) => sign(`${callId}-over`)],
    ["of a call that never was", (_, callId) => sign(`${callId}-never`)],
    ["half of one call and half of another", (good, callId) => half(sign(`${callId}-never`), good)],
    ["changed", (good) => good.slice(0, -1) + (good.endsWith("A") ? "E" : "A")],
    ["that is none", (_, callId) => callId],
  ])("%s lets nobody in, however often", async ([what, bad], { expect }) => {
    const { announce, rest, urls } = scene();
    const callId = what.replaceAll(/\W/g, "-");
    const over = await streamingCall(scene(), `${callId}-over`);
    await announce(`${callId}-over`, { event_type: "completed" });
    await over.stop();
    const client = await streamingCall(scene(), callId);
    const good = (await rest.streamUrl(callId)).slice(urls.webSocket.length + 1);
    const statuses = await flood(30, () => upgradeStatus(`${urls.webSocket}/${bad(good, callId)}`));
    expect(tally(statuses)).toEqual({ 401: 30 });
    expect(client.socket.readyState).toBe(1);
    await announce(callId, { event_type: "completed" });
    await client.stop();
  });
  const half = (one: string, other: string) => [...one.split(".").slice(0, 2), ...other.split(".").slice(2)].join(".");

  it.concurrent("that is good lets one in, though many bring it at once", async ({ expect }) => {
    const { announce, rest, log } = scene();
    await announce("call-1");
    const url = await rest.streamUrl("call-1");
    const clients = await Promise.all(Array.from({ length: 20 }, () => MediaClient.open(url).catch(() => undefined)));
    for (const client of clients) client?.start("call-1");
    await log.line("call streaming", "call-1");
    const open = () => clients.filter((client) => client?.socket.readyState === 1);
    await expect.poll(() => open().length).toBe(1);
    await announce("call-1", { event_type: "completed" });
    await open()[0]?.stop();
    await log.line("call ended", "call-1");
    for (const msg of ["call streaming", "call ended"]) {
      expect(log.lines.filter((line) => line.msg === msg && line.callId === "call-1")).toHaveLength(1);
    }
    expect(rest.count("hangUp", "call-1")).toBe(0);
  });
});
