import type { Tool } from "./tool.ts";

/** A call of a function, as a language model asks for it. */
export interface LLMToolCall {
  readonly id: string;
  readonly type: "function";
  /** `arguments` is JSON as the model wrote it: it may be malformed. */
  readonly function: { readonly name: string; readonly arguments: string };
}

/** A message of a conversation, in the shape of OpenAI's chat completions. */
export type LLMMessage =
  | { readonly role: "system" | "user"; readonly content: string }
  | { readonly role: "assistant"; readonly content: string | null; readonly tool_calls?: readonly LLMToolCall[] }
  | { readonly role: "tool"; readonly content: string; readonly tool_call_id: string };

const MAX_MESSAGES = 200;

/**
 * What was said so far, as the language model is to see it: what the caller said, and of the answers what was heard.
 *
 * @example
 * const context = new LLMContext({ messages: [{ role: "system", content: "You are brief." }] });
 * context.add({ role: "user", content: "What time is it?" });
 */
export class LLMContext {
  /** What the model may have done. */
  readonly tools: readonly Tool[];
  #messages: LLMMessage[];
  readonly #maxMessages: number;
  /** Messages of the system before anything was said: they stay. */
  #instructionCount = 0;

  /** @param options.maxMessages beyond that the oldest go, except those of the system that it begins with; default 200 */
  constructor(options: { messages?: readonly LLMMessage[]; tools?: readonly Tool[]; maxMessages?: number } = {}) {
    const { maxMessages = MAX_MESSAGES } = options;
    if (!Number.isSafeInteger(maxMessages) || maxMessages < 2) {
      throw new RangeError(`maxMessages must be an integer of at least 2, got ${maxMessages}`);
    }
    this.#maxMessages = maxMessages;
    this.tools = [...(options.tools ?? [])];
    this.#messages = [];
    this.add(...(options.messages ?? []));
  }

  get messages(): readonly LLMMessage[] {
    return this.#messages;
  }

  /** What the messages would be with one more. */
  with(message: LLMMessage): readonly LLMMessage[] {
    return appended(this.#messages, message);
  }

  /** Appends messages, all of them before one goes: a tool's answers stay with their call. */
  add(...messages: readonly LLMMessage[]): void {
    for (const message of messages) {
      const isInstruction = message.role === "system" && this.#instructionCount === this.#messages.length;
      if (isInstruction && this.#instructionCount < this.#maxMessages) this.#instructionCount++;
      this.#messages = appended(this.#messages, message);
    }
    this.#trim();
  }

  #trim(): void {
    while (this.#messages.length > this.#maxMessages) {
      const oldest = this.#instructionCount;
      // The answers of tools mean nothing, and are refused, without the message that asked for them.
      let count = 1;
      while (this.#messages[oldest + count]?.role === "tool") count++;
      this.#messages.splice(oldest, count);
    }
  }
}

/** A caller who speaks on after a pause has said one thing, and services want turns to alternate. */
function appended(messages: readonly LLMMessage[], message: LLMMessage): LLMMessage[] {
  const last = messages.at(-1);
  if (message.role !== "user" || last?.role !== "user") return [...messages, message];
  return [...messages.slice(0, -1), { role: "user", content: `${last.content} ${message.content}` }];
}
