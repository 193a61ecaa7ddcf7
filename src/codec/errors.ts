/**
 * Why the codec gave up, for programs:
 * - `CODEC_UNSUPPORTED`: this engine cannot run the asked variant.
 * - `CODEC_BAD_MODULE`: the given module is not this codec's, or not of this version.
 * - `CODEC_OUT_OF_MEMORY`: the engine gives the codec no more memory.
 * - `CODEC_TRAP`: the codec's instance failed and was replaced; `cause` is the engine's own error.
 * - `CODEC_CLOSED`: a resampler, reader, writer or codec was used after its `close()`.
 */
export type CodecErrorCode =
  | "CODEC_UNSUPPORTED"
  | "CODEC_BAD_MODULE"
  | "CODEC_OUT_OF_MEMORY"
  | "CODEC_TRAP"
  | "CODEC_CLOSED";

/**
 * Thrown for what is not the caller's mistake; those are `TypeError` and `RangeError`.
 *
 * @example
 * try {
 *   resampler.process(samples);
 * } catch (error) {
 *   if (error instanceof CodecError && error.code === "CODEC_TRAP") endThisCall();
 *   else throw error;
 * }
 */
export class CodecError extends Error {
  override readonly name = "CodecError";
  /** Stable across versions; match on this, not on the message. */
  readonly code: CodecErrorCode;

  constructor(code: CodecErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
