export type { ChatLimits } from "./chat.ts";
export type { LLMCounters } from "./counters.ts";
export { ChatError, type ChatErrorCode } from "./failure.ts";
export { type OpenAILLMOptions, OpenAILLMService } from "./llm-service.ts";
export { defaultOpenAIModel, defaultReasoningEffort, type ReasoningEffort } from "./model.ts";
export type { ModelSettings } from "./params.ts";
