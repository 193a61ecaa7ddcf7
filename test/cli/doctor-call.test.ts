import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { behaviourOf } from "../../src/cli/doctor/call/findings.ts";
import { CallListener } from "../../src/cli/doctor/call/listener.ts";
import { type CallReportParts, jsonOf, markdownOf } from "../../src/cli/doctor/call/report.ts";
import { redactWords } from "../../src/cli/doctor/call/rest-probe.ts";
import { watchFirstCall } from "../../src/cli/doctor/call/run.ts";
import { defaultSettings } from "../../src/server/index.ts";
import {
  type Behaviour,
  createWavixSimulator,
  defaultBehaviour,
  type PlaceCallOptions,
  readSpeechRecording,
  type SimulatedAccount,
} from "../../src/simulator/index.ts";
import { freePort } from "../support/free-port.ts";

const KEY = "key-of-the-account";
const CALLER = "+12025550143";
const TIMES = { ringMs: 1_000, handshakeMs: 600, listenMs: 700, burstMs: 2_500, settleMs: 900 };

/** Lets the script have a call of a simulator that is so. */
async function watch(
  behaviour: Partial<Behaviour>,
  place: Partial<PlaceCallOptions> = {},
  account: SimulatedAccount = {},
): Promise<CallReportParts> {
  await using simulator = await createWavixSimulator({ apiKey: KEY, behaviour, account });
  const port = await freePort();
  const webhookUrl = `http://127.0.0.1:${port}/wavix/inbound/the-secret`;
  const parts = await watchFirstCall({
    settings: {
      ...defaultSettings,
      port,
      wavixApiBase: simulator.apiUrl,
      wavixApiKey: KEY,
      webhookSecret: "the-secret",
    },
    waitMs: 5_000,
    bot: undefined,
    times: TIMES,
    onListening: () => void simulator.placeCall({ webhookUrl, from: CALLER, ...place }),
    onCall: () => undefined,
  });
  expect(parts).toBeDefined();
  return parts as CallReportParts;
}

/** Times are right to some packets. */
function expectSame(found: Partial<Behaviour>, set: Partial<Behaviour>): void {
  const measured = ["markEchoDelayMs", "maxBufferedMs", "webhookRetryDelayMs"] as const;
  const rest = { ...set };
  for (const name of measured) {
    const value = rest[name];
    delete rest[name];
    if (value === undefined) continue;
    expect(found[name], name).toBeGreaterThanOrEqual(value - 60);
    expect(found[name], name).toBeLessThanOrEqual(value + 300);
  }
  expect(found).toMatchObject(rest);
}

describe.concurrent("doctor --call", () => {
  it("finds a simulator as it is by default", async () => {
    const parts = await watch({});
    expect(parts.cutShort).toBeUndefined();
    const { found, differs } = behaviourOf(parts.points);
    expect(differs).toEqual({});
    expect(Object.keys(found).length).toBeGreaterThan(30);
    for (const [name, value] of Object.entries(found)) {
      expect(value, name).toEqual(defaultBehaviour[name as keyof Behaviour]);
    }
    // Each of the eight points, and what is beside them.
    expect(parts.points).toHaveLength(9);
    for (const { title, findings } of parts.points) expect(findings.length, title).toBeGreaterThan(0);
  }, 40_000);

  it.each<[string, Partial<Behaviour>]>([
    [
      "other ids, copies, repeats, numbers and refusals",
      {
        ...{
          callIdFields: "id",
          webhookCopies: 2,
          webhookRetries: 2,
          webhookRetryDelayMs: 300,
          endOrder: "webhook-first",
        },
        ...{ eventsBeforeAnswer: ["call_setup"], timestampUnit: "ms", timestampStart: 0, numbersAsStrings: true },
        ...{
          marksOnClear: "reversed",
          markEchoDelayMs: 300,
          offSizeMedia: "drop",
          closeCode: 1001,
          streamEnd: "close-only",
        },
        ...{ answerTwice: 200, secondTwoWayStream: "replace", sixthOneWayStream: "accept", unknownCallOnStreams: 400 },
        ...{ unknownStreamOnDelete: 404, errorTexts: "2026-04", endedCalls: "known", keepStreamUrlQuery: false },
        tracksShareChunkCount: false,
      },
    ],
    [
      "a small buffer, an early stream, and a call that ends with its socket",
      {
        ...{ maxBufferedMs: 1_000, oddByteMedia: "drop", serverCloseEndsCall: true, replyAfterSocket: true },
        ...{
          streamBeforeAnswer: "accept",
          secondTwoWayStream: "accept",
          mediaDuringSilence: false,
          callIdFields: "uuid",
        },
        ...{ sendConnected: false, answerTwice: 404, webhookOrder: "at-once", eventsOnAnswer: [] },
      },
    ],
    [
      "streams whose sockets stay open, and marks that do not come back",
      {
        echoMarks: false,
        streamEnd: "stop-only",
        timestampUnit: "rtp-24khz",
        timestampStart: 480,
        eventWhenCompleted: null,
      },
    ],
    ["a stream that is stopped without its socket", { stoppedStreamCloses: false, sendStart: false }],
  ])(
    "finds %s",
    async (_, behaviour) => {
      const parts = await watch(behaviour);
      expect(parts.cutShort).toBeUndefined();
      expectSame(behaviourOf(parts.points).found, behaviour);
    },
    40_000,
  );

  it("sees the account's own webhook beside the number's", async () => {
    const answerOf = ({ points }: CallReportParts) =>
      points[0]?.findings.find(({ question }) => question === "the account's on-call webhook")?.answer;
    const brief = { hangUpAfterMs: 1 };
    const url = "http://127.0.0.1:9/wavix/inbound/the-secret";
    const place = (account: SimulatedAccount) => watch({}, brief, account).then(answerOf);
    expect(await place({})).toMatch(/^there is none/);
    expect(await place({ webhooks: [{ eventType: "on-call", url }] })).toMatch(
      /^is ours as well: each event came 1 time/,
    );
    expect(await place({ webhooks: [{ eventType: "on-call", url: `${url}2` }] })).toMatch(/^is elsewhere/);
    expect(await place({ scopes: [] })).toBeUndefined();
  }, 40_000);

  it("tells silence from speech, and writes what it saw when the caller hangs up", async () => {
    const { samples } = readSpeechRecording();
    const parts = await watch({}, { callerAudio: samples, loop: true, hangUpAfterMs: 2_500 });
    expect(parts.cutShort).toBe("the caller hung up");
    const { found } = behaviourOf(parts.points);
    expect(found.callIdFields).toBe("both");
    expect(found.timestampUnit).toBe("rtp-8khz");
    expect(found.maxBufferedMs).toBeUndefined();
    expect(found.mediaDuringSilence).not.toBe(false);
    expect(markdownOf(parts)).toContain("**Cut short:** the caller hung up.");
  }, 40_000);

  it("gives up when no call comes, or the call cannot be answered", async () => {
    const port = await freePort();
    const nobody = await watchFirstCall({
      settings: { ...defaultSettings, port },
      ...{ waitMs: 50, bot: undefined, times: TIMES, onListening: () => undefined, onCall: () => undefined },
    });
    expect(nobody).toBeUndefined();
    await using simulator = await createWavixSimulator({
      faults: [{ operation: "answerCall", kind: "status", status: 403 }],
    });
    const webhookUrl = `http://127.0.0.1:${port}/wavix/inbound`;
    const parts = await watchFirstCall({
      settings: { ...defaultSettings, port, wavixApiBase: simulator.apiUrl },
      ...{ waitMs: 5_000, bot: undefined, times: TIMES, onCall: () => undefined },
      onListening: () => void simulator.placeCall({ webhookUrl }),
    });
    expect(parts?.cutShort).toBe("the call could not be answered (403)");
    expect(markdownOf(parts as CallReportParts)).toContain("## 3. Playback buffer and marks\n\nNot seen.");
    // It does not ring on.
    expect(simulator.requestCount("hangUp")).toBe(1);
  }, 40_000);
});

describe("a call that a bot is to have", () => {
  it("is written down when it is over, though the bot never had it", async () => {
    await using simulator = await createWavixSimulator({
      faults: [{ operation: "answerCall", kind: "status", status: 403 }],
    });
    const port = await freePort();
    const webhookUrl = `http://127.0.0.1:${port}/wavix/inbound`;
    const parts = await watchFirstCall({
      settings: { ...defaultSettings, port, wavixApiBase: simulator.apiUrl },
      ...{ waitMs: 60_000, bot: () => undefined, onCall: () => undefined },
      onListening: () => void simulator.placeCall({ webhookUrl }),
    });
    expect(parts?.cutShort).toBe("the call had no stream");
    expect(parts?.timeline.map(({ what }) => what)).toContainEqual(expect.stringMatching(/^answer: .* after \d+ ms$/));
  }, 20_000);
});

describe("the listener", () => {
  it("is closed though somebody whom it turned away, or has not let in yet, holds on to the line", async () => {
    const listener = new CallListener({ host: "127.0.0.1", port: 0, webhookPath: "/wavix/inbound", holdMs: 0 });
    const port = await listener.open();
    const lines = [listener.expect("main", 60_000), "/ws/nobody"].map((path) => {
      const line = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      line.on("error", () => undefined).resume();
      line.write(`GET ${path} HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`);
      line.write("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
      return line;
    });
    await once(lines[1]!, "end");
    await vi.waitFor(() => expect(listener.upgrades.size).toBe(1));
    await listener.close();
    for (const line of lines) line.destroy();
  }, 5_000);
});

describe.concurrent("the report", () => {
  it("holds nothing private of a call that the script had", async () => {
    const parts = await watch({ errorTexts: "2026-04" }, { hangUpAfterMs: 900 });
    for (const text of [JSON.stringify(jsonOf(parts)), markdownOf(parts)]) {
      for (const secret of [KEY, "the-secret", "2025550"]) expect(text).not.toContain(secret);
      expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
    }
  }, 40_000);

  it("leaves ids, numbers and addresses out of what Wavix says", () => {
    const said = "Call 5dccb6b0-f35c-488c-867b-86fb012c4415 of +1 202 555 0143 at wss://a.example/ws/token | not found";
    expect(redactWords(said)).toBe("Call <id> of <number> at <url> not found");
    expect(redactWords(`"John Smith" can't be called by 'anna' at «home», it isn't allowed`)).toBe(
      "<quoted> can't be called by <quoted> at <quoted>, it isn't allowed",
    );
    expect(redactWords("Write to help@a.example about the key sk4F9aB77xQ01zzT")).toBe(
      "Write to <address> about the key <id>",
    );
  });
});
