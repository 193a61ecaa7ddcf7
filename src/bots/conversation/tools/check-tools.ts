import type { Tool } from "../../../pipecat/index.ts";

/** OpenAI's bounds, of the API reference: `tools`, and a function's `name`. */
const MAX_TOOLS = 128;
const NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const MAX_TIMEOUT_MS = 600_000;

/**
 * Looks at the tools somebody defined, so that a mistake is said when the bot starts, not when a caller needs the tool.
 *
 * @example
 * checkTools([endCallTool(), openingHours]);
 *
 * @throws TypeError | RangeError that names the tool and what is wrong with it
 */
export function checkTools(tools: readonly Tool[]): void {
  if (!Array.isArray(tools)) throw new TypeError("tools must be a list");
  if (tools.length > MAX_TOOLS) throw new RangeError(`tools must be at most ${MAX_TOOLS}, got ${tools.length}`);
  const names = new Set<string>();
  for (const [index, tool] of (tools as readonly unknown[]).entries()) {
    const { name, description, parameters, run, timeoutMs } = fieldsOf(tool, `tools[${index}]`);
    if (typeof name !== "string" || !NAME.test(name)) {
      throw new TypeError(
        `tools[${index}].name must be 1 to 64 letters, digits, "_" or "-", got ${JSON.stringify(name) ?? "nothing"}`,
      );
    }
    if (names.has(name)) throw new TypeError(`two tools are named "${name}"`);
    names.add(name);
    if (typeof description !== "string" || description === "") {
      throw new TypeError(`the tool "${name}" must have a description: the model chooses by it`);
    }
    if (fieldsOf(parameters, `parameters of the tool "${name}"`).type !== "object") {
      throw new TypeError(`parameters of the tool "${name}" must be a JSON Schema with type "object"`);
    }
    if (typeof run !== "function") throw new TypeError(`run of the tool "${name}" must be a function`);
    if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
      throw new RangeError(
        `timeoutMs of the tool "${name}" must be above 0 and at most ${MAX_TIMEOUT_MS}, got ${String(timeoutMs)}`,
      );
    }
  }
}

function fieldsOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${what} must be an object`);
  }
  return value as Record<string, unknown>;
}
