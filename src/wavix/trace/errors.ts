/** Stable codes of {@link TraceError}. */
export type TraceErrorCode = "NO_TRACE" | "NEWER_TRACE" | "TRACE_DAMAGED" | "TRACE_TOO_LARGE";

/** Why a file is not a trace that can be read. Match on `code`; the text, one line, may change. */
export class TraceError extends Error {
  override readonly name = "TraceError";
  readonly code: TraceErrorCode;

  constructor(code: TraceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
