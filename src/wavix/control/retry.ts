import { setTimeout as sleep } from "node:timers/promises";
import pRetry from "p-retry";
import { WavixApiError } from "./api-error.ts";
import { exchange, type WireRequest } from "./exchange.ts";
import { startTimeLimit } from "./time-limit.ts";

/** Bounds of an operation that may take several tries. @internal */
export interface RetryLimits {
  /** All tries and the waits between them. */
  deadlineMs: number;
  /** Wait before the second try; doubled before the third, and up to twice as long by chance. */
  retryDelayMs: number;
  /** Longest `Retry-After` that is waited for: coming back sooner than asked would be of no use. */
  maxRetryAfterMs: number;
}

/** Three tries in all. */
const MAX_RETRIES = 2;

/** Failures before a connection stood, as `code` says it; with `syscall` "connect" or "getaddrinfo" any code does. */
const NEVER_SENT_CODES: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/**
 * Sends a request up to three times, see {@link mayRepeat}.
 *
 * @throws WavixApiError: the last failure when the tries or the time ran out, `aborted` when the caller gave up.
 * @internal
 */
export async function exchangeWithRetries(
  send: typeof fetch,
  request: WireRequest,
  { deadlineMs, retryDelayMs, maxRetryAfterMs }: RetryLimits,
  caller: AbortSignal | undefined,
): Promise<unknown> {
  const { operation, method } = request;
  const deadline = startTimeLimit(deadlineMs, caller);
  let lastFailure: WavixApiError | undefined;
  try {
    return await pRetry(() => exchange(send, request, deadline.signal), {
      retries: MAX_RETRIES,
      minTimeout: retryDelayMs,
      randomize: true,
      signal: deadline.signal,
      shouldRetry: async ({ error }) => {
        if (!(error instanceof WavixApiError) || !mayRepeat(method, error)) return false;
        lastFailure = error;
        const { retryAfterMs = 0 } = error;
        if (retryAfterMs > maxRetryAfterMs) return false;
        if (retryAfterMs > 0) await sleep(retryAfterMs, undefined, { signal: deadline.signal });
        return true;
      },
    });
  } catch (error) {
    if (error instanceof WavixApiError && error.code !== "aborted") throw error;
    if (deadline.expired) {
      const advice = `no answer within ${deadlineMs} ms: is Wavix up?`;
      throw lastFailure ?? new WavixApiError("timeout", operation, advice, { cause: error });
    }
    if (!deadline.signal.aborted || error instanceof WavixApiError) throw error;
    throw new WavixApiError("aborted", operation, "given up by its caller.", { cause: error });
  } finally {
    deadline.end();
  }
}

/**
 * Whether a failed request may be sent again.
 *
 * GET and DELETE may whenever it could help: twice does the same as once. A POST may only when it was certainly not
 * acted upon: it never left, or Wavix said so (429, 503). A POST that timed out may have been carried out, and an
 * `/answer` sent twice could start a second two-way stream, of which a call can have only one.
 *
 * @internal
 */
export function mayRepeat(method: "GET" | "POST" | "DELETE", error: WavixApiError): boolean {
  if (error.status === 429 || error.status === 503) return true;
  if (method === "POST") return error.code === "network" && neverSent(error.cause);
  return error.code === "network" || error.code === "timeout" || error.status === 502 || error.status === 504;
}

/** A name with several addresses fails with an AggregateError: then none of them may have been connected to. */
function neverSent(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > 4) return false;
  if (error instanceof AggregateError)
    return error.errors.length > 0 && error.errors.every((one) => neverSent(one, depth + 1));
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  if (NEVER_SENT_CODES.has(code) || syscall === "connect" || syscall === "getaddrinfo") return true;
  return neverSent(error.cause, depth + 1);
}
