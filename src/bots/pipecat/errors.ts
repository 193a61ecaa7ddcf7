/**
 * Why a call has no bot (any more):
 * - `NO_BOT_FREE`: all that serve this number have as many calls as they may
 * - `BOT_UNREACHABLE`: none could be connected to in time
 * - `BOT_REFUSED`: it answered, and said no
 * - `BOT_START_FAILED`: its process did not come up in time, or ended before
 * - `BOT_GONE`: it died in mid-call, or closed the socket with an error
 * - `BOT_STALLED`: it does not take the caller's audio any more
 * - `NO_ROUTE`: no bot serves the called number
 */
export type BotErrorCode =
  | "NO_BOT_FREE"
  | "BOT_UNREACHABLE"
  | "BOT_REFUSED"
  | "BOT_START_FAILED"
  | "BOT_GONE"
  | "BOT_STALLED"
  | "NO_ROUTE";

/** Thrown by a bridge at its call, which then goes to the fallback bot or ends. Names a bot by its host and port alone. */
export class BotError extends Error {
  override readonly name = "BotError";
  readonly code: BotErrorCode;

  constructor(code: BotErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
