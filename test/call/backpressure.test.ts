import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { createWavixTransport, packetClock, type WavixTransport } from "../../src/call/index.ts";
import {
  OutputAudioRawFrame,
  OutputTransportMessageFrame,
  OutputTransportMessageUrgentFrame,
  TTSStoppedFrame,
} from "../../src/pipecat/index.ts";
import { FakeSocket } from "../support/fake-socket.ts";

const speech = (ms: number) => new OutputAudioRawFrame({ audio: new Int16Array(24 * ms).fill(100), sampleRate: 24000 });
const FLOODED = expect.objectContaining({ code: "CALL_FLOODED" });

describe("a bot that floods", () => {
  let socket: FakeSocket;
  let transport: WavixTransport;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    socket = new FakeSocket();
    transport = createWavixTransport({ socket });
    socket.start();
  });
  afterEach(async () => {
    socket.cut();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(packetClock.size).toBe(0);
    vi.useRealTimers();
  });

  it.each([
    ["messages behind audio", () => new OutputTransportMessageFrame({ message: { event: "here" } }), 100],
    ["messages behind audio that waits", () => new OutputTransportMessageFrame({ message: { event: "here" } }), 60_000],
    ["ends of utterances behind audio that waits", () => new TTSStoppedFrame(), 60_000],
  ])("with %s is refused the next after a thousand, and heard again when there is room", async (_, frame, ms) => {
    void transport.send(speech(ms));
    const outcomes = await Promise.allSettled(Array.from({ length: 1_200 }, () => transport.send(frame())));
    const refused = outcomes.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
    expect(refused.length).toBeGreaterThanOrEqual(200);
    expect(refused.length).toBeLessThanOrEqual(201);
    expect(refused[0]?.reason).toEqual(FLOODED);
    transport.interrupt();
    await expect(transport.send(frame())).resolves.toBeUndefined();
  });

  it("with utterances is refused", () => {
    void transport.send(speech(1_000));
    expect(() => {
      for (let i = 0; i < 1_200; i++) {
        transport.beginUtterance();
        void transport.send(speech(20));
      }
    }).toThrow(FLOODED);
    const { utterances } = transport.interrupt();
    expect(utterances.length).toBeLessThanOrEqual(1_000);
    transport.beginUtterance();
  });

  it("with urgent messages that do not drain loses them, counted; those that silence still go out", async () => {
    socket.bufferedAmount = 600 * 1024;
    transport.interrupt();
    expect(socket.events()).toEqual(["clear"]);
    socket.bufferedAmount = 2 ** 21;
    for (let i = 0; i < 5_000; i++) {
      await transport.send(new OutputTransportMessageUrgentFrame({ message: { event: "now" } }));
    }
    expect(socket.sent).toHaveLength(1);
    expect(transport.stats.messagesUnsent).toBe(5_000);
  });

  it("cannot make one write of all it said, however far ahead it may be sent", async () => {
    const eager = createWavixTransport({
      ...{ socket, sendAheadMs: 10 ** 6, maxQueuedMs: 10 ** 6, playoutDelayMs: 40_000 },
    });
    let most = 0;
    const send = socket.send.bind(socket);
    socket.send = (data) => {
      // Nothing of it drains.
      socket.bufferedAmount += data.length;
      most = Math.max(most, socket.bufferedAmount);
      send(data);
    };
    void eager.send(speech(1_000));
    for (let i = 0; i < 100; i++) void eager.send(speech(1_000));
    expect(eager.stats.packetsDropped).toBeGreaterThan(4_000);
    expect(eager.stats.packetsDropped + eager.stats.packetsOut).toBe(5_050);
    expect(most).toBeLessThan(512 * 1024 + 50 * 1_400);
    await eager.end({ endedBy: "server", reason: "test", now: true });
  });
});

describe("a peer that does not read", () => {
  it("costs its own audio, counted, and is heard again when it does", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    const connected = once(server, "connection") as Promise<[WebSocket]>;
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await once(client, "open");
    const [socket] = await connected;
    // As much ahead as one likes, so that the buffers below the socket are full in no time.
    const transport = createWavixTransport({ socket, sendAheadMs: 10 ** 7, maxQueuedMs: 10 ** 7 });
    client.pause();
    for (let i = 0; i < 600 && transport.stats.packetsDropped < 500; i++) {
      await transport.send(speech(1_000));
      await new Promise(setImmediate);
    }
    const { packetsDropped, packetsOut } = transport.stats;
    expect(packetsDropped).toBeGreaterThanOrEqual(500);
    expect(socket.bufferedAmount).toBeLessThan(1024 * 1024);
    let received = 0;
    const all = new Promise<void>((resolve) => {
      client.on("message", (data) => {
        const { event } = JSON.parse(String(data));
        if (event === "media") received++;
        if (event === "end") resolve();
      });
    });
    client.resume();
    while (socket.bufferedAmount > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await transport.send(speech(1_000));
    await transport.send(new OutputTransportMessageUrgentFrame({ message: { event: "end" } }));
    await all;
    expect(received).toBe(packetsOut + 50);
    expect(transport.stats.packetsDropped).toBe(packetsDropped);
    await transport.end({ endedBy: "server", reason: "test", now: true });
    client.terminate();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
});
