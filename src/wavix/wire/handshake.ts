import { type HandshakeSocket, Inbox } from "./inbox.ts";
import { type ConnectedMessage, parseWavixMessage, readJsonObject, type StartMessage } from "./messages.ts";

/** Longest time a timer can wait, in ms. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** All optional. */
export interface HandshakeOptions {
  /** How long to wait for `start` or the first media, in ms. Default 10,000. */
  timeoutMs?: number | undefined;
  /** Gives up when aborted. */
  signal?: AbortSignal | undefined;
}

/** A stream that has begun, and whatever it has already said. */
export interface Handshake {
  /** Null if it never came before the rest. */
  readonly connected: ConnectedMessage | null;
  /** Null if media came without it. */
  readonly start: StartMessage | null;
  /** From `start`, else from the first media; undefined if neither names it. */
  readonly streamId: string | undefined;
  readonly callId: string | undefined;
  /** Messages that came and were not handed over yet, oldest first; without `connected` and `start`. */
  readonly early: readonly (string | Uint8Array)[];
  /** Messages lost because nobody attached in time, or because they were neither text nor bytes. */
  readonly earlyDroppedCount: number;
  /**
   * Hands the early messages over, in order, before it returns, and each later one as it comes; `onClose` is called once
   * when the socket is closed, also if it was closed before. Attaching again replaces the listeners.
   */
  attach(onMessage: (data: string | Uint8Array) => void, onClose?: () => void): void;
  /** Takes the listeners off the socket; what comes from then on is the caller's to read. */
  detach(): void;
}

/** `aborted`, `socket-closed` and `socket-error` before the stream began; `stopped` by Wavix; `timeout`. */
export type HandshakeErrorCode = "aborted" | "socket-closed" | "socket-error" | "stopped" | "timeout";

/**
 * The stream did not begin.
 *
 * @example
 * await readHandshake(socket).catch((error) => error instanceof HandshakeError && error.code); // "timeout"
 */
export class HandshakeError extends Error {
  override readonly name = "HandshakeError";
  readonly code: HandshakeErrorCode;

  constructor(code: HandshakeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Waits until a Wavix stream begins on a socket: for `start`, with or without `connected` before it, or for media that
 * comes without `start`. Call it in the same turn in which the socket was opened. No message is lost between it and
 * `attach`. When it fails the socket is left open, for the caller to close.
 *
 * @throws HandshakeError; TypeError | RangeError when `timeoutMs` is no number of milliseconds.
 * @example
 * wss.on("connection", async (socket) => {
 *   const stream = await readHandshake(socket, { timeoutMs: 5_000 });
 *   const serializer = new WavixFrameSerializer({ streamId: stream.streamId });
 *   serializer.setup(new StartFrame({ audioInSampleRate: 16000 }));
 *   stream.attach((data) => bot.receive(serializer.deserialize(data)), () => serializer.close());
 * });
 */
export function readHandshake(socket: HandshakeSocket, options: HandshakeOptions = {}): Promise<Handshake> {
  const { timeoutMs = 10_000, signal } = options;
  return new Promise((resolve, reject) => {
    if (typeof timeoutMs !== "number") throw new TypeError(`timeoutMs must be a number, got ${typeof timeoutMs}`);
    if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
      throw new RangeError(`timeoutMs must be above 0 and at most ${MAX_TIMEOUT_MS}, got ${timeoutMs}`);
    }
    if (signal?.aborted) throw new HandshakeError("aborted", "the handshake was aborted", { cause: signal.reason });
    if (socket.readyState > 1) throw new HandshakeError("socket-closed", "the socket is closed");

    const inbox = new Inbox(socket);
    let connected: ConnectedMessage | null = null;

    const fail = (code: HandshakeErrorCode, message: string, cause?: unknown) => {
      settle();
      inbox.detach();
      reject(new HandshakeError(code, message, cause === undefined ? undefined : { cause }));
    };
    const succeed = (start: StartMessage | null, streamId: string | undefined, callId: string | undefined) => {
      settle();
      resolve(openHandshake(inbox, { connected, start, streamId, callId }));
    };
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      inbox.watch(null);
    };
    const onAbort = () => fail("aborted", "the handshake was aborted", signal?.reason);

    const timer = setTimeout(() => fail("timeout", `no stream began within ${timeoutMs} ms`), timeoutMs);
    signal?.addEventListener("abort", onAbort);
    inbox.watch({
      onClose: () => fail("socket-closed", "the socket was closed before a stream began"),
      onError: (cause) => fail("socket-error", "the socket failed before a stream began", cause),
      onMessage: (data) => {
        const object = readJsonObject(data);
        const message = typeof object === "string" ? null : parseWavixMessage(object);
        if (message?.event === "connected") {
          connected = message;
          return "taken";
        }
        if (message?.event === "start") {
          succeed(message, message.stream_id, message.call_id);
          return "taken";
        }
        if (message?.event === "media") succeed(null, message.stream_id, message.call_id);
        if (message?.event === "stop") fail("stopped", "the stream was stopped before it began");
        return "kept";
      },
    });
  });
}

function openHandshake(inbox: Inbox, facts: Pick<Handshake, "connected" | "start" | "streamId" | "callId">): Handshake {
  return {
    ...facts,
    get early() {
      return [...inbox.messages];
    },
    get earlyDroppedCount() {
      return inbox.droppedCount;
    },
    attach: (onMessage, onClose) => inbox.attach(onMessage, onClose),
    detach: () => inbox.detach(),
  };
}
