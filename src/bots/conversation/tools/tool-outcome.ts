import type { LLMToolCall } from "../../../pipecat/index.ts";

/** What a model is told at most of one result, in characters. */
const MAX_CONTENT = 8_000;

/** What came of one call of a tool. */
export interface ToolOutcome {
  readonly call: LLMToolCall;
  /** `pending`: it goes on although the caller has interrupted. */
  readonly kind: "result" | "error" | "timeout" | "cancelled" | "pending";
  /** For the model: JSON, cut when it is long. */
  readonly content: string;
}

/** What a tool returned, for the model. */
export function resultOutcome(call: LLMToolCall, result: unknown): ToolOutcome {
  try {
    // A tool that returns nothing has done what it was to do.
    return { call, kind: "result", content: bounded(JSON.stringify(result) ?? '{"status":"done"}') };
  } catch {
    return errorOutcome(call, "the result cannot be written as JSON");
  }
}

/** What went wrong, for the model. */
export function errorOutcome(
  call: LLMToolCall,
  error: unknown,
  kind: "error" | "timeout" | "cancelled" = "error",
): ToolOutcome {
  const text = error instanceof Error ? error.message : String(error);
  return { call, kind, content: bounded(JSON.stringify({ error: text })) };
}

/** The caller has interrupted, the tool goes on: the model must not start it again. */
export function pendingOutcome(call: LLMToolCall): ToolOutcome {
  return { call, kind: "pending", content: '{"status":"still running, the result follows; do not call it again"}' };
}

function bounded(content: string): string {
  if (content.length <= MAX_CONTENT) return content;
  return `${content.slice(0, MAX_CONTENT)}… (cut: ${content.length} characters)`;
}
