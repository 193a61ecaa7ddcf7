import { describe, expect } from "vitest";
import { isOneOf } from "../../src/server/secrets.ts";
import { createStreamTokenSigner } from "../../src/wavix/control/index.ts";
import { MediaClient, upgradeStatus } from "../support/media-client.ts";
import { it, STREAM_TOKEN_SECRET, WEBHOOK_SECRET } from "../support/open-server.ts";
import { metric } from "../support/operations.ts";

const EVENT = JSON.stringify({ id: "call-1", event_type: "early_media" });
const json = { "content-type": "application/json" };

describe("webhook secrets", () => {
  it("are compared as a whole", () => {
    expect(isOneOf(["new-secret", "old-secret"], "old-secret")).toBe(true);
    expect(isOneOf(["new-secret", "old-secret"], "new-secret")).toBe(true);
    for (const wrong of ["", "old-secre", "old-secrets", "OLD-SECRET"]) {
      expect(isOneOf(["new-secret", "old-secret"], wrong)).toBe(false);
    }
    expect(isOneOf([], "")).toBe(false);
  });

  it("are good in the path and in a header, two at once", async ({ openWithStub }) => {
    const settings = { webhookSecret: WEBHOOK_SECRET, webhookSecretPrevious: "the-one-before" };
    const { urls } = await openWithStub(settings);
    const inbound = `${urls.local}/wavix/inbound`;
    const status = async (path: string, headers = {}) =>
      (await fetch(inbound + path, { method: "POST", headers: { ...json, ...headers }, body: EVENT })).status;
    expect(urls.webhook).toBe(`${inbound}/${WEBHOOK_SECRET}`);
    expect(await status(`/${WEBHOOK_SECRET}`)).toBe(200);
    expect(await status("/the-one-before")).toBe(200);
    expect(await status("", { "x-webhook-secret": WEBHOOK_SECRET })).toBe(200);
    expect(await status("", { "x-webhook-secret": "the-one-before" })).toBe(200);
    expect(await status("", { "x-webhook-secret": "the-one-befor" })).toBe(404);
    expect(await status("", { "x-webhook-secret": "" })).toBe(404);
    expect(await status("")).toBe(404);
    // A wrong path is not mended by a header.
    expect(await status("/wrong-secret", { "x-webhook-secret": WEBHOOK_SECRET })).toBe(404);
    expect(await metric(urls, 'wavix_requests_refused_total{kind="webhook",reason="secret"}')).toBe(4);
  });
});

describe("the webhook's addresses", () => {
  it("are those that are allowed, as the proxy names them", async ({ openWithStub }) => {
    const { urls, rest } = await openWithStub({ webhookAllow: ["203.0.113.0/24"], trustProxy: ["127.0.0.1"] });
    const status = async (from?: string) => {
      const headers = { ...json, ...(from === undefined ? {} : { "x-forwarded-for": from }) };
      return (await fetch(urls.webhook, { method: "POST", headers, body: EVENT })).status;
    };
    expect(await status("203.0.113.9")).toBe(200);
    expect(await status("198.51.100.1")).toBe(403);
    expect(await status("203.0.113.9, 198.51.100.1")).toBe(403);
    expect(await status()).toBe(403);
    expect(await metric(urls, 'wavix_requests_refused_total{kind="webhook",reason="address"}')).toBe(3);
    expect(rest.requests).toHaveLength(0);
  });

  it("are not believed to who is no proxy", async ({ openWithStub }) => {
    const { urls } = await openWithStub({ webhookAllow: ["203.0.113.0/24"] });
    const headers = { ...json, "x-forwarded-for": "203.0.113.9" };
    expect((await fetch(urls.webhook, { method: "POST", headers, body: EVENT })).status).toBe(403);
  });
});

describe("a call that is verified", () => {
  it("is answered when Wavix knows of it", async ({ open }) => {
    const { placeCall, simulator, log } = await open({ verifyCalls: true });
    const call = placeCall();
    await log.line("call streaming", call.id);
    expect(simulator.requests.map(({ operation }) => operation)).toEqual(["getCall", "answerCall"]);
    call.hangUp();
    await call.ended;
  });

  it("is left alone when Wavix does not, or cannot be asked", async ({ open }) => {
    const { post, placeCall, simulator, log } = await open({ verifyCalls: true, restTimeoutMs: 300 });
    const forged = { id: "forged-1", event_type: "call_setup", direction: "inbound" };
    expect((await post(forged)).body).toEqual({ accepted: true });
    expect(await log.line("call ended", "forged-1")).toMatchObject({ endedBy: "server", reason: "unverified" });
    simulator.injectFault({ operation: "getCall", kind: "status", status: 500, times: 3 });
    const call = placeCall({ ringTimeoutMs: 1_500 });
    expect(await log.line("call ended", call.id)).toMatchObject({ reason: "unverified" });
    await call.ended;
    expect(simulator.requestCount("answerCall")).toBe(0);
    expect(simulator.requestCount("hangUp")).toBe(0);
  });
});

describe("stream token secrets", () => {
  it("are good two at once, and the new one signs", async ({ openWithStub }) => {
    const previous = "the-stream-secret-before";
    const { announce, post, rest, urls } = await openWithStub({ streamTokenSecretPrevious: previous });
    await announce("call-1");
    const url = await rest.streamUrl("call-1");
    const verify = (secret: string) =>
      createStreamTokenSigner({ secret, ttlMs: 1_000 }).verify(url.split("/ws/")[1]).ok;
    expect([verify(STREAM_TOKEN_SECRET), verify(previous)]).toEqual([true, false]);
    const signedBefore = createStreamTokenSigner({ secret: previous, ttlMs: 10_000 }).sign("call-1");
    const foreign = createStreamTokenSigner({ secret: "somebody else's secret", ttlMs: 10_000 }).sign("call-1");
    expect(await upgradeStatus(`${urls.webSocket}/${foreign}`)).toBe(401);
    const media = await MediaClient.open(`${urls.webSocket}/${signedBefore}`);
    media.start("call-1");
    await post({ id: "call-1", event_type: "completed" });
    await media.stop();
  });
});
