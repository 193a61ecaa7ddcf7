export { type DeepgramSTTCounters, DeepgramSTTService } from "./deepgram-stt-service.ts";
export type { DeepgramSTTOptions } from "./options.ts";
