/**
 * Bots that come with the package.
 *
 * @module pipecat-wavix/bots
 */
export { type EchoBotOptions, echoBot } from "./echo.ts";
export { routeBots } from "./route.ts";
