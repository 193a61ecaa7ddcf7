export { createDeepgramStandIn, type DeepgramStandIn } from "./deepgram.ts";
export type { DeepgramConnection } from "./deepgram-connection.ts";
export type { DeepgramFault } from "./deepgram-faults.ts";
export type { DeepgramStandInOptions } from "./deepgram-options.ts";
export type { HeardStretch, Utterances } from "./spoken-script.ts";
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
