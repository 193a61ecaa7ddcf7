import type { LLMToolCall } from "../../../../pipecat/index.ts";
import { ChatError } from "./failure.ts";

type Fields = Readonly<Record<string, unknown>>;

/** More than anyone says, or gives to a function, in one answer. */
const MAX_CHARS = 100_000;
const MAX_TOOL_CALLS = 64;

interface GrowingCall {
  readonly index: number;
  id: string;
  name: string;
  arguments: string;
}

/** Puts an answer together from the chunks of its stream. */
export class Completion {
  readonly #calls: GrowingCall[] = [];
  #text = "";
  #charCount = 0;
  #finishReason: string | null = null;
  /** Events of a kind that is not known here. */
  unknownEvents = 0;
  promptTokens = 0;
  completionTokens = 0;

  /** What was said. */
  get text(): string {
    return this.#text;
  }

  /** Whether nothing has come yet. */
  get isEmpty(): boolean {
    return this.#text === "" && this.#calls.length === 0;
  }

  /** What was called, in the order of the model. */
  get toolCalls(): LLMToolCall[] {
    return this.#calls
      .toSorted((a, b) => a.index - b.index)
      .map(({ id, name, arguments: args }, at) => ({
        // Servers that only look like OpenAI may leave it out, and an answer has to name it.
        id: id === "" ? `call_${at}` : id,
        type: "function",
        function: { name: nameOf(name), arguments: args },
      }));
  }

  /**
   * Takes a chunk.
   *
   * @returns the text in it
   * @throws ChatError `TOO_LONG`
   */
  add(chunk: unknown): string {
    if (!isFields(chunk) || !Array.isArray(chunk.choices)) {
      this.unknownEvents++;
      return "";
    }
    if (isFields(chunk.usage)) {
      this.promptTokens = countOf(chunk.usage.prompt_tokens);
      this.completionTokens = countOf(chunk.usage.completion_tokens);
    }
    const [choice] = chunk.choices as unknown[];
    if (!isFields(choice)) return "";
    if (typeof choice.finish_reason === "string") this.#finishReason = choice.finish_reason;
    const { delta } = choice;
    if (!isFields(delta)) return "";
    if (Array.isArray(delta.tool_calls)) for (const call of delta.tool_calls) this.#addCall(call);
    // What a model says when it refuses is said to the caller like anything else.
    const text = textOf(delta.content) + textOf(delta.refusal);
    this.#count(text);
    this.#text += text;
    return text;
  }

  /** @throws ChatError `UNFINISHED` when the stream has ended before the answer did */
  end(): void {
    if (this.#finishReason === null) throw new ChatError("UNFINISHED", "the answer broke off");
  }

  #addCall(delta: unknown): void {
    if (!isFields(delta)) return;
    const id = textOf(delta.id);
    const definition = isFields(delta.function) ? delta.function : {};
    let call = this.#callOf(delta.index, id, textOf(definition.name));
    if (call === undefined) {
      if (this.#calls.length >= MAX_TOOL_CALLS) throw new ChatError("TOO_LONG", "too many functions are called");
      const index = typeof delta.index === "number" ? delta.index : this.#calls.length;
      call = { index, id: "", name: "", arguments: "" };
      this.#calls.push(call);
    }
    if (call.id === "") call.id = id;
    // The name comes whole, in the first delta of a call; some servers repeat it.
    if (call.name === "") call.name = textOf(definition.name);
    const args = textOf(definition.arguments);
    this.#count(args);
    call.arguments += args;
  }

  /** The call that a delta goes on with. Some servers have no index, others the same for all: then a new id is a new call. */
  #callOf(index: unknown, id: string, name: string): GrowingCall | undefined {
    const hasIndex = typeof index === "number";
    const call = hasIndex ? this.#calls.findLast((one) => one.index === index) : this.#calls.at(-1);
    if (call === undefined || (id !== "" && call.id !== "" && id !== call.id)) return undefined;
    return !hasIndex && id === "" && name !== "" ? undefined : call;
  }

  #count(text: string): void {
    this.#charCount += text.length;
    if (this.#charCount > MAX_CHARS)
      throw new ChatError("TOO_LONG", `the answer is longer than ${MAX_CHARS} characters`);
  }
}

/**
 * A name as OpenAI takes it back in the next request: it refuses a conversation in which a model has made up another, such
 * as «multi_tool_use.parallel», turn after turn. Names of tools are as they were.
 */
const nameOf = (name: string): string => name.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64) || "nameless";

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const countOf = (value: unknown): number => (typeof value === "number" && value > 0 ? value : 0);
