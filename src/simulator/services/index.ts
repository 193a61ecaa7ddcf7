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
