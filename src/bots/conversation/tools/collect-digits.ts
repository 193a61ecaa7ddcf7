import type { DigitCollector } from "../../../call/index.ts";
import type { Tool } from "../../../pipecat/index.ts";

const MAX_DIGITS = 20;
const MAX_TIMEOUT_SECONDS = 60;
const DEFAULT_TIMEOUT_SECONDS = 20;

/**
 * Lets the language model ask the caller to type digits: a number of an order, a PIN. What is typed goes to the model.
 *
 * @example
 * const digits = new DigitCollector(call);
 * const context = new LLMContext({ tools: [endCallTool(), collectDigitsTool(digits)] });
 */
export function collectDigitsTool(collector: DigitCollector): Tool {
  return {
    name: "collect_digits",
    description:
      "Waits for the caller to type digits on the telephone's keypad, and returns them. Ask for them in the same answer " +
      "in which you call this. Use it for numbers that are hard to say, such as order numbers.",
    parameters: {
      type: "object",
      properties: {
        max_digits: { type: "integer", minimum: 1, maximum: MAX_DIGITS, description: "How many digits at most." },
        timeout_seconds: {
          type: "integer",
          minimum: 1,
          maximum: MAX_TIMEOUT_SECONDS,
          // Wavix counts from here, and keys that come while the bot speaks are not to be lost.
          description: `Default ${DEFAULT_TIMEOUT_SECONDS}. It runs from this call: allow for the time your words take.`,
        },
        finish_on_pound: { type: "boolean", description: "Whether # ends the input. Default true." },
      },
      required: ["max_digits"],
    },
    // A caller may type and speak.
    cancelOnInterruption: false,
    // The time of the collect itself, and what Wavix and the way there take.
    timeoutMs: (MAX_TIMEOUT_SECONDS + 10) * 1_000,
    async run(args, { signal }) {
      const { max_digits, timeout_seconds, finish_on_pound } = (args ?? {}) as Record<string, unknown>;
      const { status, digits } = await collector.collect(
        {
          maxDigits: bounded(max_digits, MAX_DIGITS, MAX_DIGITS),
          timeoutSeconds: bounded(timeout_seconds, MAX_TIMEOUT_SECONDS, DEFAULT_TIMEOUT_SECONDS),
          ...(finish_on_pound === false ? {} : { terminationCharacter: "#" }),
        },
        signal,
      );
      if (status === "failed") throw new Error("the caller typed nothing in time");
      return { digits };
    },
  };
}

function bounded(value: unknown, max: number, otherwise: number): number {
  return typeof value === "number" && value >= 1 ? Math.min(max, Math.trunc(value)) : otherwise;
}
