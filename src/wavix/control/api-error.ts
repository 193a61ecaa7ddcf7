/** The methods of `WavixRestClient`, by name. */
export type WavixOperation =
  | "answer"
  | "startStream"
  | "stopStream"
  | "hangUp"
  | "getCall"
  | "listCalls"
  | "collect"
  | "play"
  | "stopPlaying";

/** Stable names of what can go wrong with a request. */
export type WavixApiErrorCode =
  | "unauthorized"
  | "forbidden"
  | "not-found"
  | "validation"
  | "rate-limited"
  | "server-error"
  | "timeout"
  | "network"
  | "aborted"
  | "bad-response";

/** What is known about a failure beside its code. */
export interface WavixApiErrorDetails {
  status?: number | undefined;
  fieldErrors?: Readonly<Record<string, string>> | undefined;
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/**
 * A request to Wavix that did not do what it was for. `code` says why and is derived from the HTTP status, never from
 * Wavix's texts, of which there are several generations. The message is one line, says what to do, and holds no key,
 * phone number or URL.
 *
 * @example
 * try {
 *   await client.answer(callId);
 * } catch (error) {
 *   if (error instanceof WavixApiError && error.code === "not-found") return; // the caller hung up first
 *   throw error;
 * }
 */
export class WavixApiError extends Error {
  readonly code: WavixApiErrorCode;
  readonly operation: WavixOperation;
  /** HTTP status, when there was an answer. */
  readonly status: number | undefined;
  /** On `validation`: Wavix's text by request field (snake_case), numbers and URLs blotted out. */
  readonly fieldErrors: Readonly<Record<string, string>> | undefined;
  /** How long Wavix asked to wait, in milliseconds (`Retry-After`). */
  readonly retryAfterMs: number | undefined;

  constructor(code: WavixApiErrorCode, operation: WavixOperation, advice: string, details: WavixApiErrorDetails = {}) {
    super(`${operation}: ${advice}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "WavixApiError";
    this.code = code;
    this.operation = operation;
    this.status = details.status;
    this.fieldErrors = details.fieldErrors;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/**
 * The error for an answer whose status is not 2xx.
 *
 * @param body the parsed body, or `undefined` when it could not be read; only `validation` looks into it.
 * @internal
 */
export function errorFromStatus(
  operation: WavixOperation,
  status: number,
  retryAfterMs: number | undefined,
  body: unknown,
): WavixApiError {
  const refuse = (code: WavixApiErrorCode, advice: string, fieldErrors?: Record<string, string>) =>
    new WavixApiError(code, operation, `Wavix answered ${status}. ${advice}`, { status, retryAfterMs, fieldErrors });
  const scope = operation === "getCall" || operation === "listCalls" ? "calls:read" : "calls:write";

  if (status === 401) {
    return refuse("unauthorized", `Check WAVIX_API_KEY, its ${scope} scope and the IP addresses it is limited to.`);
  }
  if (status === 403) {
    return refuse("forbidden", "The account may not do this; call streaming needs a Flex Pro account.");
  }
  if (status === 404) return refuse("not-found", "The call is over, or belongs to another account.");
  if (status === 400 || status === 422) {
    const fieldErrors = readFieldErrors(body);
    const fields = Object.keys(fieldErrors).join(", ");
    return refuse("validation", fields === "" ? "The request was not accepted." : `Correct ${fields}.`, fieldErrors);
  }
  if (status === 429) return refuse("rate-limited", "Too many requests: send fewer, or try again later.");
  if (status >= 500) return refuse("server-error", "The fault is at Wavix: try again later.");
  return refuse("bad-response", "Wavix documents no such status here: check WAVIX_API_BASE.");
}

/** OpenAPI CallControlValidationErrorResponse: `errors` is text by field name, absent when the body was not parsed. */
function readFieldErrors(body: unknown): Record<string, string> {
  const errors = (body as { errors?: unknown } | null | undefined)?.errors;
  if (typeof errors !== "object" || errors === null) return {};
  // At most 20 fields: no request has half as many.
  const readable = Object.entries(errors)
    .filter(([field, text]) => /^[a-z_]{1,40}$/.test(field) && typeof text === "string")
    .slice(0, 20);
  return Object.fromEntries(readable.map(([field, text]) => [field, blot(text)]));
}

/** Validation texts may quote what they complain about, and what is quoted may be a number or a signed stream URL. */
function blot(text: string): string {
  return text
    .slice(0, 200)
    .replace(/[^\s'"]*:\/\/[^\s'"()]+/g, "<url>")
    .replace(/\+?\d[\d\s().-]{5,}\d/g, "<number>")
    .replace(/\s+/g, " ");
}
