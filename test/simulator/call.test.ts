import { afterEach, describe, expect, it } from "vitest";
import type { WebSocket } from "ws";
import {
  compareHeard,
  createWavixSimulator,
  prepareCallerAudio,
  readSpeechRecording,
  type SimulatorOptions,
} from "../../src/simulator/index.ts";
import { answer, openTinyServer, request, type StreamMessage, type TinyServerOptions } from "./tiny-server.ts";
import { schemaErrors, streamMessageErrors } from "./wavix-schemas.ts";

const opened: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function open(serverOptions: TinyServerOptions = {}, options: SimulatorOptions = {}) {
  const server = await openTinyServer(serverOptions);
  const simulator = await createWavixSimulator(options);
  opened.push(server, simulator);
  return { server, simulator };
}

const send = (socket: WebSocket, message: unknown) => socket.send(JSON.stringify(message));
const silence = Buffer.alloc(960).toString("base64");
const tone = Buffer.from(Int16Array.from({ length: 480 }, (_, at) => 8000 * Math.sin(at / 5)).buffer).toString(
  "base64",
);

/** Sends back what the caller says, eight packets late so that a busy machine makes no gap. */
function echo({ event, media, stream_id }: StreamMessage, socket: WebSocket): void {
  if (event === "start")
    for (let at = 0; at < 8; at++) send(socket, { event: "media", stream_id, media: { payload: silence } });
  if (event === "media") send(socket, { event: "media", stream_id, media: { payload: media!.payload } });
}

describe("a whole call against an echo", () => {
  it("is announced, answered, heard, and hung up by the caller", async () => {
    const { server, simulator } = await open({ onMessage: echo });
    const { samples, sampleRate } = readSpeechRecording();
    const callerAudio = prepareCallerAudio(samples.subarray(0, sampleRate), sampleRate);
    const call = simulator.placeCall({
      webhookUrl: server.webhookUrl,
      from: "+12025550101",
      to: "+12025550102",
      callerAudio,
      speakAfterMs: 190,
      hangUpAfterMs: 1600,
    });
    expect(await call.announced).toMatchObject({ event: "call_setup", status: 200, attempts: 1 });
    await server.webhook("ringing");
    expect((await answer(simulator, call.id, `${server.streamUrl}?a=b`)).status).toBe(200);
    expect(await call.streaming).toBe(true);
    expect(simulator.calls).toEqual([call]);
    const report = await call.ended;

    expect(report).toMatchObject({ endedBy: "caller", hungUpOverRest: false, closedBy: "simulator", closeCode: 1000 });
    expect(server.events.map(({ event_type }) => event_type)).toEqual([
      "call_setup",
      "ringing",
      "answered",
      "completed",
    ]);
    for (const event of server.events) {
      expect(schemaErrors("Call", event)).toBeNull();
      expect(event).toMatchObject({ id: call.id, uuid: call.id, from: "+12025550101", to: "+12025550102" });
    }
    expect(report.webhooks.map(({ event, status }) => [event, status])).toEqual([
      ["call_setup", 200],
      ["ringing", 200],
      ["answered", 200],
      ["completed", 200],
    ]);
    expect(server.socketPaths).toEqual(["/ws?a=b"]);

    // Every message is as the AsyncAPI description has it, in its order, with its counters.
    for (const message of server.messages) expect(streamMessageErrors(message)).toBeNull();
    const [connected, start, ...rest] = server.messages;
    const stop = rest.pop();
    expect(connected!.event).toBe("connected");
    expect(start).toMatchObject({
      event: "start",
      call_id: call.id,
      stream_id: report.streamId,
      stream_type: "twoway",
      channel: "inbound",
      sequence_number: 1,
    });
    expect(stop).toMatchObject({ event: "stop", sequence_number: rest.length + 2 });
    expect(rest.length).toBe(report.sent.packets);
    for (const [at, message] of rest.entries()) {
      expect(message).toMatchObject({
        event: "media",
        call_id: call.id,
        stream_id: report.streamId,
        sequence_number: at + 2,
        media: { track: "inbound", timestamp: 160 + at * 160, chunk: at + 1 },
      });
      expect(Buffer.from(message.media!.payload, "base64")).toHaveLength(960);
    }
    // 1600 ms are 80 packets, the last of which is due as the caller hangs up.
    expect(rest.length).toBeGreaterThanOrEqual(78);
    expect(rest.length).toBeLessThanOrEqual(80);

    const { answeredMs, socketMs, timelineMs, firstAudioMs, endedMs } = report.times;
    const order = [0, answeredMs, socketMs, timelineMs, firstAudioMs, endedMs] as number[];
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(report.received).toMatchObject({ offSizePackets: 0, invalidMessages: 0, clears: 0, marks: 0 });
    expect(report.playout.playedMs).toBeGreaterThan(1500);

    // The caller spoke from 200 ms on (190 rounded up to a packet) and heard itself.
    const { said, heard, truncated } = report.recording!;
    expect(said.length).toBe(heard.length);
    expect(said.findIndex((sample) => sample !== 0)).toBeGreaterThanOrEqual(4800);
    expect(said.subarray(4800, 24_000)).toEqual(callerAudio.samples.subarray(0, 19_200));
    expect(truncated).toBe(false);
    const { lagMs, similarity } = compareHeard({ said, heard, sampleRate: 24_000 });
    // The eight packets; the first of the caller's comes up to 40 ms after them.
    expect(lagMs).toBeGreaterThanOrEqual(140);
    expect(lagMs).toBeLessThan(300);
    expect(report.playout.gaps).toBe(0);
    expect(similarity).toBeGreaterThan(0.999);
    expect(simulator.calls).toEqual([]);
  });

  it("is hung up by the server over REST", async () => {
    const { server, simulator } = await open({ onMessage: echo });
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl, record: false });
    await answer(simulator, call.id, server.streamUrl);
    await server.message("media");
    await request(simulator, "DELETE", `/v1/calls/${call.id}`);
    expect(await call.ended).toMatchObject({
      endedBy: "rest",
      hungUpOverRest: true,
      sent: { stops: 1 },
      closeCode: 1000,
      recording: null,
    });
    expect(server.messages.at(-1)!.event).toBe("stop");
    expect(server.events.at(-1)).toMatchObject({ event_type: "completed", call_completed: expect.any(String) });
  });
});

describe("the caller", () => {
  it("says nothing by default, and is sent all the same", async () => {
    const { server, simulator } = await open();
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl, hangUpAfterMs: 50 });
    await answer(simulator, call.id, server.streamUrl);
    expect((await server.message("media")).media!.payload).toBe(silence);
    const { recording, times } = await call.ended;
    expect(recording!.said.every((sample) => sample === 0)).toBe(true);
    expect(times.firstAudioMs).toBeNull();
  });

  it("repeats itself when told to", async () => {
    const { server, simulator } = await open();
    const call = simulator.placeCall({
      webhookUrl: server.webhookUrl,
      callerAudio: new Int16Array(500).fill(3),
      loop: true,
      hangUpAfterMs: 110,
    });
    await answer(simulator, call.id, server.streamUrl);
    const { said } = (await call.ended).recording!;
    // 500 samples are two packets, the second one mostly silence.
    expect([said[0], said[499], said[500], said[959], said[960], said[1459], said[1460]]).toEqual([
      3, 3, 0, 0, 3, 3, 0,
    ]);
    const payloads = server.messages.flatMap(({ media }) => media?.payload ?? []);
    expect(payloads.length).toBeGreaterThan(3);
    expect(payloads[2]).toBe(payloads[0]);
    expect(payloads[3]).toBe(payloads[1]);
  });

  it("gives up when nobody answers", async () => {
    const { server, simulator } = await open();
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl, ringTimeoutMs: 40 });
    expect(await call.answered).toBe(false);
    expect(await call.streaming).toBe(false);
    expect((await call.ended).endedBy).toBe("unanswered");
    expect(server.events.at(-1)).toMatchObject({ event_type: "cancelled", call_answered: null });
    expect((await answer(simulator, call.id, server.streamUrl)).status).toBe(404);
  });

  it("hangs up a silent line, and when told by a signal", async () => {
    const { server, simulator } = await open();
    const silent = simulator.placeCall({ webhookUrl: server.webhookUrl, hangUpAfterMs: 20 });
    await request(simulator, "POST", `/v1/calls/${silent.id}/answer`, {});
    expect((await silent.ended).endedBy).toBe("caller");
    const abort = new AbortController();
    const aborted = simulator.placeCall({ webhookUrl: server.webhookUrl, signal: abort.signal });
    abort.abort();
    expect((await aborted.ended).endedBy).toBe("aborted");
  });

  it("hangs up once, before or during anything", async () => {
    const { server, simulator } = await open();
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl });
    call.hangUp();
    call.hangUp();
    expect(call.sendRaw("{}")).toBe(false);
    const report = await call.ended;
    expect(report.endedBy).toBe("caller");
    expect(server.events.map(({ event_type }) => event_type)).toEqual(["cancelled"]);
    expect(await call.announced).toMatchObject({ event: "cancelled" });
  });
});

describe("playback", () => {
  it("echoes marks when played, at once when empty, and on clear", async () => {
    const { server, simulator } = await open();
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl });
    await answer(simulator, call.id, server.streamUrl);
    const { stream_id } = await server.message("start");
    const socket = server.sockets[0]!;
    const marks = () => server.messages.flatMap(({ mark }) => mark?.name ?? []);

    send(socket, { event: "mark", stream_id, mark: { name: "empty" } });
    await expect.poll(marks).toEqual(["empty"]);
    for (let at = 0; at < 10; at++) send(socket, { event: "media", stream_id, media: { payload: tone } });
    const sentAtMs = performance.now();
    send(socket, { event: "mark", stream_id, mark: { name: "played" } });
    await expect.poll(marks, { interval: 5 }).toEqual(["empty", "played"]);
    // The 200 ms began when the first packet arrived, at most a few ms before the mark was sent.
    expect(performance.now() - sentAtMs).toBeGreaterThan(180);

    for (let at = 0; at < 100; at++) send(socket, { event: "media", media: { payload: tone } });
    send(socket, { event: "mark", mark: { name: "cleared" } });
    send(socket, { event: "clear" });
    await expect.poll(marks).toEqual(["empty", "played", "cleared"]);
    for (const message of server.messages) expect(streamMessageErrors(message)).toBeNull();
    call.hangUp();
    const { sent, received, playout, times } = await call.ended;
    expect(sent.marks).toBe(3);
    expect(received).toMatchObject({ packets: 110, marks: 3, clears: 1 });
    expect(playout.clearedMs).toBeGreaterThan(1500);
    expect(playout.playedMs + playout.clearedMs).toBeCloseTo(2200, 6);
    expect(times.firstAudioMs).toBeGreaterThan(times.timelineMs!);
  });

  it("drops what is for another stream, and counts what is invalid", async () => {
    const { server, simulator } = await open();
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl });
    await answer(simulator, call.id, server.streamUrl);
    await server.message("start");
    const socket = server.sockets[0]!;
    send(socket, { event: "media", stream_id: "another", media: { payload: tone } });
    send(socket, { event: "mark", stream_id: "another", mark: { name: "x" } });
    socket.send(Buffer.from("binary"));
    socket.send("not JSON");
    send(socket, { event: "media", media: { payload: "%" } });
    send(socket, { event: "media", media: { payload: Buffer.alloc(961).toString("base64") } });
    send(socket, { event: "media", media: { payload: "" } });
    send(socket, { event: "mark", mark: { name: "last" } });
    await server.message("mark");
    const { received, playout } = call.report();
    expect(received).toMatchObject({
      packets: 2,
      offSizePackets: 2,
      mismatchedStreamIds: 2,
      invalidMessages: 3,
      invalidByCause: { binary: 1, json: 1, base64: 1 },
    });
    expect(playout.playedMs).toBeCloseTo(20, 6);
  });

  it("counts the times it ran dry", async () => {
    const { server, simulator } = await open();
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl });
    await answer(simulator, call.id, server.streamUrl);
    await server.message("start");
    const socket = server.sockets[0]!;
    const played = () => call.report().playout.playedMs;
    for (const at of [1, 2, 3]) {
      send(socket, { event: "media", media: { payload: tone } });
      await expect.poll(played, { interval: 5 }).toBeCloseTo(at * 20, 6);
    }
    call.hangUp();
    const { playout, received } = await call.ended;
    expect(playout.gaps).toBe(2);
    expect(playout.longestGapMs).toBeGreaterThan(0);
    expect(received.lateness.count).toBe(2);
  });
});

describe("the socket", () => {
  it("carries raw bytes", async () => {
    const frames: [string, boolean][] = [];
    const { server, simulator } = await open();
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl });
    await answer(simulator, call.id, server.streamUrl);
    await server.message("start");
    const both = new Promise<void>((resolve) => {
      server.sockets[0]!.removeAllListeners("message").on("message", (data, isBinary) => {
        if (data.toString().startsWith("{")) return;
        frames.push([data.toString(), isBinary]);
        if (frames.length === 2) resolve();
      });
    });
    expect(call.sendRaw("garbage")).toBe(true);
    expect(call.sendRaw(Buffer.from("bytes"))).toBe(true);
    await both;
    expect(frames).toEqual([
      ["garbage", false],
      ["bytes", true],
    ]);
  });

  it("can be cut, and the call stays up", async () => {
    const { server, simulator } = await open();
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl });
    await answer(simulator, call.id, server.streamUrl);
    await server.message("start");
    const closed = new Promise((resolve) => server.sockets[0]!.on("close", resolve));
    call.dropSocket();
    expect(await closed).toBe(1006);
    expect(call.state).toBe("answered");
    await request(simulator, "DELETE", `/v1/calls/${call.id}`);
    expect(await call.ended).toMatchObject({ closedBy: "cut", closeCode: 1006, endedBy: "rest", sent: { stops: 0 } });
  });

  it("that is refused, or not there, is reported", async () => {
    const { server, simulator } = await open();
    for (const [url, error] of [
      [simulator.apiUrl.replace("http", "ws"), "HTTP 404"],
      ["ws://127.0.0.1:1/", "ECONNREFUSED"],
    ] as const) {
      const call = simulator.placeCall({ webhookUrl: server.webhookUrl });
      expect((await answer(simulator, call.id, url)).status).toBe(200);
      await expect.poll(() => call.report().streamError).toBe(error);
      expect(call.state).toBe("answered");
      call.hangUp();
      await call.ended;
    }
  });
});

describe("closing the simulator", () => {
  it("ends calls, even with a webhook that hangs and a socket that is being opened", async () => {
    const { server, simulator } = await open({ onWebhook: () => undefined });
    const ringing = simulator.placeCall({ webhookUrl: server.webhookUrl });
    const opening = simulator.placeCall({ webhookUrl: server.webhookUrl });
    // An HTTP server that never upgrades: the webhook's own.
    await answer(simulator, opening.id, server.webhookUrl.replace("http", "ws"));
    await simulator.close();
    expect((await ringing.ended).endedBy).toBe("simulator");
    expect((await ringing.announced)!.status).toBeNull();
    expect(await opening.ended).toMatchObject({ endedBy: "simulator" });
  });
});
