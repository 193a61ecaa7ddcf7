import { type OpenAIRefusal, refusal, unknownModel } from "./openai-bodies.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The body of a request for a chat completion, once it was found to be one that OpenAI takes. */
export interface ChatRequest {
  readonly body: Fields;
  readonly model: string;
  readonly messages: readonly Fields[];
  readonly tools: readonly Fields[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Looks at what a client sent the way OpenAI does; a refusal when it is not in order. */
export function readChatRequest(text: string, models: readonly string[]): ChatRequest | OpenAIRefusal {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return refusal(400, "We could not parse the JSON body of your request.");
  }
  if (!isFields(body)) return refusal(400, "The body of your request must be an object.");
  const { model, messages, tools = [], stream = false, stream_options: streamOptions } = body;
  if (typeof model !== "string") return refusal(400, "you must provide a model parameter");
  if (!models.includes(model)) return unknownModel(model);
  if (!Array.isArray(messages) || messages.length === 0 || !messages.every(isFields)) {
    return refusal(400, "Missing required parameter: 'messages'.", {
      param: "messages",
      code: "missing_required_parameter",
    });
  }
  if (!Array.isArray(tools) || !tools.every(isFields) || ("tools" in body && tools.length === 0)) {
    return refusal(400, "Invalid 'tools': empty array.", { param: "tools", code: "empty_array" });
  }
  if (streamOptions !== undefined && stream !== true) {
    return refusal(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", {
      param: "stream_options",
    });
  }
  const wrong = wrongMessage(messages) ?? wrongTool(tools) ?? wrongEffort(model, tools.length > 0, body);
  if (wrong !== undefined) return wrong;
  const includeUsage = isFields(streamOptions) && streamOptions.include_usage === true;
  return { body, model, messages, tools, stream: stream === true, includeUsage };
}

/** Each call of a tool has to have its answer, right behind, and each answer its call. */
function wrongMessage(messages: readonly Fields[]): OpenAIRefusal | undefined {
  let unanswered = new Set<unknown>();
  for (const [index, message] of [...messages, { role: "the end" }].entries()) {
    const param = `messages.[${index}].role`;
    if (message.role === "tool") {
      if (unanswered.delete((message as Fields).tool_call_id)) continue;
      return refusal(
        400,
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
        { param },
      );
    }
    if (unanswered.size > 0) {
      return refusal(
        400,
        `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${[...unanswered].join(", ")}`,
        { param },
      );
    }
    if (index === messages.length) break;
    const { role, content, tool_calls: calls } = message as Fields;
    if (!["system", "developer", "user", "assistant"].includes(String(role))) {
      return refusal(400, `Invalid value: '${String(role)}'.`, { param, code: "invalid_value" });
    }
    if (Array.isArray(calls)) unanswered = new Set(calls.map((call: Fields) => call.id));
    else if (typeof content !== "string" && !Array.isArray(content)) {
      return refusal(400, "Invalid value for 'content': expected a string, got null.", {
        param: `messages.[${index}].content`,
      });
    }
  }
  return undefined;
}

function wrongTool(tools: readonly Fields[]): OpenAIRefusal | undefined {
  for (const [index, { type, function: definition }] of tools.entries()) {
    if (type !== "function" || !isFields(definition)) {
      return refusal(400, `Missing required parameter: 'tools[${index}].function'.`, {
        param: `tools[${index}].function`,
        code: "missing_required_parameter",
      });
    }
    if (!/^[a-zA-Z0-9_-]{1,64}$/.test(String(definition.name))) {
      return refusal(
        400,
        `Invalid 'tools[${index}].function.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`,
        { param: `tools[${index}].function.name`, code: "invalid_value" },
      );
    }
    if (isFields(definition.parameters) && definition.parameters.type !== "object") {
      return refusal(
        400,
        `Invalid schema for function '${String(definition.name)}': schema must be a JSON Schema of 'type: "object"'.`,
        { param: `tools[${index}].function.parameters`, code: "invalid_function_parameters" },
      );
    }
  }
  return undefined;
}

/** Models from GPT-5.4 on call functions here only when they do not reason; older ones do not know the parameter. */
function wrongEffort(model: string, hasTools: boolean, body: Fields): OpenAIRefusal | undefined {
  const { reasoning_effort: effort } = body;
  if (/^(chatgpt|gpt-[34])/.test(model) && effort !== undefined) {
    return refusal(400, "Unrecognized request argument supplied: reasoning_effort");
  }
  if (/^gpt-(5\.[4-9]|[6-9])/.test(model) && hasTools && effort !== "none") {
    return refusal(
      400,
      `Function tools with reasoning_effort are not supported for ${model} in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.`,
      { param: "reasoning_effort" },
    );
  }
  return undefined;
}
