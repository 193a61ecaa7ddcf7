export type { CartesiaCounters } from "./counters.ts";
export * from "./errors.ts";
export type { CartesiaOptions } from "./options.ts";
export * from "./synthesize.ts";
export * from "./tts-service.ts";
