/** Stable codes of {@link CartesiaError}. */
export type CartesiaErrorCode =
  | "CARTESIA_REFUSED"
  | "CARTESIA_UNREACHABLE"
  | "CARTESIA_FAILED"
  | "CARTESIA_TIMEOUT"
  | "CARTESIA_ABORTED";

/**
 * What Cartesia, or the way there, got wrong. Match on `code`; the text may change.
 *
 * @example
 * try {
 *   await synthesize({ apiKey }, "One moment, please.");
 * } catch (error) {
 *   if (error instanceof CartesiaError && error.code === "CARTESIA_REFUSED") console.error(error.message);
 * }
 */
export class CartesiaError extends Error {
  override readonly name = "CartesiaError";
  readonly code: CartesiaErrorCode;

  constructor(code: CartesiaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
