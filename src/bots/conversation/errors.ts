/** A conversation that could not go on: a service of it is gone. The call goes to the fallback bot, or ends. */
export class VoiceBotError extends Error {
  override readonly name = "VoiceBotError";
  readonly code = "SERVICE_FAILED";
}
