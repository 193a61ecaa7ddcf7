import type { DeepgramTransport } from "@deepgram/sdk";
import { WebSocket } from "ws";

/** What became of a connection, or of the attempt to have one. */
export interface ConnectionLoss {
  /** One line, for people; nothing secret. */
  readonly text: string;
  /** Another attempt would end the same way. */
  readonly isFinal: boolean;
}

/** Told by a connection: `opened` at most once, then messages, at last `lost`, once. */
export interface ConnectionListener {
  opened(): void;
  /** Parsed JSON, or the text when it is none. */
  message(value: unknown): void;
  lost(loss: ConnectionLoss): void;
}

export interface ConnectionOptions {
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly model: string;
  /** Of the query, beside the model. */
  readonly parameters: Readonly<Record<string, string | readonly string[]>>;
  readonly connectTimeoutMs: number;
}

/** What both of the SDK's streaming sockets have, as far as it is used. */
interface ListenSocket {
  on(event: "message", listener: (message: unknown) => void): void;
  connect(): unknown;
  close(): void;
  sendMedia(audio: Uint8Array): void;
  sendCloseStream(message: { type: "CloseStream" }): void;
  sendKeepAlive?(message: { type: "KeepAlive" }): void;
}

// Transcripts are a few kB; ws would take 100 MiB.
const MAX_MESSAGE_BYTES = 1 << 20;
// Bad requests, bad keys, no money, no such thing: the same next time.
const FINAL_STATUSES = [400, 401, 402, 403, 404];

/**
 * One connection to `/v1/listen` (nova), or `/v2/listen` for Flux, through the SDK.
 *
 * The SDK makes the URL, the headers and the messages; the socket beneath is ours, through its `transportFactory`. Its own
 * reports a refused key as a close with code 1000 and an error with the status in its text alone, tries again by itself
 * while the audio that comes is lost, offers permessage-deflate, takes messages of 100 MiB, and when it is closed its timer
 * for an answer stays for 30 s.
 *
 * @example
 * const connection = new ListenConnection(options, { opened: () => connection.sendAudio(bytes), message: console.log, lost: console.error });
 */
export class ListenConnection {
  readonly #options: ConnectionOptions;
  readonly #listener: ConnectionListener;
  #listen: ListenSocket | undefined;
  #socket: WebSocket | undefined;
  #isOver = false;

  constructor(options: ConnectionOptions, listener: ConnectionListener) {
    this.#options = options;
    this.#listener = listener;
    void this.#connect();
  }

  /** Bytes that wait in the socket: it takes less than it is given. */
  get bufferedBytes(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Only between `opened` and `lost`. */
  sendAudio(audio: Uint8Array): void {
    this.#listen?.sendMedia(audio);
  }

  /** @returns false where the service knows no such message: Flux closes the connection on it */
  keepAlive(): boolean {
    this.#listen?.sendKeepAlive?.({ type: "KeepAlive" });
    return this.#listen?.sendKeepAlive !== undefined;
  }

  /** Gives it up: `lost` follows at once. */
  drop(text: string): void {
    this.#lose({ text, isFinal: false });
  }

  /** Says goodbye, waits for the service's, at most `graceMs`. `lost` does not follow. */
  async close(graceMs: number): Promise<void> {
    const socket = this.#socket;
    const wasOver = this.#isOver;
    this.#isOver = true;
    if (!wasOver && socket?.readyState === WebSocket.OPEN) {
      this.#listen?.sendCloseStream({ type: "CloseStream" });
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        socket.once("close", () => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    this.#letGo();
  }

  async #connect(): Promise<void> {
    try {
      const { DeepgramClient } = await loadSdk();
      if (this.#isOver) return;
      const { apiKey, baseUrl, model, parameters } = this.#options;
      const client = new DeepgramClient({ apiKey, baseUrl, transportFactory: this.#transport });
      const { listen } = client;
      const args = { model, queryParams: parameters, reconnectAttempts: 0 };
      const socket: ListenSocket = model.startsWith("flux-")
        ? await listen.v2.connect(args)
        : await listen.v1.connect(args);
      if (this.#isOver) return;
      this.#listen = socket;
      socket.on("message", (message) => {
        if (!this.#isOver) this.#listener.message(message);
      });
      socket.connect();
    } catch (error) {
      this.#lose({ text: error instanceof Error ? error.message : String(error), isFinal: true });
    }
  }

  readonly #transport = (url: string, headers: Record<string, string>): DeepgramTransport => {
    const socket = new WebSocket(url, {
      headers,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      handshakeTimeout: this.#options.connectTimeoutMs,
    });
    this.#socket = socket;
    socket.on("unexpected-response", (request, response) => {
      response.resume();
      request.destroy();
      this.#lose(refusal(response.statusCode ?? 0, response.headers["dg-error"]));
    });
    socket.on("error", (error) => this.#lose({ text: error.message, isFinal: false }));
    socket.on("close", (code, reason) => {
      const why = reason.length === 0 ? "" : `: ${oneLine(String(reason))}`;
      this.#lose({ text: `closed with code ${code}${why}`, isFinal: false });
    });
    return {
      // The SDK's own listener comes first: when `opened` is told, it lets through what is sent.
      onOpen: (listener) => {
        socket.on("open", listener);
        socket.on("open", () => {
          if (!this.#isOver) this.#listener.opened();
        });
      },
      onMessage: (listener) => {
        socket.on("message", (data, isBinary) => listener(isBinary ? "binary" : String(data)));
      },
      onError: () => {},
      onClose: () => {},
      isOpen: () => socket.readyState === WebSocket.OPEN,
      send: (data) => socket.send(data as string | Uint8Array),
      close: () => {},
    };
  };

  #lose(loss: ConnectionLoss): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#letGo();
    this.#listener.lost(loss);
  }

  /** Nothing is left behind, neither a timer of the SDK's nor one of the socket's. */
  #letGo(): void {
    this.#listen?.close();
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    socket.removeAllListeners();
    socket.on("error", () => {}); // one that was still connecting says so
    socket.terminate();
  }
}

/** Loads the SDK, which takes some 300 ms the first time: worth doing before the first call. */
export async function loadSdk(): Promise<typeof import("@deepgram/sdk")> {
  try {
    return await import("@deepgram/sdk");
  } catch (cause) {
    throw new Error("the package @deepgram/sdk is missing: npm install @deepgram/sdk", { cause });
  }
}

function refusal(status: number, detail: string | string[] | undefined): ConnectionLoss {
  const isFinal = FINAL_STATUSES.includes(status);
  if (status === 401 || status === 403) return { text: `HTTP ${status}: check DEEPGRAM_API_KEY`, isFinal };
  return { text: detail === undefined ? `HTTP ${status}` : `HTTP ${status}: ${oneLine(String(detail))}`, isFinal };
}

function oneLine(text: string): string {
  return text.replace(/[\p{C}\s]+/gu, " ").slice(0, 200);
}
