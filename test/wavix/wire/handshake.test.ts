import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { type Handshake, HandshakeError, readHandshake } from "../../../src/wavix/wire/handshake.ts";

const CONNECTED = '{"event":"connected","event_time":"2024-01-15T10:30:00Z"}';
const START =
  '{"event":"start","event_time":"2024-01-15T10:30:00Z","call_id":"abc-123","stream_id":"str-456","stream_type":"twoway","channel":"both","sequence_number":1}';
const STOP = '{"event":"stop","stream_id":"str-456"}';
const media = (chunk: number) =>
  `{"event":"media","call_id":"abc-123","stream_id":"str-456","media":{"payload":"AAAA","track":"inbound","chunk":${chunk}}}`;

/** A socket whose events are made by hand; knows how many listeners it has. */
class FakeSocket {
  readyState = 1;
  readonly listeners = { message: new Set<Listener>(), close: new Set<Listener>(), error: new Set<Listener>() };

  addEventListener(type: "message" | "close" | "error", listener: Listener): void {
    this.listeners[type].add(listener);
  }

  removeEventListener(type: "message" | "close" | "error", listener: Listener): void {
    this.listeners[type].delete(listener);
  }

  emit(type: "message" | "close" | "error", event: object = {}): void {
    for (const listener of [...this.listeners[type]]) listener(event as never);
  }

  receive(...messages: unknown[]): void {
    for (const data of messages) this.emit("message", { data });
  }

  close(): void {
    this.readyState = 3;
    this.emit("close");
  }
}
type Listener = (event: never) => void;

/** Attaches and collects what comes. */
function collect(handshake: Handshake): (string | Uint8Array)[] {
  const messages: (string | Uint8Array)[] = [];
  handshake.attach((data) => messages.push(data));
  return messages;
}

/** The code of the HandshakeError a promise is rejected with. */
async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => "no error",
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HandshakeError);
  return (error as HandshakeError).code;
}

describe("how a stream begins", () => {
  test("connected, then start", async () => {
    const socket = new FakeSocket();
    const promise = readHandshake(socket);
    socket.receive(CONNECTED, START);
    const handshake = await promise;
    expect(handshake).toMatchObject({ streamId: "str-456", callId: "abc-123", early: [], earlyDroppedCount: 0 });
    expect(handshake.connected).toEqual(JSON.parse(CONNECTED));
    expect(handshake.start).toEqual(JSON.parse(START));
    handshake.detach();
  });

  test("start without connected", async () => {
    const socket = new FakeSocket();
    const promise = readHandshake(socket);
    socket.receive(new TextEncoder().encode(START));
    expect(await promise).toMatchObject({ connected: null, streamId: "str-456", callId: "abc-123" });
  });

  test("media without start: the ids come from the media, the media is not lost", async () => {
    const socket = new FakeSocket();
    const promise = readHandshake(socket);
    socket.receive(CONNECTED, media(1));
    const handshake = await promise;
    expect(handshake).toMatchObject({ start: null, streamId: "str-456", callId: "abc-123", early: [media(1)] });
    socket.receive(START);
    expect(collect(handshake)).toEqual([media(1), START]);
  });

  test("start without ids", async () => {
    const socket = new FakeSocket();
    const promise = readHandshake(socket);
    socket.receive('{"event":"start"}');
    expect(await promise).toMatchObject({ start: { event: "start" }, streamId: undefined, callId: undefined });
  });

  test("garbage before start is kept for the caller and does no harm", async () => {
    const socket = new FakeSocket();
    const promise = readHandshake(socket);
    const garbage = [
      "",
      "{",
      "[]",
      "null",
      '{"event":"dtmf"}',
      '{"event":"media","media":null}',
      new Uint8Array([255]),
    ];
    socket.receive(...garbage, START);
    expect((await promise).early).toEqual(garbage);
  });
});

describe("the hand-over", () => {
  test("loses nothing that came early, and keeps the order", async () => {
    const socket = new FakeSocket();
    const promise = readHandshake(socket);
    socket.receive(CONNECTED, START, media(1));
    const handshake = await promise;
    socket.receive(media(2), media(3));
    const messages = collect(handshake);
    expect(messages).toEqual([media(1), media(2), media(3)]);
    expect(handshake.early).toEqual([]);
    socket.receive(media(4));
    expect(messages.at(-1)).toBe(media(4));
  });

  test("keeps the order also when a message arrives while the early ones are handed over", async () => {
    const socket = new FakeSocket();
    const promise = readHandshake(socket);
    socket.receive(START, media(1), media(2));
    const seen: unknown[] = [];
    (await promise).attach((data) => {
      if (seen.push(data) === 1) socket.receive(media(3));
    });
    socket.receive(media(4));
    expect(seen).toEqual([media(1), media(2), media(3), media(4)]);
  });

  test("a listener that throws loses only the message it threw at", async () => {
    const socket = new FakeSocket();
    const promise = readHandshake(socket);
    socket.receive(START, media(1), media(2));
    const handshake = await promise;
    expect(() =>
      handshake.attach(() => {
        throw new Error("not ready");
      }),
    ).toThrow("not ready");
    expect(collect(handshake)).toEqual([media(2)]);
  });

  test("tells of a close that came before anybody attached, once, after the messages", async () => {
    const socket = new FakeSocket();
    const promise = readHandshake(socket);
    socket.receive(START, media(1));
    const handshake = await promise;
    socket.receive(STOP);
    socket.close();
    const seen: unknown[] = [];
    handshake.attach(
      (data) => seen.push(data),
      () => seen.push("closed"),
    );
    expect(seen).toEqual([media(1), STOP, "closed"]);
    socket.emit("close");
    expect(seen).toHaveLength(3);
  });

  test("tells of a later close, once", async () => {
    const socket = new FakeSocket();
    const promise = readHandshake(socket);
    socket.receive(START);
    const onClose = vi.fn();
    (await promise).attach(() => {}, onClose);
    expect(onClose).not.toHaveBeenCalled();
    socket.close();
    socket.emit("close");
    expect(onClose).toHaveBeenCalledTimes(1);
  });

  test("detach leaves the socket to the caller, with the messages kept so far", async () => {
    const socket = new FakeSocket();
    const promise = readHandshake(socket);
    socket.receive(START, media(1));
    const handshake = await promise;
    handshake.detach();
    socket.receive(media(2));
    expect(handshake.early).toEqual([media(1)]);
    expect(socket.listeners.message.size + socket.listeners.close.size).toBe(0);
  });

  test("keeps 30 s of media at most: the oldest goes, counted", async () => {
    const socket = new FakeSocket();
    const promise = readHandshake(socket);
    socket.receive(START);
    const handshake = await promise;
    for (let chunk = 1; chunk <= 1503; chunk++) socket.receive(media(chunk));
    expect(handshake.earlyDroppedCount).toBe(3);
    expect(handshake.early).toHaveLength(1500);
    expect(handshake.early[0]).toBe(media(4));
    expect(handshake.early.at(-1)).toBe(media(1503));
  });

  test("keeps 4 MiB at most", async () => {
    const socket = new FakeSocket();
    const promise = readHandshake(socket);
    socket.receive(START);
    const handshake = await promise;
    for (let i = 0; i < 5; i++) socket.receive(new Uint8Array(1024 * 1024).fill(i));
    expect(handshake.earlyDroppedCount).toBe(1);
    expect(handshake.early.map((data) => data[0])).toEqual([1, 2, 3, 4]);
  });

  test("has room again for what was handed over", async () => {
    const socket = new FakeSocket();
    const promise = readHandshake(socket);
    socket.receive(START, ...Array.from({ length: 4 }, () => new Uint8Array(1024 * 1024)));
    const handshake = await promise;
    expect(() =>
      handshake.attach(() => {
        throw new Error("not ready");
      }),
    ).toThrow("not ready");
    socket.receive(new Uint8Array(1024 * 1024));
    expect([handshake.early.length, handshake.earlyDroppedCount]).toEqual([4, 0]);
  });

  test("takes an ArrayBuffer as bytes and counts what cannot be read", async () => {
    const socket = new FakeSocket();
    const promise = readHandshake(socket);
    socket.receive(new TextEncoder().encode(START).buffer, new Blob(["{}"]), [new Uint8Array(1)], undefined);
    expect(await promise).toMatchObject({ streamId: "str-456", early: [], earlyDroppedCount: 3 });
  });
});

describe("a stream that does not begin", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("ends at the time limit, 10 s by default, and takes its listeners off", async () => {
    const socket = new FakeSocket();
    const code = codeOf(readHandshake(socket));
    socket.receive(CONNECTED);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(socket.listeners.message.size).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await code).toBe("timeout");
    expect(socket.listeners.message.size + socket.listeners.close.size).toBe(0);
    // A ws socket that failed now would take the process down without this one.
    expect(socket.listeners.error.size).toBe(1);
    expect(() => socket.emit("error", { error: new Error("reset") })).not.toThrow();
  });

  test("ends when the socket closes", async () => {
    const socket = new FakeSocket();
    const code = codeOf(readHandshake(socket));
    socket.receive(CONNECTED);
    socket.close();
    expect(await code).toBe("socket-closed");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("ends at once when the socket is closed already", async () => {
    const socket = new FakeSocket();
    socket.readyState = 2;
    expect(await codeOf(readHandshake(socket))).toBe("socket-closed");
    expect(socket.listeners.message.size).toBe(0);
  });

  test("ends when the socket fails, with the failure as its cause", async () => {
    const socket = new FakeSocket();
    const promise = readHandshake(socket);
    const cause = new Error("reset");
    socket.emit("error", { error: cause });
    await expect(promise).rejects.toMatchObject({ name: "HandshakeError", code: "socket-error", cause });
  });

  test("ends when Wavix stops the stream", async () => {
    const socket = new FakeSocket();
    const code = codeOf(readHandshake(socket));
    socket.receive(CONNECTED, STOP);
    expect(await code).toBe("stopped");
  });

  test("ends when aborted, before or meanwhile", async () => {
    const socket = new FakeSocket();
    const controller = new AbortController();
    const promise = readHandshake(socket, { signal: controller.signal });
    const reason = new Error("draining");
    controller.abort(reason);
    await expect(promise).rejects.toMatchObject({ code: "aborted", cause: reason });
    await expect(readHandshake(socket, { signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
    expect(socket.listeners.message.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("leaves no timer and no abort listener behind when it does begin", async () => {
    const socket = new FakeSocket();
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, "removeEventListener");
    const promise = readHandshake(socket, { signal });
    socket.receive(START);
    await promise;
    expect(vi.getTimerCount()).toBe(0);
    expect(removed).toHaveBeenCalledTimes(1);
  });

  test.each([0, -1, Number.NaN, 2 ** 31])("refuses a time limit of %d ms", async (timeoutMs) => {
    await expect(readHandshake(new FakeSocket(), { timeoutMs })).rejects.toThrow(RangeError);
    await expect(readHandshake(new FakeSocket(), { timeoutMs: "5" as unknown as number })).rejects.toThrow(TypeError);
  });
});

describe("on real sockets", () => {
  test("nothing is lost that was sent in one burst with the handshake", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    const connection = new Promise<Handshake>((resolve, reject) => {
      server.on("connection", (socket) => readHandshake(socket).then(resolve, reject));
    });
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      await once(client, "open");
      client.send(CONNECTED);
      client.send(START);
      for (let chunk = 1; chunk <= 20; chunk++) client.send(media(chunk));
      const handshake = await connection;
      const messages: unknown[] = [];
      const closed = new Promise<void>((resolve) => handshake.attach((data) => messages.push(data), resolve));
      client.send(STOP);
      client.close();
      await closed;
      expect(handshake.streamId).toBe("str-456");
      expect(messages).toEqual([...Array.from({ length: 20 }, (_, i) => media(i + 1)), STOP]);
    } finally {
      client.terminate();
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test("on the side that dials, while it still connects; with the platform's own WebSocket too where there is one", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    server.on("connection", (socket) => {
      for (const message of [CONNECTED, START, media(1)]) socket.send(message);
    });
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const platform = (globalThis as unknown as { WebSocket?: new (url: string) => WebSocket }).WebSocket;
    try {
      for (const Socket of platform === undefined ? [WebSocket] : [WebSocket, platform]) {
        const socket = new Socket(url);
        const handshake = await readHandshake(socket);
        const first = await new Promise((resolve) => handshake.attach(resolve));
        expect([handshake.streamId, first]).toEqual(["str-456", media(1)]);
        handshake.detach();
        socket.close();
      }
    } finally {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
