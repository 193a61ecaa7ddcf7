import { once } from "node:events";
import type { AddressInfo } from "node:net";
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

async function post(base: string, call: string, body: string, credentials?: string) {
  const response = await fetch(`${base}/Accounts/AC1/Calls/${call}.json`, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      connection: "close",
      ...(credentials === undefined ? {} : { authorization: `Basic ${btoa(credentials)}` }),
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
    const other = await listen({ accountSid: "AC2" });
    expect((await post(other, CALL, "Status=completed")).status).toBe(401);
  });

  it("does nothing else", async () => {
    const base = await listen();
    for (const body of ["", "Status=in-progress", "Url=http://example.com", "Status=completed&Status=completed"]) {
      expect((await post(base, CALL, body)).status).toBe(400);
    }
    expect((await post(base, CALL, `Status=completed&x=${"x".repeat(5_000)}`)).status).toBe(413);
    expect(hungUp).toEqual([]);
  });
});
