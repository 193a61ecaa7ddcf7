import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { readFramesDirectly } from "../../src/call/frame-reader.ts";
import { FakeSocket } from "../support/fake-socket.ts";

const HANDSHAKE =
  "GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n" +
  "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const MAX_PAYLOAD = 2_000;

let server: WebSocketServer;
const clients: Socket[] = [];

beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: "127.0.0.1", maxPayload: MAX_PAYLOAD });
  await once(server, "listening");
});

afterEach(async () => {
  vi.restoreAllMocks();
  for (const client of clients.splice(0)) client.destroy();
  for (const socket of server.clients) socket.terminate();
  await new Promise((resolve) => server.close(resolve));
});

/** The server's end of a socket, into which chunks can be put, and what it says of them. */
async function open() {
  const accepted = once(server, "connection");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  clients.push(client);
  client.write(HANDSHAKE);
  const [[socket]] = (await Promise.all([accepted, once(client, "data")])) as [[WebSocket], unknown];
  const events: string[] = [];
  socket.on("message", (data, isBinary) =>
    events.push(`${isBinary ? "binary" : "text"} ${(data as Buffer).toString("hex")}`),
  );
  for (const name of ["ping", "pong"] as const)
    socket.on(name, (data) => events.push(`${name} ${data.toString("hex")}`));
  socket.on("error", (error) => events.push(`error ${(error as { code?: string }).code}`));
  const { _socket: raw, _receiver: receiver } = socket as unknown as { _socket: Socket; _receiver: { _write(): void } };
  const byWs = vi.spyOn(receiver, "_write");
  return { socket, events, byWs, put: (chunk: Buffer) => raw.emit("data", Buffer.from(chunk)) };
}

interface FrameParts {
  readonly payload: Uint8Array;
  readonly opcode?: number;
  readonly final?: boolean;
  readonly reserved?: number;
  readonly mask?: Uint8Array | null;
}

function frame({ payload, opcode = 1, final = true, reserved = 0, mask = Buffer.from("fade") }: FrameParts): Buffer {
  const { length } = payload;
  const [short, extended] = length < 126 ? [length, Buffer.alloc(0)] : [126, Buffer.from([length >> 8, length & 0xff])];
  const head = [(final ? 0x80 : 0) | (reserved << 4) | opcode, (mask === null ? 0 : 0x80) | short];
  const masked = mask === null ? payload : payload.map((byte, i) => byte ^ mask[i & 3]!);
  return Buffer.concat([Buffer.from(head), extended, mask ?? Buffer.alloc(0), masked]);
}

const text = fc.string({ minLength: 0, maxLength: 600, unit: "binary" }).map((string) => Buffer.from(string));
const long = fc.string({ minLength: 126, maxLength: 900 }).map((string) => Buffer.from(string));
const bytes = (maxLength: number) => fc.uint8Array({ minLength: 0, maxLength });
const mask = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.constant(new Uint8Array(4)));

/** Mostly whole text messages, and whatever else a peer may send, right and wrong. */
const anyFrame = fc.oneof(
  { weight: 8, arbitrary: fc.record({ payload: long, mask }) },
  { weight: 2, arbitrary: fc.record({ payload: text, mask }) },
  { weight: 1, arbitrary: fc.record({ payload: fc.uint8Array({ minLength: 126, maxLength: 200 }), mask }) },
  { weight: 1, arbitrary: fc.record({ payload: bytes(400), mask, opcode: fc.constant(2) }) },
  { weight: 1, arbitrary: fc.record({ payload: bytes(125), mask, opcode: fc.constantFrom(9, 10) }) },
  { weight: 1, arbitrary: fc.record({ payload: text, mask, final: fc.constant(false) }) },
  { weight: 1, arbitrary: fc.record({ payload: text, mask, opcode: fc.constant(0), final: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<FrameParts>(
      { payload: Buffer.alloc(MAX_PAYLOAD, "a") },
      { payload: Buffer.alloc(MAX_PAYLOAD + 1, "a") },
      { payload: Buffer.alloc(200, "a"), mask: null },
      { payload: Buffer.alloc(200, "a"), reserved: 4 },
      { payload: Buffer.alloc(200, "a"), opcode: 3 },
      { payload: Buffer.from([3, 232]), opcode: 8 },
      { payload: Buffer.alloc(0), opcode: 8 },
    ),
  },
);

/** Cuts bytes into chunks as a network does. */
function cut(all: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (all.length + 1)))].sort((a, b) => a - b);
  return [...at, all.length].map((end, i) => all.subarray(at[i - 1] ?? 0, end)).filter(({ length }) => length > 0);
}

describe("frames read beside ws", () => {
  it("give the events of ws, whatever comes and however it is cut", async () => {
    const places = fc.array(fc.nat(20_000), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyFrame, { minLength: 1, maxLength: 12 }),
        places,
        fc.boolean(),
        async (frames, cuts, whole) => {
          const [theirs, ours] = [await open(), await open()];
          readFramesDirectly(ours.socket);
          const chunks = whole ? frames.map(frame) : cut(Buffer.concat(frames.map(frame)), cuts);
          for (const chunk of chunks) {
            // ws has stopped listening after a close or an error.
            for (const { put } of [theirs, ours]) put(chunk);
          }
          await nextTurn();
          expect(ours.events).toEqual(theirs.events);
          expect(ours.socket.readyState).toBe(theirs.socket.readyState);
          for (const { socket } of [theirs, ours]) socket.terminate();
        },
      ),
      { numRuns: 150 },
    );
  });

  it("do not go through the receiver of ws", async () => {
    const { socket, events, byWs, put } = await open();
    readFramesDirectly(socket);
    const message = Buffer.alloc(1_340, "m");
    for (const count of [1, 3]) put(Buffer.concat(Array(count).fill(frame({ payload: message }))));
    expect(events).toEqual(Array(4).fill(`text ${message.toString("hex")}`));
    expect(byWs).not.toHaveBeenCalled();
    // The rest of what was cut goes to ws, and the next whole one is read here again.
    const two = Buffer.concat(Array(2).fill(frame({ payload: message })));
    put(two.subarray(0, 2_000));
    put(two.subarray(2_000));
    expect(byWs).toHaveBeenCalledTimes(2);
    put(frame({ payload: message }));
    expect(byWs).toHaveBeenCalledTimes(2);
    expect(events).toHaveLength(7);
  });

  it("are not seen in the middle of another", async () => {
    const within = frame({ payload: Buffer.alloc(200, "w") });
    const outer = frame({ payload: within, mask: new Uint8Array(4) });
    // One byte of a head, and behind it what is its second byte and the beginning of a frame.
    const one = Buffer.concat([Buffer.from([0x81]), within]);
    for (const [all, at] of [
      [outer, 8],
      [one, 1],
    ] as const) {
      const [theirs, ours] = [await open(), await open()];
      readFramesDirectly(ours.socket);
      for (const { put } of [theirs, ours]) {
        put(all.subarray(0, at));
        put(all.subarray(at));
      }
      await nextTurn();
      expect(theirs.events).toHaveLength(1);
      expect(ours.events).toEqual(theirs.events);
    }
  });

  it("come from sockets of ws on the server's side alone, once", async () => {
    const { socket } = await open();
    const inside = socket as unknown as { _receiver: { write: unknown } };
    readFramesDirectly(socket);
    const { write } = inside._receiver;
    readFramesDirectly(socket);
    expect(inside._receiver.write).toBe(write);
    const fake = new FakeSocket();
    const before = Object.keys(fake);
    readFramesDirectly(fake);
    expect(Object.keys(fake)).toEqual(before);
  });
});
