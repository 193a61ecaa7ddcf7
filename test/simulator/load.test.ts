import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
  type CallOutcome,
  type CallReport,
  callIdOf,
  createWavixSimulator,
  LoadTally,
  openRestRouter,
  outcomeOf,
  type WebhookDelivery,
} from "../../src/simulator/index.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A report of a call that was held, and what is different. */
async function reportWith(different: Partial<CallReport>, times: Partial<CallReport["times"]> = {}) {
  await using simulator = await createWavixSimulator();
  const call = simulator.placeCall({ webhookUrl: "http://127.0.0.1:9/", behaviour: { eventsBeforeAnswer: [] } });
  call.hangUp();
  const report = await call.ended;
  return { ...report, ...different, times: { ...report.times, answeredMs: 10, socketMs: 20, ...times } };
}

const delivery = (different: Partial<WebhookDelivery>): WebhookDelivery => ({
  ...{ event: "call_setup", status: 200, error: null, reply: "", attempts: 1, durationMs: 1 },
  ...different,
});
const noMarkers = { said: 0, heard: 0, roundTripsMs: [] };
const noStream = { socketMs: null };

describe("the outcome of a call", () => {
  const held = { endedBy: "caller", closedBy: "simulator" } as const;
  it.each<[string, Partial<CallReport>, Partial<CallReport["times"]>, Partial<WebhookDelivery>, string]>([
    ["held", held, {}, {}, ""],
    ["held", held, {}, { reply: "ok" }, ""],
    ["held", held, {}, { reply: '{"accepted":true}' }, ""],
    ["not-set-up", {}, noStream, { status: null, error: "ECONNREFUSED" }, "no reply to the webhook (ECONNREFUSED)"],
    ["not-set-up", {}, noStream, { status: 404 }, "the webhook was answered with 404"],
    ["not-set-up", {}, noStream, { reply: '{"accepted":false,"reason":"capacity"}' }, "not accepted: capacity"],
    ["not-set-up", {}, noStream, { reply: '{"accepted":false,"reason":"\\u001b[2J"}' }, "not accepted: ?[2J"],
    ["not-set-up", {}, noStream, { reply: '{"accepted":false}' }, "not accepted: no reason given"],
    ["not-set-up", { streamError: "HTTP 401" }, noStream, {}, "the stream could not be opened (HTTP 401)"],
    ["not-set-up", { endedBy: "unanswered" }, { ...noStream, answeredMs: null }, {}, "not answered in time"],
    ["not-set-up", { endedBy: "rest" }, noStream, {}, "hung up by the server during the set-up"],
    ["not-set-up", { endedBy: "caller" }, noStream, {}, "answered, but no stream was asked for"],
    ["broken", { endedBy: "rest" }, {}, {}, "hung up by the server"],
    ["broken", { endedBy: "socket", closedBy: "cut" }, {}, {}, "the stream's socket broke"],
    [
      "broken",
      { endedBy: "socket", closedBy: "server", closeCode: 1011 },
      {},
      {},
      "the server closed the stream's socket (1011)",
    ],
  ])("is %s: %j %j %j", async (result, report, times, announced, reason) => {
    expect(outcomeOf(await reportWith(report, times), delivery(announced), noMarkers)).toMatchObject({
      result,
      reason,
    });
  });
});

describe("the figures of a load test", () => {
  const outcome = (different: Partial<CallOutcome>): CallOutcome => ({
    ...{ result: "held", reason: "", endedAt: 5, setUpMs: 20, packetsSent: 100, packetsLost: 0, packetsSkipped: 0 },
    ...{
      packetsReceived: 90,
      packetsLate: 1,
      longestGapMs: 30,
      jitterMs: 1.25,
      invalidMessages: 0,
      markers: noMarkers,
    },
    ...different,
  });

  it("add up, and name the reason that was first by the clock", () => {
    const tally = new LoadTally();
    tally.add(outcome({ markers: { said: 3, heard: 2, roundTripsMs: [100, 200] } }));
    tally.add(outcome({ result: "broken", reason: "later", endedAt: 9, longestGapMs: 40, jitterMs: 3 }));
    tally.add(outcome({ result: "not-set-up", reason: "sooner", endedAt: 7, setUpMs: null, packetsReceived: 0 }));
    tally.add(outcome({ result: "not-set-up", reason: "sooner", endedAt: 8, setUpMs: null }));
    expect(tally.figures()).toEqual({
      ...{ calls: 4, held: 1, setUpFailures: 2, broken: 1, setUpMs: { p50: 20, p95: 20, p99: 20 } },
      ...{ packetsSent: 400, packetsReceived: 270, packetsLate: 4, packetsLost: 0, packetsSkipped: 0 },
      ...{ longestGapMs: 40, invalidMessages: 0, jitterMs: { p50: 1.3, max: 3 } },
      ...{ markersSaid: 3, markersHeard: 2, roundTripMs: { p50: 100, p95: 200, p99: 200 } },
      ...{ reasons: { later: 1, sooner: 2 }, firstReason: "sooner" },
    });
  });

  it("have no round trip of a bot in whose speech there is a marker by accident", () => {
    const tally = new LoadTally();
    tally.add(outcome({ markers: { said: 20, heard: 9, roundTripsMs: new Array(9).fill(50) } }));
    expect(tally.figures()).toMatchObject({ roundTripMs: null, markersHeard: 0 });
  });

  it("keep few reasons, however many there are", () => {
    const tally = new LoadTally();
    for (let n = 0; n < 200; n++) tally.add(outcome({ result: "broken", reason: `reason ${n}` }));
    expect(Object.keys(tally.figures().reasons)).toHaveLength(51);
    expect(tally.figures().reasons["other reasons"]).toBe(150);
  });
});

describe("the router before several REST sides", () => {
  async function side(name: string): Promise<number> {
    const server: Server = createServer(async (request, response) => {
      let body = "";
      for await (const part of request) body += part;
      response.writeHead(202, { "x-side": name }).end(JSON.stringify([name, request.method, request.url, body]));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => {
      server.close();
      server.closeAllConnections();
    });
    return (server.address() as AddressInfo).port;
  }

  it("asks the process that the call id names, and passes all on", async () => {
    const ports: number[] = [];
    const router = await openRestRouter(0, ports);
    closing.push(() => router.close());
    for (const name of ["first", "second"]) ports.push(await side(name));
    for (const [process, name] of ["first", "second"].entries()) {
      const path = `/v1/calls/${callIdOf(process)}/answer?a=b`;
      const response = await fetch(router.url + path, { method: "POST", body: "what is asked" });
      expect(response.status).toBe(202);
      expect(response.headers.get("x-side")).toBe(name);
      expect(await response.json()).toEqual([name, "POST", path, "what is asked"]);
    }
    for (const path of ["/v1/calls", "/", "/v1/calls/nobody", `/v1/calls/${callIdOf(2)}`]) {
      expect((await fetch(router.url + path)).status).toBe(404);
    }
    // A process that is gone is a broken connection, as it is without a router.
    ports[0] = 9;
    await expect(fetch(`${router.url}/v1/calls/${callIdOf(0)}`)).rejects.toThrow();
  });

  it("says which port cannot be had", async () => {
    const port = await side("taken");
    await expect(openRestRouter(port, [])).rejects.toMatchObject({ code: "API_LISTEN_FAILED" });
  });
});
