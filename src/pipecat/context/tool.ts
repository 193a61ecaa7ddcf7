import type { Frame } from "../frames.ts";

/** What a tool is given beside its arguments. */
export interface ToolRun {
  /** Aborts when the caller interrupts, the time is up, or the call is over. */
  readonly signal: AbortSignal;
  /** Whether the caller is told anything in this answer, by the model or by a tool before; absent where nobody knows. */
  readonly hasWords?: boolean;
  /** Sends a frame down the pipeline, behind what the model has said so far. */
  pushFrame(frame: Frame): void | Promise<void>;
}

/**
 * Something the language model may have done.
 *
 * @example
 * const openingHours: Tool = {
 *   name: "opening_hours",
 *   description: "When the shop is open on a day.",
 *   parameters: { type: "object", properties: { day: { type: "string" } }, required: ["day"] },
 *   run: (args) => hoursOf(args),
 * };
 */
export interface Tool {
  /** Letters, digits, `_` and `-`, up to 64. */
  readonly name: string;
  /** What it does and when to use it, for the model. */
  readonly description: string;
  /** JSON Schema of the arguments: an object. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /**
   * Does it. `args` is what the model gave, parsed and not checked. What it returns goes to the model as JSON; what it
   * throws too, as an error.
   */
  readonly run: (args: unknown, run: ToolRun) => unknown;
  /** How long it may take, in ms; default 10 000. */
  readonly timeoutMs?: number;
  /** Whether it is given up when the caller interrupts; default true. When it goes on, the model is told of its result then. */
  readonly cancelOnInterruption?: boolean;
  /** Whether the model is asked to go on with the result; default true. False: nothing is said after it. */
  readonly respondAfter?: boolean;
}
