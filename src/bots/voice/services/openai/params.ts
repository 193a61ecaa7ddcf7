import type { ChatCompletionCreateParamsStreaming } from "openai/resources/chat/completions";
import type { LLMMessage, Tool } from "../../../../pipecat/index.ts";
import { defaultReasoningEffort, type ReasoningEffort } from "./model.ts";

/** What a request says beside the conversation. */
export interface ModelSettings {
  readonly model: string;
  /** Default: none, for models that can do without; see {@link defaultReasoningEffort}. */
  readonly reasoningEffort?: ReasoningEffort;
  /** Not sent unless given: some models refuse any but their own. */
  readonly temperature?: number;
  /** Not sent unless given. */
  readonly maxCompletionTokens?: number;
}

/** The body of a request. `inWords`: the model must not call functions. */
export function chatParams(
  settings: ModelSettings,
  messages: readonly LLMMessage[],
  tools: readonly Tool[],
  inWords: boolean,
): ChatCompletionCreateParamsStreaming {
  const { model, temperature, maxCompletionTokens } = settings;
  const { reasoningEffort = defaultReasoningEffort(model) } = settings;
  const params = {
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
    ...(reasoningEffort === undefined ? {} : { reasoning_effort: reasoningEffort }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxCompletionTokens === undefined ? {} : { max_completion_tokens: maxCompletionTokens }),
    // OpenAI refuses an empty list.
    ...(tools.length === 0 ? {} : { tools: tools.map(toolParam) }),
    ...(tools.length === 0 || !inWords ? {} : { tool_choice: "none" }),
  };
  // The package wants lists that it may change; it does not change them.
  return params as unknown as ChatCompletionCreateParamsStreaming;
}

const toolParam = ({ name, description, parameters }: Tool) => ({
  type: "function",
  function: { name, description, parameters },
});
