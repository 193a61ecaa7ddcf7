import { errorFromStatus, WavixApiError, type WavixOperation } from "./api-error.ts";
import { startTimeLimit } from "./time-limit.ts";

/** One HTTP request, ready to be sent. @internal */
export interface WireRequest {
  operation: WavixOperation;
  method: "GET" | "POST" | "DELETE";
  url: string;
  headers: Record<string, string>;
  body: string | undefined;
  /** From the first byte sent to the last byte read, connecting included. */
  timeoutMs: number;
  /** What is longer is not read on, and is a `bad-response`. */
  maxAnswerBytes: number;
}

/**
 * Sends a request once and reads the JSON of its answer.
 *
 * @throws WavixApiError, and nothing else.
 * @internal
 */
export async function exchange(send: typeof fetch, request: WireRequest, parent: AbortSignal): Promise<unknown> {
  const { operation, method, url, headers, body, timeoutMs, maxAnswerBytes } = request;
  const limit = startTimeLimit(timeoutMs, parent);
  try {
    const response = await send(url, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      // A redirect would repeat a POST, or carry call data elsewhere. Wavix documents none.
      redirect: "manual",
      signal: limit.signal,
    });
    if (!response.ok) {
      // The status alone says what is wrong: a body that is broken, too long or late does not change it.
      const detail = await readJson(response, maxAnswerBytes).catch(() => undefined);
      throw errorFromStatus(operation, response.status, readRetryAfterMs(response.headers), detail?.json);
    }
    const answer = await readJson(response, maxAnswerBytes);
    if (answer.fault === undefined) return answer.json;
    const { status } = response;
    throw new WavixApiError("bad-response", operation, `${answer.fault}: check WAVIX_API_BASE.`, { status });
  } catch (error) {
    if (error instanceof WavixApiError) throw error;
    if (parent.aborted) throw new WavixApiError("aborted", operation, "given up by its caller.", { cause: error });
    if (limit.expired) {
      throw new WavixApiError("timeout", operation, `no answer within ${timeoutMs} ms: is Wavix up?`, { cause: error });
    }
    const code = networkCode(error);
    const advice = `Wavix cannot be reached${code ? ` (${code})` : ""}: check WAVIX_API_BASE and the network.`;
    throw new WavixApiError("network", operation, advice, { cause: error });
  } finally {
    limit.end();
  }
}

/** `fetch` fails with a TypeError that says nothing; what happened is a cause of it. */
function networkCode(error: unknown, depth = 0): string | undefined {
  if (!(error instanceof Error) || depth > 4) return undefined;
  const { code } = error as { code?: unknown };
  return typeof code === "string" && /^[A-Z0-9_]{1,40}$/.test(code) ? code : networkCode(error.cause, depth + 1);
}

interface JsonAnswer {
  json?: unknown;
  /** Why there is no `json`. */
  fault?: string;
}

async function readJson(response: Response, maxBytes: number): Promise<JsonAnswer> {
  const decoder = new TextDecoder();
  let text = "";
  let byteLength = 0;
  // Leaving the loop early cancels the rest of the body.
  for await (const chunk of response.body ?? []) {
    byteLength += chunk.byteLength;
    if (byteLength > maxBytes) return { fault: `the answer is longer than ${maxBytes} bytes` };
    text += decoder.decode(chunk, { stream: true });
  }
  try {
    return { json: JSON.parse(text + decoder.decode()) };
  } catch {
    // Not kept as a cause: the engine quotes the text, and the text may hold a phone number.
    return { fault: "the answer is not JSON" };
  }
}

/** RFC 9110 §10.2.3: seconds, or a date as §5.6.7 wants it written ("Sun, 06 Nov 1994 08:49:37 GMT"). */
function readRetryAfterMs(headers: Headers): number | undefined {
  const value = headers.get("retry-after") ?? "";
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const dateMs = /^[A-Z][a-z]{2}, [\w: ]{20} GMT$/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - Date.now());
}
