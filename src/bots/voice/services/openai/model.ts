/**
 * The Python bot takes gpt-4o, which leaves OpenAI's API on 14 January 2027; OpenAI names this one as its successor for
 * high-volume work. Without reasoning it answers at once.
 */
export const defaultOpenAIModel = "gpt-6-luna";

/** How long a model thinks before it speaks; of later models `none` is the one that a caller does not hear. */
export type ReasoningEffort = "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";

/**
 * What a request has to say about reasoning, unless told. Models from GPT-5.1 on can do without it, the later ones reason
 * unless told not to, and with it they refuse functions in chat completions. Models that do not reason refuse the parameter.
 */
export function defaultReasoningEffort(model: string): ReasoningEffort | undefined {
  if (/chat-latest|codex|pro/.test(model)) return undefined;
  return /^gpt-(5\.[1-9]|[6-9]|\d\d)/.test(model) ? "none" : undefined;
}
