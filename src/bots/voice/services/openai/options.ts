import type { OpenAILLMOptions } from "./llm-service.ts";

/** Bounds of the options that are numbers. */
const BOUNDS = {
  maxRetries: [0, 10],
  firstTokenTimeoutMs: [1, 600_000],
  totalTimeoutMs: [1, 600_000],
  temperature: [0, 2],
  maxCompletionTokens: [1, 1_000_000],
} as const;

/** @throws TypeError | RangeError that names the option */
export function checkOptions(options: OpenAILLMOptions): void {
  const { apiKey, baseUrl, model } = options;
  if (typeof apiKey !== "string" || apiKey === "") throw new TypeError("apiKey must be OpenAI's key, got none");
  if (baseUrl !== undefined && !(URL.canParse(baseUrl) && /^https?:/.test(baseUrl))) {
    throw new TypeError(`baseUrl must be an http or https URL, got ${JSON.stringify(baseUrl)}`);
  }
  if (model !== undefined && (typeof model !== "string" || model === "")) {
    throw new TypeError(`model must be a name, got ${JSON.stringify(model)}`);
  }
  for (const [name, [min, max]] of Object.entries(BOUNDS)) {
    const value: unknown = options[name as keyof typeof BOUNDS];
    if (value === undefined || (typeof value === "number" && value >= min && value <= max)) continue;
    throw new RangeError(`${name} must be a number from ${min} to ${max}, got ${String(value)}`);
  }
}
