/** Rising numbers of an {@link OpenAILLMService}, for logs and metrics. */
export type LLMCounters = ReturnType<typeof noCounts>;

/** All at zero. */
export const noCounts = () => ({
  requests: 0,
  answers: 0,
  retries: 0,
  aborted: 0,
  failed: 0,
  speculations_confirmed: 0,
  speculations_dropped: 0,
  tool_calls: 0,
  tool_errors: 0,
  tool_timeouts: 0,
  tool_cancellations: 0,
  unknown_events: 0,
  prompt_tokens: 0,
  completion_tokens: 0,
  warm_ups: 0,
  warm_up_failures: 0,
});
