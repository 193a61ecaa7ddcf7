import { AssistantContext } from "./assistant-context.ts";
import type { BargeInOptions } from "./barge-in.ts";
import type { LLMContext } from "./llm-context.ts";
import { UserContext, type UserContextListener } from "./user-context.ts";

/** How turns are taken. */
export interface ContextAggregatorOptions {
  readonly bargeIn?: BargeInOptions;
  /** Told of what is said, in both directions. */
  readonly listener?: ConversationListener;
}

/** What is said in a conversation, for whoever wants to know. */
export interface ConversationListener extends UserContextListener {
  /** The bot has said something, and the caller heard it; `interrupted`: this is only its beginning. */
  onAssistantMessage?(text: string, interrupted: boolean): void;
}

/**
 * The two processors that keep a conversation's context: one before the language model, one behind `call.output()`. The
 * counterpart of Pipecat's LLMContextAggregatorPair.
 *
 * @throws RangeError when a bound of `bargeIn` is not a number of at least 0
 * @example
 * const { userContext, assistantContext } = contextAggregators(new LLMContext());
 * await pipeline([call.input(), stt, userContext, llm, tts, call.output(), assistantContext]).run();
 */
export function contextAggregators(
  context: LLMContext,
  options: ContextAggregatorOptions = {},
): { userContext: UserContext; assistantContext: AssistantContext } {
  const { bargeIn = {}, listener = {} } = options;
  return {
    userContext: new UserContext(context, { bargeIn, listener }),
    assistantContext: new AssistantContext(context, (text, interrupted) => {
      listener.onAssistantMessage?.(text, interrupted);
    }),
  };
}
