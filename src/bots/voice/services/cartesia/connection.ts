import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import type { CartesiaCounters } from "./counters.ts";
import { CartesiaError } from "./errors.ts";
import { type CartesiaAnswer, readAnswer } from "./messages.ts";
import { API_VERSION, type CartesiaSettings } from "./options.ts";

/** What becomes of a connection. */
export interface ConnectionHandlers {
  /** It is there, or there again. */
  ready(): void;
  answer(answer: CartesiaAnswer): void;
  /** It was there, and is not any more; another one is being made. */
  lost(): void;
  /** It cannot be had. */
  failed(error: CartesiaError): void;
}

const HANDSHAKE_MS = 5_000;
const CLOSE_MS = 1_000;
const MAX_RETRY_DELAY_MS = 4_000;
/** A chunk of audio has some 10 kB. */
const MAX_MESSAGE_BYTES = 4 << 20;
/** A connection that has died without a word is found out between turns, not in one. */
const PING_MS = 20_000;
/** After so long a connection was a good one, though nothing was said on it. */
const SETTLED_MS = 30_000;
/** Nobody is helped by asking again. */
const FINAL_STATUSES = [400, 401, 402, 403, 404];

/**
 * A WebSocket to Cartesia that is kept up: lost, it is made again, a bounded number of times with growing waits. Cartesia
 * closes one on which nothing was said for 5 minutes; the next is there before it is missed.
 */
export class CartesiaConnection {
  readonly #settings: CartesiaSettings;
  readonly #counters: CartesiaCounters;
  readonly #handlers: ConnectionHandlers;
  #socket: WebSocket | undefined;
  #state: "new" | "up" | "down" | "over" = "new";
  #failures = 0;
  #hadConnection = false;
  #isHeldBack = false;
  #isProven = false;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #pingTimer: ReturnType<typeof setInterval> | undefined;
  #settledTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(settings: CartesiaSettings, counters: CartesiaCounters, handlers: ConnectionHandlers) {
    this.#settings = settings;
    this.#counters = counters;
    this.#handlers = handlers;
  }

  get isUp(): boolean {
    return this.#state === "up";
  }

  /** Whether nothing is read at the moment. */
  get isHeldBack(): boolean {
    return this.#isHeldBack;
  }

  open(): void {
    if (this.#state === "new") this.#connect();
  }

  /** @returns false when there is no connection: nothing was sent */
  send(message: Record<string, unknown>): boolean {
    // Cartesia has said goodbye; ws waits up to 30 s for it to hang up too.
    if (this.#socket?.readyState === WebSocket.CLOSING) this.#socket.terminate();
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Reads no further, so that Cartesia has to wait. */
  holdBack(): void {
    this.#isHeldBack = true;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.pause();
  }

  letGo(): void {
    this.#isHeldBack = false;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.resume();
  }

  /** Gives up a connection on which nothing comes, for another. */
  renew(): void {
    this.#socket?.terminate();
  }

  close(): void {
    this.#state = "over";
    this.#clearTimers();
    clearTimeout(this.#retryTimer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket?.readyState === WebSocket.OPEN) {
      socket.resume();
      socket.close(1000);
      // A server that does not answer the close holds nothing up.
      const timer = setTimeout(() => socket.terminate(), CLOSE_MS);
      socket.on("close", () => clearTimeout(timer));
    } else socket?.terminate();
  }

  #connect(): void {
    this.#state = "down";
    const { apiKey, baseUrl } = this.#settings;
    const url = `${baseUrl.replace(/^http/, "ws").replace(/\/+$/, "")}/tts/websocket`;
    const socket = new WebSocket(url, {
      headers: { "X-API-Key": apiKey, "Cartesia-Version": API_VERSION },
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    let refusal: number | undefined;
    let reason: unknown;
    socket.on("unexpected-response", (_request, response: IncomingMessage) => {
      refusal = response.statusCode;
      response.resume();
      socket.terminate();
    });
    socket.on("error", (error) => {
      reason ??= error;
    });
    socket.on("open", () => this.#opened(socket));
    socket.on("message", (data) => this.#message(String(data)));
    socket.on("close", () => {
      if (this.#socket === socket) this.#closed(refusal, reason);
    });
  }

  #opened(socket: WebSocket): void {
    this.#state = "up";
    if (this.#hadConnection) this.#counters.reconnects++;
    this.#hadConnection = true;
    this.#isProven = false;
    this.#settledTimer = setTimeout(() => {
      this.#isProven = true;
    }, SETTLED_MS);
    let isAlive = true;
    socket.on("pong", () => {
      isAlive = true;
    });
    this.#pingTimer = setInterval(() => {
      // Held back, its pong is not read.
      if (this.#isHeldBack) isAlive = true;
      else if (!isAlive) socket.terminate();
      else {
        isAlive = false;
        socket.ping();
      }
    }, PING_MS);
    if (this.#isHeldBack) socket.pause();
    this.#handlers.ready();
  }

  #message(text: string): void {
    if (this.#state === "over") return;
    const answer = readAnswer(text);
    if (answer === undefined) {
      this.#counters.malformed_messages++;
    } else if (answer.type === "unknown") {
      this.#counters.unknown_messages++;
    } else {
      this.#isProven = true;
      this.#handlers.answer(answer);
    }
  }

  #closed(refusal: number | undefined, cause: unknown): void {
    const wasUp = this.#state === "up";
    this.#clearTimers();
    this.#socket = undefined;
    this.#state = "down";
    if (wasUp && this.#isProven) this.#failures = 0;
    const isFinal = refusal !== undefined && FINAL_STATUSES.includes(refusal);
    this.#failures++;
    if (isFinal || this.#failures > this.#settings.maxAttempts) {
      this.#state = "over";
      if (wasUp) this.#handlers.lost();
      this.#handlers.failed(failure(refusal, this.#failures, cause));
      return;
    }
    // One that was there is made again at once: most were closed because nothing was said.
    const { retryDelayMs } = this.#settings;
    const delayMs =
      Math.min(MAX_RETRY_DELAY_MS, retryDelayMs * 2 ** (this.#failures - 1)) * (0.8 + 0.4 * Math.random());
    const isFirst = wasUp && this.#failures === 1;
    this.#retryTimer = setTimeout(() => this.#connect(), isFirst ? 0 : delayMs);
    if (wasUp) this.#handlers.lost();
  }

  #clearTimers(): void {
    clearInterval(this.#pingTimer);
    clearTimeout(this.#settledTimer);
  }
}

function failure(status: number | undefined, attempts: number, cause: unknown): CartesiaError {
  if (status === 401 || status === 403) {
    return new CartesiaError("CARTESIA_REFUSED", `Cartesia refuses the key (HTTP ${status}): check CARTESIA_API_KEY`);
  }
  if (status !== undefined && FINAL_STATUSES.includes(status)) {
    return new CartesiaError(
      "CARTESIA_REFUSED",
      `Cartesia refuses the connection (HTTP ${status}): check the base URL`,
    );
  }
  const why = status === undefined ? codeOf(cause) : `HTTP ${status}`;
  return new CartesiaError("CARTESIA_UNREACHABLE", `no connection to Cartesia after ${attempts} attempts (${why})`, {
    cause,
  });
}

function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "closed";
}
