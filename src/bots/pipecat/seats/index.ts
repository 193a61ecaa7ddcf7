/** Where bots are found for calls. */
export { type JsonObject, MAX_BODY_BYTES } from "./call-body.ts";
export { type CommandSeatsOptions, commandSeats } from "./command-seats.ts";
export { openSeats, type SeatsSettings } from "./open-seats.ts";
export { splitCommand } from "./split-command.ts";
export { type StartSeatsOptions, startSeats } from "./start-seats.ts";
export { type BotUrl, type UrlSeatsOptions, urlSeats } from "./url-seats.ts";
