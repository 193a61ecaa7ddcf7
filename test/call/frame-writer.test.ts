import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { FrameWriter } from "../../src/call/frame-writer.ts";
import { createWavixTransport, PacketClock, type Ticker, type WavixTransport } from "../../src/call/index.ts";
import { defaultCodec, type MediaWriter } from "../../src/codec/index.ts";
import { OutputAudioRawFrame } from "../../src/pipecat/index.ts";
import { Arrivals } from "../support/arrivals.ts";
import { FakeSocket } from "../support/fake-socket.ts";
import { noise } from "../support/signals.ts";

const HANDSHAKE =
  "GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n" +
  "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

let server: WebSocketServer;
let writer: MediaWriter;
const clients: { terminate(): void }[] = [];

beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: true });
  writer = defaultCodec().createMediaWriter({ wireSampleRate: 24_000, streamId: "stream-1" });
  await once(server, "listening");
});

afterEach(async () => {
  vi.restoreAllMocks();
  for (const client of clients.splice(0)) client.terminate();
  writer.close();
  for (const socket of server.clients) socket.terminate();
  await new Promise((resolve) => server.close(resolve));
});

const port = () => (server.address() as AddressInfo).port;
/** Packets of noise; the n-th call gives other ones than the first. */
const say = (packets: number, from = 0) => writer.push(noise(480 * (from + packets)).subarray(480 * from), 24_000);
const rawOf = (socket: WebSocket) => (socket as unknown as { _socket: Socket })._socket;

/** What a writer of its own would give for the same audio. */
function expectedMessages(packets: number): string[] {
  const own = defaultCodec().createMediaWriter({ wireSampleRate: 24_000, streamId: "stream-1" });
  own.push(noise(480 * packets), 24_000);
  const messages = Array.from({ length: packets }, () => own.takeMessage() as string);
  own.close();
  return messages;
}

/** A real client of ws, and the server's end of its socket. */
async function open(options: { perMessageDeflate: boolean } = { perMessageDeflate: false }) {
  const accepted = once(server, "connection");
  const client = new WebSocket(`ws://127.0.0.1:${port()}`, options);
  clients.push(client);
  const events = new Arrivals<string>();
  client.on("message", (data, isBinary) => events.add(isBinary ? `binary ${data}` : data.toString()));
  client.on("ping", (data) => events.add(`ping ${data}`));
  client.on("close", (code) => events.add(`close ${code}`));
  client.on("error", (error) => events.add(`error ${error.message}`));
  const [[socket]] = (await Promise.all([accepted, once(client, "open")])) as [[WebSocket], unknown];
  return { client, socket, events };
}

/** A client that shows the bytes. */
async function openRaw() {
  const accepted = once(server, "connection");
  const client = connect(port(), "127.0.0.1");
  clients.push({ terminate: () => client.destroy() });
  let bytes = Buffer.alloc(0);
  const lengths = new Arrivals<number>();
  client.write(`${HANDSHAKE}\r\n`);
  const [[socket]] = (await Promise.all([accepted, once(client, "data")])) as [[WebSocket], unknown];
  client.on("data", (part) => {
    bytes = Buffer.concat([bytes, part]);
    lengths.add(bytes.length);
  });
  const received = async (length: number) => {
    await lengths.first((now) => now >= length);
    return bytes;
  };
  return { client, socket, received };
}

describe("frames written below ws", () => {
  it("are those of RFC 6455, byte for byte, several in one write", async () => {
    const { socket, received } = await openRaw();
    const frames = FrameWriter.over(socket) as FrameWriter;
    const write = vi.spyOn(rawOf(socket), "write");
    say(3);
    expect(frames.send(writer, 3)).toBe(3);
    expect(write).toHaveBeenCalledTimes(1);
    const expected = expectedMessages(3).map((message) => {
      const length = Buffer.byteLength(message);
      return Buffer.concat([Buffer.from([0x81, 126, length >> 8, length & 0xff]), Buffer.from(message)]);
    });
    const bytes = await received(3 * expected[0]!.length);
    expect(bytes.equals(Buffer.concat(expected))).toBe(true);
  });

  it("keep their order among messages, pings and the close of ws, and are not written after it", async () => {
    const { socket, events } = await open();
    const frames = FrameWriter.over(socket) as FrameWriter;
    const expected = expectedMessages(4);
    socket.send("before");
    say(2);
    frames.send(writer, 2);
    socket.ping("between");
    socket.send(Buffer.from("bytes"));
    say(2, 2);
    frames.send(writer, 2);
    socket.close(1000);
    expect(frames.isFree).toBe(false);
    await events.first((event) => event.startsWith("close"));
    expect(events.all).toEqual([
      "before",
      expected[0],
      expected[1],
      "ping between",
      "binary bytes",
      ...expected.slice(2),
      "close 1000",
    ]);
  });

  it("begin as the writer does at that time", async () => {
    const { socket, events } = await open();
    const frames = FrameWriter.over(socket) as FrameWriter;
    for (const streamId of [undefined, "a", "a".repeat(200), '"\u0001é']) {
      writer.streamId = streamId;
      say(1);
      frames.send(writer, 1);
    }
    await events.first(() => events.all.length === 4);
    const ids = events.all.map((text) => (JSON.parse(text) as { stream_id?: string }).stream_id);
    expect(ids).toEqual([undefined, "a", "a".repeat(200), '"\u0001é']);
  });

  it("wait for a message of ws that is not complete", async () => {
    const { socket, events } = await open();
    const frames = FrameWriter.over(socket) as FrameWriter;
    socket.send("one ", { fin: false });
    expect(frames.isFree).toBe(false);
    socket.send("message", { fin: true });
    expect(frames.isFree).toBe(true);
    socket.send(new Blob(["later"]));
    expect(frames.isFree).toBe(false);
    await events.first((event) => event.endsWith("later"));
    expect(frames.isFree).toBe(true);
  });

  it("do not lose their bytes when the peer reads late, though the buffer is shared by all calls", async () => {
    const { client, socket, events } = await open();
    const other = await open();
    const frames = [socket, other.socket].map((one) => FrameWriter.over(one) as FrameWriter);
    client.pause();
    const second = expectedMessages(50);
    let seconds = 0;
    // The kernel takes some megabytes before a write is not done at once.
    for (; socket.bufferedAmount < 1_000_000; seconds++) {
      say(50);
      frames[0]!.send(writer, 50);
      // What overwrites a buffer that is still needed.
      say(1, 7);
      frames[1]!.send(writer, 1);
    }
    client.resume();
    await events.first(() => events.all.length === 50 * seconds);
    expect(events.all.every((message, i) => message === second[i % 50])).toBe(true);
    await other.events.first(() => other.events.all.length === seconds);
    expect(new Set(other.events.all).size).toBe(1);
  });

  it("survive any order of what is sent, by whichever way", async () => {
    const { socket, events } = await open();
    const frames = FrameWriter.over(socket) as FrameWriter;
    const messages = expectedMessages(5);
    const step = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom("text", "ping"));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        events.all.length = 0;
        const expected: string[] = [];
        for (const what of steps) {
          if (what === "ping") socket.ping("p");
          else if (what === "text") socket.send("text");
          else {
            say(what as number);
            frames.send(writer, what as number);
          }
          if (typeof what === "number") expected.push(...messages.slice(0, what));
          else expected.push(what === "ping" ? "ping p" : "text");
        }
        socket.send("end");
        await events.first((event) => event === "end");
        expect(events.all).toEqual([...expected, "end"]);
      }),
      { numRuns: 40 },
    );
  });

  it("are for sockets of ws alone, without compression, on the server's side", async () => {
    const compressed = await open({ perMessageDeflate: true });
    expect(FrameWriter.over(compressed.socket)).toBeUndefined();
    const { client, socket } = await open();
    expect(FrameWriter.over(client)).toBeUndefined();
    expect(FrameWriter.over(socket)).toBeDefined();
    expect(FrameWriter.over(new FakeSocket())).toBeUndefined();
  });
});

describe("a call", () => {
  const speech = (ms: number) => new OutputAudioRawFrame({ audio: noise(24 * ms), sampleRate: 24_000 });
  const transports: WavixTransport[] = [];

  afterEach(async () => {
    await Promise.all(
      transports.splice(0).map((transport) => transport.end({ endedBy: "server", reason: "test", now: true })),
    );
  });

  function openTransport(socket: WebSocket, clock?: PacketClock): WavixTransport {
    const transport = createWavixTransport({ socket, clock });
    transports.push(transport);
    return transport;
  }

  it("writes what is due at once, and the clear behind it", async () => {
    const { socket, events } = await open();
    const transport = openTransport(socket);
    const write = vi.spyOn(rawOf(socket), "write");
    await transport.send(speech(2_000));
    expect(write).toHaveBeenCalledTimes(1);
    transport.interrupt();
    await events.first((event) => event.includes('"clear"'));
    expect(events.all.map((event) => (JSON.parse(event) as { event: string }).event)).toEqual([
      ...Array(10).fill("media"),
      "clear",
    ]);
    expect(transport.stats.packetsOut).toBe(10);
  });

  it("goes by ws while a message of ws is in progress, so that nothing gets into it", async () => {
    const { socket, events } = await open();
    const transport = openTransport(socket);
    socket.send(new Blob(["first"]));
    await transport.send(speech(400));
    await events.first(() => events.all.length === 11);
    expect(events.all[0]).toBe("binary first");
    expect(transport.stats.packetsOut).toBe(10);
  });

  it("gives the same messages with compression, by ws", async () => {
    const [plain, compressed] = [await open(), await open({ perMessageDeflate: true })];
    for (const { socket } of [plain, compressed]) await openTransport(socket).send(speech(400));
    await plain.events.first(() => plain.events.all.length === 10);
    await compressed.events.first(() => compressed.events.all.length === 10);
    expect(compressed.events.all).toEqual(plain.events.all);
  });

  it("ends when the connection is gone between two writes, without an error", async () => {
    const { client, socket } = await open();
    const clock = new PacketClock();
    const add = vi.spyOn(clock, "add");
    const transport = openTransport(socket, clock);
    await transport.send(speech(1_000));
    client.terminate();
    rawOf(socket).destroy();
    const write = vi.spyOn(FrameWriter.prototype, "send");
    (add.mock.calls[0]![0] as Ticker).tick(performance.now() + 150);
    expect(write).not.toHaveBeenCalled();
    await expect(transport.closed).resolves.toMatchObject({ endedBy: "caller", reason: "socket-closed" });
  });
});
