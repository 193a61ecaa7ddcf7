import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import express from "express";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TwilioCallsOptions, twilioCallsRouter } from "../../../src/bots/pipecat/index.ts";

const CALL = "0e6e2fd4-5d5f-4f27-9a39-0b1c2d3e4f50";
const open = new Set<() => void>();
let hungUp: string[];
beforeEach(() => {
  hungUp = [];
});
afterEach(() => {
  for (const close of open) close();
  open.clear();
});

async function listen(options: Partial<TwilioCallsOptions> = {}): Promise<string> {
  const app = express();
  const hangUp = (callId: string) => callId === CALL && hungUp.push(callId) > 0;
  const http = app.use(twilioCallsRouter({ hangUp, ...options })).listen(0, "127.0.0.1");
  open.add(() => void http.close());
  await once(http, "listening");
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/2010-04-01`;
}

async function post(
  base: string,
  call: string,
  body: string | Uint8Array<ArrayBuffer>,
  credentials?: string,
  headers: object = {},
) {
  const response = await fetch(`${base}/Accounts/AC1/Calls/${call}.json`, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      connection: "close",
      ...(credentials === undefined ? {} : { authorization: `Basic ${btoa(credentials)}` }),
      ...headers,
    },
    body,
  });
  return { status: response.status, body: (await response.json().catch(() => undefined)) as unknown };
}

describe("Twilio's REST side", () => {
  it("hangs up", async () => {
    const base = await listen();
    expect(await post(base, CALL, "Status=completed", "AC1:anything")).toEqual({
      status: 200,
      body: { sid: CALL, account_sid: "AC1", status: "completed" },
    });
    expect(hungUp).toEqual([CALL]);
  });

  it("says of a call that is over what Pipecat takes for done", async () => {
    const base = await listen();
    const { status, body } = await post(base, "another", "Status=completed", "AC1:anything");
    expect(status).toBe(404);
    expect(body).toMatchObject({ code: 20404, status: 404 });
  });

  it("wants the account and the token that it was told of", async () => {
    const base = await listen({ authToken: "right:er" });
    for (const credentials of [undefined, "AC1", "AC1:", "AC1:wrong", "AC1:right:e"]) {
      const { status, body } = await post(base, CALL, "Status=completed", credentials);
      expect([status, body]).toMatchObject([401, { code: 20003 }]);
    }
    expect(hungUp).toEqual([]);
    expect((await post(base, CALL, "Status=completed", "AC1:right:er")).status).toBe(200);
    // An API key has a name of its own; its secret is the token then.
    expect((await post(base, CALL, "Status=completed", "SK1:right:er")).status).toBe(200);
    const other = await listen({ accountSid: "AC2" });
    expect((await post(other, CALL, "Status=completed")).status).toBe(401);
  });

  it("does nothing else", async () => {
    const base = await listen();
    for (const body of ["", "Status=in-progress", "Url=http://example.com", "Status=completed&Status=completed"]) {
      expect((await post(base, CALL, body)).status).toBe(400);
    }
    const tooMany = Array.from({ length: 30 }, (_, at) => `&f${at}=1`).join("");
    for (const rest of [`&x=${"x".repeat(5_000)}`, tooMany]) {
      const { status, body } = await post(base, CALL, `Status=completed${rest}`);
      expect([status, body]).toMatchObject([400, { code: 20001, status: 400 }]);
    }
    const others: [string | Uint8Array<ArrayBuffer>, object][] = [
      ['{"Status":"completed"}', { "content-type": "application/json" }],
      [Uint8Array.from(gzipSync("Status=completed")), { "content-encoding": "gzip" }],
    ];
    for (const [other, headers] of others) {
      const { status, body } = await post(base, CALL, other, undefined, headers);
      expect([status, body]).toMatchObject([400, { code: 20001, status: 400 }]);
    }
    expect(hungUp).toEqual([]);
  });

  it("takes a call id as it is, and asks whoever has the calls, who may take a time or fail", async () => {
    const asked: string[] = [];
    const base = await listen({
      async hangUp(callId) {
        await new Promise((resolve) => setImmediate(resolve));
        asked.push(callId);
        if (callId === "broken") throw new Error("a secret of the inside");
        return callId !== "over";
      },
    });
    const statuses = ["a.b-c_1", "x.json", "sip:1%402", "over"].map((id) => post(base, id, "Status=canceled"));
    expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual([200, 200, 200, 404]);
    expect(asked.sort()).toEqual(["a.b-c_1", "over", "sip:1@2", "x.json"]);
    const { status, body } = await post(base, "broken", "Status=completed");
    expect([status, body]).toMatchObject([500, { code: 20500, status: 500 }]);
    expect(JSON.stringify(body)).not.toContain("secret");
  });

  it("is not guarded by a token that is none", () => {
    expect(() => twilioCallsRouter({ hangUp: () => true, authToken: "" })).toThrow(TypeError);
  });
});
