/**
 * The Express and WebSocket server that does the whole Wavix call flow around a bot.
 *
 * @module pipecat-wavix/server
 */
export { createServer, type ServerOptions, type ServerUrls, type WavixServer } from "./server.ts";
export { defaultSettings, type ReadSettings, readSettings, type ServerSettings, settingNames } from "./settings.ts";
