/**
 * Loopback stand-ins for the services of a voice bot, to test and to show one without keys.
 *
 * @module pipecat-wavix/simulator/services
 */
export * from "./cartesia.ts";
export type { CartesiaContextFault, CartesiaDelivery } from "./cartesia-context.ts";
export * from "./cartesia-voice.ts";
export { createDeepgramStandIn, type DeepgramStandIn } from "./deepgram.ts";
export type { DeepgramConnection } from "./deepgram-connection.ts";
export type { DeepgramFault } from "./deepgram-faults.ts";
export type { DeepgramStandInOptions } from "./deepgram-options.ts";
export { createOpenAIStandIn } from "./openai.ts";
export type {
  OpenAIReplies,
  OpenAIReply,
  OpenAIRequestEnd,
  OpenAIScriptedToolCall,
  OpenAIStandIn,
  OpenAIStandInOptions,
  OpenAIStandInRequest,
} from "./openai-script.ts";
export { createRealtimeStandIn } from "./realtime.ts";
export type {
  RealtimeConnection,
  RealtimeReplies,
  RealtimeReply,
  RealtimeRequest,
  RealtimeStandIn,
  RealtimeStandInOptions,
  RealtimeStandInResponse,
  RealtimeTruncation,
} from "./realtime-script.ts";
export type { HeardStretch, Utterances } from "./spoken-script.ts";
