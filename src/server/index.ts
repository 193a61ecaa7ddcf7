/**
 * The Express and WebSocket server that does the whole Wavix call flow around a bot.
 *
 * @module pipecat-wavix/server
 */

export type { CallRecord, ErrorFacts } from "./call-record.ts";
export { ServerError } from "./errors.ts";
export { type ReadSettings, readSettings, settingNames } from "./read-settings.ts";
export { createServer, type ServerOptions, type ServerUrls, type WavixServer } from "./server.ts";
export { defaultSettings, type ServerSettings, WAVIX_API_BASE } from "./settings.ts";
export { webhookUrlOf } from "./webhook.ts";
