import { WebSocket } from "ws";
import { readServerEvent, type ServerEvent } from "./server-event.ts";

/** Why a session is not there, or not any more. */
export class LinkError extends Error {
  override readonly name = "LinkError";
  /** It would be the same the next time: a wrong key, a wrong setting. */
  readonly isFinal: boolean;
  /** It was its time: sessions last 60 minutes. */
  readonly isExpiry: boolean;

  constructor(message: string, options: { isFinal?: boolean; isExpiry?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.isFinal = options.isFinal ?? false;
    this.isExpiry = options.isExpiry ?? false;
  }
}

export interface LinkOptions {
  readonly url: string;
  readonly apiKey: string;
  /** `session` of the `session.update`. */
  readonly session: Readonly<Record<string, unknown>>;
  readonly connectTimeoutMs: number;
  readonly counters: LinkCounters;
  /** Told of what the service says once the session is there. */
  onEvent(event: ServerEvent): void;
}

export interface LinkCounters {
  /** Messages that were none. */
  malformed_messages: number;
  /** Caller's audio that a socket did not take, in ms. */
  dropped_audio_ms: number;
}

/** The longest message seen is a delta of some 50 kB; the whole session comes back in one too. */
const MAX_MESSAGE_BYTES = 4 << 20;
/** A socket that holds so much does not drain: 16 s of audio. */
const MAX_BUFFERED_BYTES = 1 << 20;
const PING_MS = 15_000;
/** HTTP statuses that stay. */
const FINAL_STATUSES: readonly (number | undefined)[] = [400, 401, 403, 404];
/** Error codes that stay. */
const FINAL_CODE = /^(invalid_api_key|model_not_found|insufficient_quota|billing_\w+|account_\w+)$/;
/** Error codes that pass, also while a session is set up. */
const PASSING_CODE = /^(server_error|internal_\w+|rate_limit_\w+|overloaded\w*|timeout)$/;

/**
 * One session with the service, from its connection to its loss. `ready` settles when it is set up, `lost` when it is gone;
 * neither of them rejects.
 */
export class RealtimeLink {
  /** Undefined when it is set up, otherwise why it is not. */
  readonly ready: Promise<LinkError | undefined>;
  readonly lost: Promise<LinkError>;
  /** How much of the caller's audio it was sent, in ms. */
  sentMs = 0;
  isReady = false;
  readonly #socket: WebSocket;
  readonly #options: LinkOptions;
  readonly #connectTimer: NodeJS.Timeout;
  #pingTimer: NodeJS.Timeout | undefined;
  #isAlive = true;
  #isLost = false;
  #setReady!: (why: LinkError | undefined) => void;
  #setLost!: (why: LinkError) => void;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.ready = new Promise((resolve) => {
      this.#setReady = resolve;
    });
    this.lost = new Promise((resolve) => {
      this.#setLost = resolve;
    });
    const socket = new WebSocket(options.url, {
      headers: { authorization: `Bearer ${options.apiKey}` },
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
    });
    this.#socket = socket;
    this.#connectTimer = setTimeout(
      () => this.fail(new LinkError(`OpenAI gave no session within ${options.connectTimeoutMs} ms`)),
      options.connectTimeoutMs,
    );
    socket.on("unexpected-response", (_request, { statusCode }) => {
      const isFinal = FINAL_STATUSES.includes(statusCode);
      this.fail(new LinkError(`OpenAI refused the session (HTTP ${statusCode})`, { isFinal }));
    });
    socket.on("error", (cause) => {
      const { code } = cause as { code?: unknown };
      const why = typeof code === "string" ? code : "no WebSocket";
      this.fail(new LinkError(`the connection to OpenAI failed (${why})`, { cause }));
    });
    socket.on("close", (code) => this.fail(new LinkError(`the connection to OpenAI was closed (${code})`)));
    socket.on("pong", () => {
      this.#isAlive = true;
    });
    socket.on("message", (data) => this.#message(String(data)));
  }

  send(event: Readonly<Record<string, unknown>>): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(event));
  }

  /**
   * The caller's audio, PCM16 at 24 kHz.
   *
   * @returns false when nobody hears it any more
   */
  sendAudio(audio: Uint8Array): boolean {
    if (this.#socket.readyState !== WebSocket.OPEN) {
      // The service has said goodbye; ws waits up to 30 s for it to hang up too.
      this.fail(new LinkError("the connection to OpenAI is being closed"));
      return false;
    }
    const durationMs = audio.byteLength / 48;
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) {
      this.#options.counters.dropped_audio_ms += durationMs;
      return true;
    }
    this.sentMs += durationMs;
    const base64 = Buffer.from(audio.buffer, audio.byteOffset, audio.byteLength).toString("base64");
    this.#socket.send(`{"type":"input_audio_buffer.append","audio":"${base64}"}`);
    return true;
  }

  /** It is of no use any more. */
  fail(why: LinkError): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.isReady = false;
    clearTimeout(this.#connectTimer);
    clearInterval(this.#pingTimer);
    this.#socket.terminate();
    this.#setReady(why);
    this.#setLost(why);
  }

  #message(data: string): void {
    if (this.#isLost) return;
    const event = readServerEvent(data);
    if (event === null) {
      this.#options.counters.malformed_messages++;
      return;
    }
    if (event.type === "session-created") {
      this.send({ type: "session.update", session: this.#options.session });
    } else if (event.type === "session-updated") {
      this.#established();
    } else if (event.type === "error" && event.code === "session_expired") {
      this.fail(new LinkError("the session with OpenAI has reached its longest duration", { isExpiry: true }));
    } else if (event.type === "error" && (!this.isReady || FINAL_CODE.test(event.code))) {
      const what = event.param === "" ? event.code : `${event.code}: ${event.param}`;
      const isFinal = !PASSING_CODE.test(event.code);
      this.fail(new LinkError(`OpenAI refused the session (${what})`, { isFinal }));
    } else if (this.isReady) this.#options.onEvent(event);
  }

  #established(): void {
    if (this.isReady) return;
    this.isReady = true;
    clearTimeout(this.#connectTimer);
    this.#pingTimer = setInterval(() => {
      if (!this.#isAlive) this.fail(new LinkError("the connection to OpenAI is dead"));
      this.#isAlive = false;
      if (!this.#isLost) this.#socket.ping();
    }, PING_MS);
    this.#setReady(undefined);
  }
}
