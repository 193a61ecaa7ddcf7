/** Stable codes of {@link SimulatorError}. */
export type SimulatorErrorCode =
  | "API_LISTEN_FAILED"
  | "SIMULATOR_CLOSED"
  | "TOO_MANY_CALLS"
  | "WAV_MALFORMED"
  | "WAV_UNSUPPORTED"
  | "WAV_TOO_LARGE";

/**
 * What the simulator throws when something other than an argument is wrong. Match on `code`; the text may change.
 *
 * @example
 * try {
 *   parseWav(bytes);
 * } catch (error) {
 *   if (error instanceof SimulatorError && error.code === "WAV_UNSUPPORTED") console.error(error.message);
 * }
 */
export class SimulatorError extends Error {
  readonly code: SimulatorErrorCode;

  constructor(code: SimulatorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SimulatorError";
    this.code = code;
  }
}
