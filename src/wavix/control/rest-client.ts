import type { z } from "zod";
import { callAnswer, callsAnswer, streamAnswer, success } from "./answers.ts";
import { WavixApiError, type WavixOperation } from "./api-error.ts";
import type { CallEvent } from "./call-event.ts";
import { requireId } from "./call-id.ts";
import type { WireRequest } from "./exchange.ts";
import {
  type AnswerOptions,
  answerBody,
  type CollectOptions,
  collectBody,
  type PlayOptions,
  playBody,
  type StreamOptions,
  streamBody,
} from "./request-bodies.ts";
import { exchangeWithRetries, type RetryLimits } from "./retry.ts";

/** Settings of a {@link WavixRestClient}. Times are in milliseconds, up to ten minutes. */
export interface WavixRestClientOptions {
  /** Sent as `Authorization: Bearer`. Without it requests go out unauthenticated, which only a simulator accepts. */
  apiKey?: string | undefined;
  /** Default `https://api.wavix.com`. A path in it is kept. */
  baseUrl?: string | undefined;
  /** Limit of one try. Default 15000. */
  timeoutMs?: number | undefined;
  /** Limit of one try to answer, which is never repeated after it. Default `timeoutMs`. */
  answerTimeoutMs?: number | undefined;
  /**
   * Limit of an operation with all its tries and the waits between. Default twice the longest limit of one try, so that
   * a silent Wavix is asked twice, and one that fails at once three times.
   */
  deadlineMs?: number | undefined;
  /** Wait before the second try; doubled before the third, and up to twice as long by chance. Default 250. */
  retryDelayMs?: number | undefined;
  /** Longest `Retry-After` that is waited for; when Wavix asks for more the operation fails at once. Default 5000. */
  maxRetryAfterMs?: number | undefined;
  /** Default the global `fetch`, which keeps connections alive. */
  fetch?: typeof fetch | undefined;
}

/** What every method takes last. */
export interface RequestOptions {
  /** Gives the request up: the method then rejects with the code `aborted`. Whether Wavix acted on it stays unknown. */
  signal?: AbortSignal | undefined;
}

/** Wavix's answers are under 1 KiB. */
const MAX_ANSWER_BYTES = 256 * 1024;
/** A list has about 450 bytes per call: room for some 9,000 calls. */
const MAX_LIST_BYTES = 4 * 1024 * 1024;

/**
 * Wavix's call control over REST: answer, stream, play, collect, hang up.
 *
 * Methods reject with a {@link WavixApiError} for whatever goes wrong at Wavix or on the way, and with a `TypeError` or
 * `RangeError` for arguments that Wavix would refuse, before anything is sent.
 *
 * A request that failed is sent again, twice at most, where that cannot do a thing twice: GET and DELETE after network
 * errors, time-outs and the statuses 429, 502, 503 and 504; POST only after 429 and 503, or when no connection stood.
 * A timed-out `answer` is therefore not repeated.
 *
 * Source: Wavix OpenAPI description, tags "Call control" and "Call streaming".
 *
 * @example
 * const client = new WavixRestClient({ apiKey: process.env.WAVIX_API_KEY });
 * await client.answer(callId, { streamUrl: "wss://bot.example.com/ws/token", streamType: "twoway" });
 * await client.hangUp(callId); // "ended", or "already-over" when the caller was faster
 */
export class WavixRestClient {
  readonly #baseUrl: string;
  readonly #headers: Record<string, string>;
  readonly #timeoutMs: number;
  readonly #answerTimeoutMs: number;
  readonly #retry: RetryLimits;
  readonly #fetch: typeof fetch;

  /** @throws TypeError or RangeError for a setting that cannot work. */
  constructor(options: WavixRestClientOptions = {}) {
    this.#baseUrl = readBaseUrl(options.baseUrl ?? "https://api.wavix.com");
    this.#headers = { accept: "application/json", ...authorization(options.apiKey) };
    this.#timeoutMs = readMs("timeoutMs", options.timeoutMs ?? 15_000, 1);
    this.#answerTimeoutMs = readMs("answerTimeoutMs", options.answerTimeoutMs ?? this.#timeoutMs, 1);
    const longestTryMs = Math.max(this.#timeoutMs, this.#answerTimeoutMs);
    this.#retry = {
      deadlineMs: readMs("deadlineMs", options.deadlineMs ?? Math.min(2 * longestTryMs, MAX_MS), 1),
      retryDelayMs: readMs("retryDelayMs", options.retryDelayMs ?? 250, 0),
      maxRetryAfterMs: readMs("maxRetryAfterMs", options.maxRetryAfterMs ?? 5_000, 0),
    };
    const send = options.fetch ?? fetch;
    this.#fetch = (input, init) => send(input, init);
  }

  /**
   * Answers an inbound call, and starts a stream in the same request when there is a `streamUrl`. The stream's id is
   * then learnt from its first messages: Wavix does not answer with it.
   */
  async answer(callId: string, options: AnswerOptions = {}, { signal }: RequestOptions = {}): Promise<void> {
    const path = `/v1/calls/${segment("callId", callId)}/answer`;
    await this.#request("answer", "POST", path, success, signal, answerBody(options));
  }

  /** Starts a stream on a call that has been answered. A call has one two-way stream at most, and five one-way. */
  async startStream(
    callId: string,
    options: StreamOptions,
    { signal }: RequestOptions = {},
  ): Promise<{ streamId: string }> {
    const path = `/v1/calls/${segment("callId", callId)}/streams`;
    const answer = await this.#request("startStream", "POST", path, streamAnswer, signal, streamBody(options));
    return { streamId: answer.stream_id };
  }

  /** Stops a stream; the call stays up. */
  async stopStream(callId: string, streamId: string, { signal }: RequestOptions = {}): Promise<void> {
    const path = `/v1/calls/${segment("callId", callId)}/streams/${segment("streamId", streamId)}`;
    await this.#request("stopStream", "DELETE", path, success, signal);
  }

  /** Ends a call. A call that Wavix does not know (404) is taken for one that is over. */
  async hangUp(callId: string, { signal }: RequestOptions = {}): Promise<"ended" | "already-over"> {
    try {
      await this.#request("hangUp", "DELETE", `/v1/calls/${segment("callId", callId)}`, success, signal);
      return "ended";
    } catch (error) {
      if (error instanceof WavixApiError && error.code === "not-found") return "already-over";
      throw error;
    }
  }

  /** What Wavix knows of a call: who, where to, and the latest event. */
  async getCall(callId: string, { signal }: RequestOptions = {}): Promise<CallEvent> {
    return (await this.#request("getCall", "GET", `/v1/calls/${segment("callId", callId)}`, callAnswer, signal)).call;
  }

  /** The account's calls in progress. */
  async listCalls({ signal }: RequestOptions = {}): Promise<CallEvent[]> {
    return (await this.#request("listCalls", "GET", "/v1/calls", callsAnswer, signal)).calls;
  }

  /** Starts to gather keypad digits. They come by webhook: an `in-call` event with a `collect` payload. */
  async collect(callId: string, options: CollectOptions = {}, { signal }: RequestOptions = {}): Promise<void> {
    const path = `/v1/calls/${segment("callId", callId)}/collect`;
    await this.#request("collect", "POST", path, success, signal, collectBody(options));
  }

  /** Starts to play an audio file into the call. */
  async play(callId: string, options: PlayOptions, { signal }: RequestOptions = {}): Promise<void> {
    const path = `/v1/calls/${segment("callId", callId)}/play`;
    await this.#request("play", "POST", path, success, signal, playBody(options));
  }

  /** Stops the file that `play` started. */
  async stopPlaying(callId: string, { signal }: RequestOptions = {}): Promise<void> {
    await this.#request("stopPlaying", "DELETE", `/v1/calls/${segment("callId", callId)}/audio`, success, signal);
  }

  async #request<T>(
    operation: WavixOperation,
    method: WireRequest["method"],
    path: string,
    schema: z.ZodType<T>,
    caller: AbortSignal | undefined,
    body?: object,
  ): Promise<T> {
    const answer = await exchangeWithRetries(
      this.#fetch,
      {
        operation,
        method,
        url: this.#baseUrl + path,
        headers: body ? { ...this.#headers, "content-type": "application/json" } : this.#headers,
        body: body && JSON.stringify(body),
        timeoutMs: operation === "answer" ? this.#answerTimeoutMs : this.#timeoutMs,
        maxAnswerBytes: operation === "listCalls" ? MAX_LIST_BYTES : MAX_ANSWER_BYTES,
      },
      this.#retry,
      caller,
    );
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    // Only where it is wrong: what stands there may be a phone number.
    const where = parsed.error.issues[0]?.path.join(".") || "the whole";
    throw new WavixApiError("bad-response", operation, `the answer is not as Wavix documents it: look at ${where}.`);
  }
}

const MAX_MS = 600_000;

function readMs(name: string, value: number, min: number): number {
  if (!(value >= min && value <= MAX_MS)) throw new RangeError(`${name} must be ${min} to ${MAX_MS} ms, got ${value}`);
  return value;
}

function readBaseUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  // `fetch` refuses URLs with a user name. The value is not quoted: it may hold a password.
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username || url.password) {
    throw new TypeError("baseUrl must be an http or https URL without user name, query and fragment");
  }
  return url.href.replace(/\/+$/, "");
}

function authorization(apiKey: string | undefined): Record<string, string> {
  if (apiKey === undefined) return {};
  // `fetch` would quote the whole header in its error.
  if (!/^[!-~]{1,1024}$/.test(apiKey)) {
    throw new TypeError("apiKey must be 1 to 1024 printable ASCII characters without space");
  }
  return { authorization: `Bearer ${apiKey}` };
}

function segment(name: string, id: string): string {
  return encodeURIComponent(requireId(name, id));
}
