/**
 * Pipecat bots on the line: each call is bridged to a bot in Python, over one WebSocket.
 *
 * @module pipecat-wavix/bots/pipecat
 */
export { BotError, type BotErrorCode } from "./errors.ts";
export type { BotCommand, PipecatBotOptions } from "./options.ts";
export { pipecatBot } from "./pipecat-bot.ts";
export type { BotUrl, JsonObject } from "./seats/index.ts";
export {
  type PipecatSettings,
  pipecatSettingNames,
  type ReadPipecatSettings,
  readPipecatSettings,
} from "./settings.ts";
export { type TwilioCallsOptions, twilioCallsRouter } from "./twilio-rest.ts";
