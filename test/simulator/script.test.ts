import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CallScript, createWavixSimulator, scriptOf, type WavixSimulator } from "../../src/simulator/index.ts";
import type { SocketStep, Trace } from "../../src/wavix/trace/index.ts";
import { answer, openTinyServer, type TinyServer } from "./tiny-server.ts";

let simulator: WavixSimulator;
let server: TinyServer;

beforeEach(async () => {
  simulator = await createWavixSimulator();
  server = await openTinyServer();
});

afterEach(async () => {
  await simulator.close();
  await server.close();
});

/** A call that streams by this script, up to its end. */
async function callWith(script: CallScript) {
  const call = simulator.placeCall({ webhookUrl: server.webhookUrl, script });
  await server.webhook("ringing");
  await answer(simulator, call.id, server.streamUrl);
  await call.streaming;
  return call;
}

const media = (streamId: string, payload = "") =>
  `{"event":"media","stream_id":"${streamId}","media":{"payload":"${payload}"}}`;

describe("a call with a script", () => {
  it("says what the script says and nothing else, in order and not before its time", async () => {
    const messages = [
      { atMs: 0, data: '{"event":"first"}' },
      { atMs: 60, data: media("s") },
      { atMs: 60, data: '{"event":"last"}' },
    ];
    const atMs = performance.now();
    const call = await callWith({ streamId: "s", messages });
    await server.message("last");
    expect(performance.now() - atMs).toBeGreaterThanOrEqual(60);
    // Its echo would come at once: nothing has been sent before it.
    server.sockets[0]?.send('{"event":"mark","stream_id":"s","mark":{"name":"m"}}');
    await expect.poll(() => call.report().received.marks).toBe(1);
    call.hangUp();
    const report = await call.ended;
    expect(server.messages.map(({ event }) => event)).toEqual(["first", "media", "last", "stop"]);
    expect(report).toMatchObject({
      streamId: "s",
      sent: { packets: 1, marks: 0 },
      closedBy: "simulator",
      closeCode: 1000,
    });
  });

  it("ends the socket as the script says, after its last message, and the call with the caller", async () => {
    for (const code of [4001, "cut"] as const) {
      const data = '{"event":"stop"}';
      const call = await callWith({ streamId: "s", messages: [{ atMs: 1, data }], close: { atMs: 20, code } });
      const [closedWith] = await new Promise<[number]>((resolve) => {
        server.sockets.at(-1)?.on("close", (...why) => resolve(why as unknown as [number]));
      });
      expect(closedWith).toBe(code === "cut" ? 1006 : 4001);
      expect(call.state).toBe("answered");
      call.hangUp();
      expect(await call.ended).toMatchObject({ closedBy: code === "cut" ? "cut" : "simulator", endedBy: "caller" });
    }
    expect(server.messages.map(({ event }) => event)).toEqual(["stop", "stop"]);
  });

  it("stops in mid-script when it is hung up", async () => {
    let taken = 0;
    function* messages() {
      for (; ; taken++) yield { atMs: 10 * taken, data: media("s") };
    }
    const call = await callWith({ streamId: "s", messages: messages() });
    await expect.poll(() => taken).toBeGreaterThan(3);
    call.hangUp();
    await call.ended;
    const then = taken;
    await sleep(50);
    expect(taken).toBe(then);
    expect(server.messages.at(-1)?.event).toBe("stop");
  });
});

describe("scriptOf", () => {
  const header = {
    format: "pipecat-wavix-trace",
    version: 1,
    package: "",
    startedAt: "",
    audio: false,
    midCall: false,
  } as const;
  const text = (ms: number, text: string, socket = 1, dir: "in" | "out" = "in"): SocketStep => ({
    ms,
    dir,
    kind: "text",
    socket,
    text,
  });
  const traceOf = (...steps: Trace["steps"][number][]): Trace => ({ header, steps, cutOff: false });
  const ids = { callId: "new-call", streamId: "new-stream" };

  it("gives the new ids to what had the recorded ones, and leaves those of strangers", () => {
    const trace = traceOf(
      { ms: 5, dir: "in", kind: "open", socket: 1 },
      text(7, '{"event":"start","call_id" : "c","stream_id":"s"}'),
      {
        ms: 9,
        dir: "in",
        kind: "text",
        socket: 1,
        text: media("s"),
        cuts: [{ at: media("s").indexOf('"}}'), length: 4 }],
      },
      text(11, media("other")),
      { ms: 12, dir: "in", kind: "binary", socket: 1, byteLength: 2 },
      text(13, "not JSON"),
      text(14, '{"event":"mark","mark":{"name":"s"}}'),
      { ms: 15, dir: "in", kind: "close", socket: 1, code: 1006 },
    );
    const { streamId, messages, close } = scriptOf(trace, { ...ids, speed: 2 });
    expect(streamId).toBe("new-stream");
    expect([...messages]).toEqual([
      { atMs: 1, data: '{"event":"start","call_id" : "new-call","stream_id":"new-stream"}' },
      { atMs: 2, data: media("new-stream", "AAAA") },
      { atMs: 3, data: media("other") },
      { atMs: 3.5, data: Buffer.alloc(2) },
      { atMs: 4, data: "not JSON" },
      { atMs: 4.5, data: '{"event":"mark","mark":{"name":"s"}}' },
    ]);
    expect(close).toEqual({ atMs: 5, code: "cut" });
  });

  it("plays the socket that had the stream, up to where the server ended the call", () => {
    const trace = traceOf(
      text(0, "{}"),
      { ms: 1, dir: "in", kind: "open", socket: 2 },
      text(2, media("s"), 2),
      text(3, media("s"), 2),
      text(6, media("s"), 2),
      { ms: 7, dir: "out", kind: "rest", operation: "hangUp", outcome: "ok", tookMs: 2 },
      text(8, '{"event":"stop"}', 2),
      { ms: 9, dir: "out", kind: "close", socket: 2, code: 1000 },
      { ms: 10, dir: "in", kind: "close", socket: 2, code: 1000 },
    );
    const { messages, close } = scriptOf(trace, ids);
    expect([...messages].map(({ atMs }) => atMs)).toEqual([1, 2]);
    expect(close).toBeUndefined();
    for (const [code, sent] of [
      [1005, 1000],
      [1001, 1001],
      [4_000, 4_000],
      [7, 1000],
    ] as const) {
      const closed = traceOf(text(0, "{}"), { ms: 4, dir: "in", kind: "close", socket: 1, code });
      expect(scriptOf(closed, ids).close).toEqual({ atMs: 4, code: sent });
    }
  });
});
