import { once } from "node:events";
import { request } from "node:http";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import WebSocket from "ws";
import { createDeepgramStandIn, type DeepgramStandIn } from "../../../src/simulator/services/index.ts";
import { bytesOf, soundAndSilence } from "../../support/tone.ts";

const rate = 8000;
const nova = "/v1/listen?model=nova-3&encoding=linear16&sample_rate=8000";
const flux = "/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=8000";
const headers = { authorization: "Token secret" };

interface Message {
  type: string;
  event?: string;
  transcript?: string;
  is_final?: boolean;
  speech_final?: boolean;
  start?: number;
  duration?: number;
  last_word_end?: number;
  sequence_id?: number;
  turn_index?: number;
  trigger?: string;
  channel?: { alternatives: { transcript: string; words: { start: number; end: number }[] }[] };
}

/** Everything a client is told that sends this and then closes the stream. */
async function told(standIn: DeepgramStandIn, path: string, parts: (Uint8Array | string)[]): Promise<Message[]> {
  const socket = new WebSocket(standIn.url + path, { headers });
  const messages: Message[] = [];
  socket.on("message", (data) => messages.push(JSON.parse(String(data))));
  await once(socket, "open");
  for (const part of parts) socket.send(part);
  socket.send('{"type":"CloseStream"}');
  await once(socket, "close");
  return messages;
}

const results = (messages: Message[]) => messages.filter(({ type }) => type === "Results");
const transcriptOf = (message: Message) => message.channel!.alternatives[0]!.transcript;
const spoken = (messages: Message[]) => results(messages).filter((message) => transcriptOf(message) !== "");
const brief = ({ type, event, transcript }: Message) => (event === undefined ? type : `${event}: ${transcript}`);
/** What does not differ from one run to the next. */
const plain = (messages: Message[]) =>
  JSON.parse(JSON.stringify(messages, (key, value) => (key === "request_id" ? undefined : value)));

/** The answer to an upgrade that fails. */
async function refusal(standIn: DeepgramStandIn, path: string, authorization = "Token secret") {
  const socket = new WebSocket(standIn.url + path, { headers: { authorization } });
  socket.on("error", () => {});
  const [, response] = await once(socket, "unexpected-response");
  response.resume();
  return { status: response.statusCode, error: response.headers["dg-error"] };
}

describe("the stand-in for Deepgram, nova", () => {
  it("understands a stretch of sound as the next entry, word by word, and says when it is over", async () => {
    await using standIn = await createDeepgramStandIn({ utterances: ["Where is my parcel?", "Thank you."] });
    const query = `${nova}&interim_results=true&endpointing=300&utterance_end_ms=1000&vad_events=true`;
    const audio = soundAndSilence(rate, 0, 500, 2000, 1500, 600, 500);
    const messages = await told(standIn, query, [bytesOf(audio)]);
    expect(spoken(messages).map((message) => [message.is_final, message.speech_final, transcriptOf(message)])).toEqual([
      [false, false, "Where"],
      [false, false, "Where is my parcel?"],
      [true, true, "Where is my parcel?"],
      [false, false, "Thank you."],
      [true, true, "Thank you."],
    ]);
    const [, , final] = spoken(messages);
    expect(final!.start! + final!.duration!).toBeCloseTo(2.8, 1); // 500 + 2000 + endpointing
    expect(final!.channel!.alternatives[0]!.words.at(-1)!.end).toBeCloseTo(2.5, 1);
    const types = messages.map(({ type }) => type);
    expect(types.filter((type) => type !== "Results")).toEqual([
      "SpeechStarted",
      "UtteranceEnd",
      "SpeechStarted",
      "Metadata",
    ]);
    expect(messages.find(({ type }) => type === "UtteranceEnd")!.last_word_end).toBeCloseTo(2.5, 1);
    expect(standIn.heard.map(({ text }) => text)).toEqual(["Where is my parcel?", "Thank you."]);
    expect(standIn.problems).toEqual([]);
  });

  it("tells of every message as it goes out, and on which connection", async () => {
    const sent: [number, unknown][] = [];
    await using standIn = await createDeepgramStandIn({
      utterances: () => "Yes.",
      onSent: (message, connection) => sent.push([connection, message]),
    });
    const audio = bytesOf(soundAndSilence(rate, 0, 500, 600));
    const first = await told(standIn, flux, [audio]);
    const second = await told(standIn, nova, [audio]);
    expect(first.length * second.length).toBeGreaterThan(1);
    expect(sent).toEqual([...first.map((message) => [0, message]), ...second.map((message) => [1, message])]);
  });

  it("says only what was asked for", async () => {
    await using standIn = await createDeepgramStandIn({ utterances: ["Yes."] });
    const messages = await told(standIn, `${nova}&endpointing=300`, [bytesOf(soundAndSilence(rate, 1500, 2500))]);
    expect(messages.map(({ type }) => type)).toEqual(["Results", "Metadata"]);
  });

  it("has no words for a cough, a null and what is beyond the script; a click is no sound at all", async () => {
    await using standIn = await createDeepgramStandIn({
      utterances: (index, { durationMs }) => (durationMs < 300 ? null : index === 1 ? "Hello." : null),
    });
    const audio = soundAndSilence(rate, 200, 500, 600, 500, 500, 500, 20, 500);
    const messages = await told(standIn, `${nova}&endpointing=300`, [bytesOf(audio)]);
    expect(results(messages).map(transcriptOf)).toEqual(["", "Hello.", ""]);
    expect(results(messages).every(({ speech_final }) => speech_final === true)).toBe(true);
  });

  it("makes a long stretch final in pieces, each word once", async () => {
    const text = "one two three four five six seven eight nine ten";
    await using standIn = await createDeepgramStandIn({ utterances: [text], finalEveryMs: 1000 });
    const messages = await told(standIn, `${nova}&endpointing=400`, [bytesOf(soundAndSilence(rate, 3500, 500))]);
    const pieces = spoken(messages);
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.map(transcriptOf).join(" ")).toBe(text);
    expect(results(messages).map(({ speech_final }) => speech_final)).toEqual([false, false, false, true]);
  });

  it("answers Finalize, keeps alive, closes when it hears nothing", async () => {
    await using standIn = await createDeepgramStandIn({ utterances: ["one two three"], idleTimeoutMs: 50 });
    const messages = await told(standIn, `${nova}&endpointing=false`, [
      bytesOf(soundAndSilence(rate, 700)),
      '{"type":"KeepAlive"}',
      '{"type":"Finalize"}',
    ]);
    expect(results(messages).map((message) => [transcriptOf(message), message.is_final])).toEqual([
      ["one two", true],
      ["three", true],
    ]);
    expect(standIn.connections[0]!.received).toEqual([
      { type: "KeepAlive" },
      { type: "Finalize" },
      { type: "CloseStream" },
    ]);
    expect(standIn.problems).toEqual([]);
    const socket = new WebSocket(standIn.url + nova, { headers });
    const [code, reason] = await once(socket, "close");
    expect([code, String(reason)]).toEqual([1011, expect.stringContaining("NET-0001")]);
    expect(standIn.problems).toEqual(["neither audio nor KeepAlive in time"]);
  });

  it("ends a stream on an empty binary message and on what it does not know", async () => {
    await using standIn = await createDeepgramStandIn();
    const socket = new WebSocket(standIn.url + nova, { headers });
    await once(socket, "open");
    socket.send(new Uint8Array(0));
    expect((await once(socket, "close"))[0]).toBe(1000);
    const other = new WebSocket(standIn.url + nova, { headers });
    await once(other, "open");
    other.send('{"type":"Hello"}');
    expect((await once(other, "close"))[0]).toBe(1008);
    expect(standIn.problems).toEqual(["an empty binary message", 'nova knows no message like {"type":"Hello"}']);
  });
});

describe("the stand-in for Deepgram, Flux", () => {
  it("tells of a turn: start, updates, end", async () => {
    await using standIn = await createDeepgramStandIn({ utterances: ["Where is it?", null, "Bye."] });
    const audio = soundAndSilence(rate, 1000, 500, 300, 500, 400, 500);
    const messages = await told(standIn, flux, [bytesOf(audio)]);
    expect(messages[0]!.type).toBe("Connected");
    expect(messages.map(({ sequence_id }) => sequence_id)).toEqual(messages.map((_, i) => i));
    expect(messages.filter(({ event }) => event !== "Update" && event !== undefined).map(brief)).toEqual([
      "StartOfTurn: Where",
      "EndOfTurn: Where is it?",
      "StartOfTurn: Bye.",
      "EndOfTurn: Bye.",
    ]);
    expect(messages.map(brief)).toContain("Update: Where is");
    expect(messages.filter(({ event }) => event === "EndOfTurn").map((m) => [m.turn_index, m.trigger])).toEqual([
      [0, "model"],
      [1, "model"],
    ]);
  });

  it("tells of an eager end, and of a turn that goes on after it", async () => {
    await using standIn = await createDeepgramStandIn({ utterances: ["I think", "it is late."] });
    const audio = soundAndSilence(rate, 700, 200, 700, 400);
    const messages = await told(standIn, `${flux}&eager_eot_threshold=0.4`, [bytesOf(audio)]);
    expect(messages.filter(({ event }) => event !== "Update" && event !== undefined).map(brief)).toEqual([
      "StartOfTurn: I",
      "EagerEndOfTurn: I think",
      "TurnResumed: I think",
      "EagerEndOfTurn: I think it is late.",
      "EndOfTurn: I think it is late.",
    ]);
  });

  it("ends a turn by the clock, or when told to; changes its thresholds", async () => {
    await using standIn = await createDeepgramStandIn({ utterances: ["one", "two", "three"] });
    const messages = await told(standIn, `${flux}&eot_threshold=1&eot_timeout_ms=500`, [
      bytesOf(soundAndSilence(rate, 400, 600, 400)),
      '{"type":"ForceEndTurn"}',
      '{"type":"Configure","thresholds":{"eot_threshold":0.5}}',
      '{"type":"Configure","thresholds":{"eot_threshold":5}}',
      bytesOf(soundAndSilence(rate, 0, 100, 400, 220)),
    ]);
    expect(messages.filter(({ event }) => event === "EndOfTurn").map((m) => [m.transcript, m.trigger])).toEqual([
      ["one", "timeout"],
      ["two", "manual"],
      ["three", "model"],
    ]);
    expect(messages.map(({ type }) => type)).toEqual(expect.arrayContaining(["ConfigureSuccess", "ConfigureFailure"]));
  });

  it("refuses KeepAlive, as the service does", async () => {
    await using standIn = await createDeepgramStandIn();
    const socket = new WebSocket(standIn.url + flux, { headers });
    await once(socket, "open");
    socket.send('{"type":"KeepAlive"}');
    expect((await once(socket, "close"))[0]).toBe(1008);
    expect(standIn.connections[0]!.sent.at(-1)).toMatchObject({ type: "Error", code: "UNPARSABLE_CLIENT_MESSAGE" });
    expect(standIn.problems).toHaveLength(1);
  });
});

describe("the stand-in for Deepgram", () => {
  it("says the same however the audio is cut", async () => {
    const stretches = fc.array(fc.integer({ min: 40, max: 900 }), { minLength: 1, maxLength: 5 });
    const cuts = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 12 });
    const queries = fc.constantFrom(
      `${nova}&interim_results=true&endpointing=100&utterance_end_ms=300&vad_events=true`,
      `${nova}&endpointing=false`,
      `${flux}&eager_eot_threshold=0.3`,
    );
    const options = { utterances: ["a b c", null, "d e", "f"], interimEveryMs: 100, msPerWord: 120 };
    await fc.assert(
      fc.asyncProperty(stretches, cuts, queries, async (partsMs, sizes, query) => {
        const bytes = bytesOf(soundAndSilence(rate, ...partsMs));
        const parts: Uint8Array[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % sizes.length]!;
          parts.push(bytes.subarray(at, at + size));
          at += size;
        }
        const told0 = await createDeepgramStandIn(options);
        const told1 = await createDeepgramStandIn(options);
        const whole = await told(told0, query, [bytes]);
        const cut = await told(told1, query, parts);
        await told0.close();
        await told1.close();
        expect(plain(cut)).toEqual(plain(whole));
      }),
      { numRuns: 40 },
    );
  });

  it("lets in who has the key and asks properly", async () => {
    await using standIn = await createDeepgramStandIn({ apiKey: "secret" });
    expect(await refusal(standIn, nova, "Token wrong")).toEqual({ status: 401, error: "Invalid credentials." });
    expect((await refusal(standIn, "/v1/listen?model=nova-3&encoding=linear16")).status).toBe(400);
    expect((await refusal(standIn, `${nova}&eager_eot_threshold=0.4`)).status).toBe(400);
    expect((await refusal(standIn, nova.replace("nova-3", "flux-general-en"))).status).toBe(400);
    expect((await refusal(standIn, flux.replace("flux-general-en", "nova-3"))).status).toBe(400);
    expect((await refusal(standIn, `${flux}&language_hint=de`)).status).toBe(400);
    expect((await refusal(standIn, `${flux}&eager_eot_threshold=0.8&eot_threshold=0.7`)).status).toBe(400);
    expect((await refusal(standIn, `${nova}&endpointing=soon`)).error).toContain("endpointing must be a number");
    expect((await refusal(standIn, "/v3/listen")).status).toBe(400);
    expect(standIn.problems).toHaveLength(9);
    expect(await told(standIn, nova, [])).toHaveLength(1);
    for (const [authorization, status] of [
      ["Token secret", 200],
      ["Token wrong", 401],
    ] as const) {
      const get = request(`${standIn.url.replace("ws:", "http:")}/v1/projects`, { headers: { authorization } }).end();
      const [response] = await once(get, "response");
      expect(response.resume().statusCode).toBe(status);
    }
  });

  it("fails as scripted, at the attempts that are named", async () => {
    await using standIn = await createDeepgramStandIn({
      utterances: ["one two"],
      faults: [
        { kind: "status", status: 503 },
        { kind: "refuse", attempt: 1 },
        { kind: "hang", attempt: 2 },
        { kind: "close", afterMs: 200, code: 1011, reason: "NET-0000", attempt: 3 },
        { kind: "cut", afterMs: 200, attempt: 4 },
        { kind: "say", afterMs: 100, text: "{nonsense", attempt: 5 },
        { kind: "mute", afterMs: 200, attempt: 5 },
      ],
    });
    expect((await refusal(standIn, nova)).status).toBe(503);
    const refused = new WebSocket(standIn.url + nova, { headers });
    expect((await once(refused, "error"))[0]).toMatchObject({ message: "socket hang up" });
    const hung = new WebSocket(standIn.url + nova, { headers, handshakeTimeout: 50 });
    expect(String((await once(hung, "error"))[0])).toContain("handshake has timed out");
    for (const expected of [1011, 1006]) {
      const socket = new WebSocket(standIn.url + nova, { headers });
      await once(socket, "open");
      socket.send(bytesOf(soundAndSilence(rate, 1000)));
      expect((await once(socket, "close"))[0]).toBe(expected);
    }
    const socket = new WebSocket(`${standIn.url}${nova}&endpointing=100`, { headers });
    const said: string[] = [];
    socket.on("message", (data) => said.push(String(data)));
    await once(socket, "open");
    socket.send(bytesOf(soundAndSilence(rate, 1000, 1000)));
    socket.ping();
    await once(socket, "pong");
    expect(said).toEqual(["{nonsense"]);
    expect(standIn.attempts).toBe(6);
    standIn.injectFault({ kind: "status", status: 429, attempt: "every" });
    expect((await refusal(standIn, nova)).status).toBe(429);
    expect((await refusal(standIn, nova)).status).toBe(429);
    standIn.clearFaults();
    expect(await told(standIn, nova, [])).toHaveLength(1);
  });

  it("goes on in its script where a lost connection was, and is late when told to be", async () => {
    await using standIn = await createDeepgramStandIn({
      utterances: ["one two three four"],
      finalEveryMs: 700,
      delayMs: 20,
      faults: [{ kind: "close", afterMs: 1000, code: 1011 }],
    });
    const socket = new WebSocket(`${standIn.url}${nova}&endpointing=200`, { headers });
    await once(socket, "open");
    socket.send(bytesOf(soundAndSilence(rate, 2000)));
    await once(socket, "close");
    const rest = await told(standIn, `${nova}&endpointing=200`, [bytesOf(soundAndSilence(rate, 600, 300))]);
    expect(standIn.connections[0]!.sent).toHaveLength(1);
    expect(transcriptOf(standIn.connections[0]!.sent[0] as Message)).toBe("one two");
    expect(spoken(rest).map(transcriptOf)).toEqual(["three four"]);
  });

  it("refuses options that are none", async () => {
    await expect(createDeepgramStandIn({ msPerWord: 0 })).rejects.toThrow("msPerWord must be a number from 1");
    await expect(createDeepgramStandIn({ delayMs: Number.NaN })).rejects.toThrow(RangeError);
  });
});
