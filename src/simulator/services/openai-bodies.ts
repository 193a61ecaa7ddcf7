/** The bodies that OpenAI's published API reference and its users' reports show, in their words. */
import type { OpenAIScriptedToolCall } from "./openai-script.ts";

/** An error reply: a status and the body that goes with it. */
export interface OpenAIRefusal {
  readonly status: number;
  readonly body: {
    readonly error: { message: string; type: string; param: string | null; code: string | null };
  };
}

/** Makes a refusal; without `type`, the one of a wrong request. */
export function refusal(
  status: number,
  message: string,
  { type = "invalid_request_error", param = null as string | null, code = null as string | null } = {},
): OpenAIRefusal {
  return { status, body: { error: { message, type, param, code } } };
}

export const missingKey = () =>
  refusal(
    401,
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
  );

export const wrongKey = (key: string) =>
  refusal(
    401,
    `Incorrect API key provided: ${key.slice(0, 3)}${"*".repeat(8)}${key.slice(-4)}. You can find your API key at https://platform.openai.com/account/api-keys.`,
    { code: "invalid_api_key" },
  );

export const unknownModel = (model: string) =>
  refusal(404, `The model \`${model}\` does not exist or you do not have access to it.`, { code: "model_not_found" });

/** The refusal of a scripted status. */
export function scriptedRefusal(status: number, model: string, code: string | undefined): OpenAIRefusal {
  if (code === "insufficient_quota") {
    return refusal(status, "You exceeded your current quota, please check your plan and billing details.", {
      type: code,
      code,
    });
  }
  if (status === 401) return wrongKey("sk-scripted");
  if (status === 404) return unknownModel(model);
  if (status === 429) {
    return refusal(429, `Rate limit reached for ${model} on requests per min (RPM): Limit 3, Used 3, Requested 1.`, {
      type: "requests",
      code: code ?? "rate_limit_exceeded",
    });
  }
  if (status < 500) return refusal(status, "The request was refused.", { code: code ?? null });
  return refusal(status, "The server had an error while processing your request. Sorry about that!", {
    type: "server_error",
    code: code ?? null,
  });
}

export const modelBody = (id: string) => ({ id, object: "model", created: 1_700_000_000, owned_by: "system" });

/** Cuts a text about as the models' tokens cut it: a word or its part, with the space before it. */
export function tokensOf(text: string): string[] {
  return text.match(/\s*[\p{L}\p{N}]{1,8}|\s*[^\s\p{L}\p{N}]|\s+/gu) ?? [];
}

/** A tool call with all that its deltas say. */
export interface FinishedToolCall {
  readonly id: string;
  readonly name: string;
  readonly pieces: readonly string[];
}

/** A scripted tool call, its arguments cut into pieces. */
export function finishedToolCall(call: OpenAIScriptedToolCall, id: string): FinishedToolCall {
  const { name, argumentPieces, arguments: args = {} } = call;
  const pieces = argumentPieces ?? tokensOf(typeof args === "string" ? args : JSON.stringify(args));
  return { id: call.id ?? id, name, pieces };
}

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** One event of a stream. `delta` null: the last chunk, which carries the usage and no choice. */
export function chunkBody(
  { id, model, created }: { id: string; model: string; created: number },
  delta: Record<string, unknown> | null,
  { finishReason = null as string | null, usage = undefined as Usage | null | undefined } = {},
) {
  return {
    id,
    object: "chat.completion.chunk",
    created,
    model,
    service_tier: "default",
    system_fingerprint: "fp_standin",
    choices: delta === null ? [] : [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    ...(usage === undefined ? {} : { usage }),
    obfuscation: "standin",
  };
}

/** The answer to a request that does not stream. */
export function completionBody(
  { id, model, created }: { id: string; model: string; created: number },
  text: string,
  toolCalls: readonly FinishedToolCall[],
  usage: Usage,
) {
  const message = {
    role: "assistant",
    content: text === "" && toolCalls.length > 0 ? null : text,
    ...(toolCalls.length === 0
      ? {}
      : {
          tool_calls: toolCalls.map(({ id, name, pieces }) => ({
            id,
            type: "function",
            function: { name, arguments: pieces.join("") },
          })),
        }),
    refusal: null,
    annotations: [],
  };
  const finish_reason = toolCalls.length > 0 ? "tool_calls" : "stop";
  return {
    id,
    object: "chat.completion",
    created,
    model,
    choices: [{ index: 0, message, logprobs: null, finish_reason }],
    usage,
    service_tier: "default",
    system_fingerprint: "fp_standin",
  };
}
