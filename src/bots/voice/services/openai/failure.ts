/** Stable codes of {@link ChatError}. */
export type ChatErrorCode =
  | "NO_FIRST_TOKEN"
  | "STALLED"
  | "TOO_SLOW"
  | "UNFINISHED"
  | "NO_WORDS"
  | "TOO_LONG"
  | "TOO_MANY_ROUNDS"
  | "PACKAGE_MISSING";

/** What goes wrong with an answer without OpenAI saying so. Match on `code`; the text may change. */
export class ChatError extends Error {
  readonly code: ChatErrorCode;

  constructor(code: ChatErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ChatError";
    this.code = code;
  }
}

/** What is to be made of an error. */
export interface Failure {
  /** One line, without key, message or transcript: OpenAI's own texts quote both. */
  readonly text: string;
  /** No later turn will fare better. */
  readonly fatal: boolean;
  /** The same request may well succeed when it is made again. */
  readonly retryable: boolean;
  /** How long the service asks to wait. */
  readonly retryAfterMs: number | null;
}

/** Reads an error of the OpenAI package, of a connection, or of ours. */
export function failureOf(error: unknown): Failure {
  const once = { fatal: false, retryable: false, retryAfterMs: null };
  if (error instanceof ChatError) {
    return {
      ...once,
      text: error.message,
      fatal: error.code === "PACKAGE_MISSING",
      retryable: error.code === "UNFINISHED",
    };
  }
  if (error instanceof SyntaxError) return { ...once, text: "the answer is malformed" };
  const { status, code, type, param, headers, cause } = (error ?? {}) as Record<string, unknown>;
  const detail = [status, code ?? type, param].filter((part) => typeof part === "number" || typeof part === "string");
  const details = detail.length === 0 ? "" : ` (${detail.join(", ")})`;
  if (typeof status !== "number") {
    // An error event in the stream has a type; what a connection trips over has none, but may have a cause.
    if (typeof type === "string")
      return { ...once, text: `OpenAI failed while it answered${details}`, retryable: true };
    const reason = (cause as { code?: unknown } | undefined)?.code ?? code;
    const shown = typeof reason === "string" ? ` (${reason})` : "";
    return { ...once, text: `the connection to OpenAI failed${shown}`, retryable: true };
  }
  if (status === 401 || status === 403) {
    return { ...once, text: `OpenAI refused the key${details}: check OPENAI_API_KEY`, fatal: true };
  }
  if (status === 404) return { ...once, text: `OpenAI has no such model for this key${details}`, fatal: true };
  if (code === "insufficient_quota") return { ...once, text: `OpenAI's quota is used up${details}: check the billing` };
  const retryable = status === 408 || status === 409 || status === 429 || status >= 500;
  const text =
    status === 429 ? "OpenAI's rate limit is reached" : status >= 500 ? "OpenAI failed" : "OpenAI refused the request";
  return { ...once, text: `${text}${details}`, retryable, retryAfterMs: retryAfterMs(headers) };
}

/** `Retry-After` in seconds or as a date, or OpenAI's own header in ms. */
function retryAfterMs(headers: unknown): number | null {
  if (!(headers instanceof Headers)) return null;
  const ms = Number.parseFloat(headers.get("retry-after-ms") ?? "");
  if (ms >= 0) return ms;
  const value = headers.get("retry-after") ?? "";
  const seconds = Number(value);
  if (value.trim() !== "" && seconds >= 0) return seconds * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}
