import type { Call } from "../../call/index.ts";
import {
  EndWhenHeardFrame,
  type Frame,
  type LLMToolCall,
  OutputAudioRawFrame,
  type Tool,
  TTSSpeakFrame,
} from "../../pipecat/index.ts";
import { runTools, type ToolOutcome } from "../conversation/tools/index.ts";
import type { RealtimeCounters } from "./counters.ts";

export interface ToolCallsOptions {
  readonly tools: readonly Tool[];
  readonly call: Call;
  readonly over: AbortSignal;
  readonly counters: RealtimeCounters;
  send(event: Readonly<Record<string, unknown>>): void;
  /** Asks the model to go on with the results. */
  ask(): void;
  say(text: string): void;
  play(frame: OutputAudioRawFrame): void;
  endWhenHeard(reason: string): void;
}

/** Of one response. */
const MAX_CALLS = 16;

/** What the model calls: gathered while it speaks, run when it has finished, its results given back. */
export class ToolCalls {
  readonly #options: ToolCallsOptions;
  #calls: LLMToolCall[] = [];
  #interruption = new AbortController();
  #runningCount = 0;

  constructor(options: ToolCallsOptions) {
    this.#options = options;
  }

  add({ callId, name, arguments: args }: { callId: string; name: string; arguments: string }): void {
    if (this.#calls.length >= MAX_CALLS) return;
    this.#calls.push({ id: callId, type: "function", function: { name, arguments: args } });
  }

  /** The response is not wanted any more. */
  drop(): void {
    this.#calls = [];
  }

  /** The caller speaks: tools that may be given up are. Whether there were any. */
  interrupt(): boolean {
    const isRunning = this.#runningCount > 0 || this.#calls.length > 0;
    this.#interruption.abort();
    this.#interruption = new AbortController();
    this.drop();
    return isRunning;
  }

  /** Runs those of the response that is done. */
  run(): void {
    const calls = this.#calls;
    this.drop();
    if (calls.length === 0) return;
    this.#runningCount++;
    void this.#run(calls).finally(() => {
      this.#runningCount--;
    });
  }

  async #run(calls: readonly LLMToolCall[]): Promise<void> {
    const { tools, over, counters, send, ask } = this.#options;
    counters.tool_calls += calls.length;
    const isLast = ({ kind, call }: ToolOutcome) =>
      kind === "result" && tools.find(({ name }) => name === call.function.name)?.respondAfter === false;
    const outcomes = await runTools({
      calls,
      tools,
      over,
      interruption: this.#interruption.signal,
      pushFrame: (frame) => this.#push(frame),
      onSettled: (settled) => {
        for (const { call, content, kind } of settled) {
          if (kind === "error" || kind === "timeout") counters.tool_errors++;
          const item = { type: "function_call_output", call_id: call.id, output: content };
          send({ type: "conversation.item.create", item });
        }
      },
      onLate: (outcome) => {
        const { call, content, kind } = outcome;
        const text = `The function ${call.function.name} has finished meanwhile: ${content}`;
        const item = { type: "message", role: "system", content: [{ type: "input_text", text }] };
        send({ type: "conversation.item.create", item });
        // The caller waits for it. Of what has failed meanwhile nobody has to be told out of the blue.
        if (kind === "result" && !isLast(outcome)) ask();
      },
    });
    if (outcomes === null || over.aborted) return;
    if (!outcomes.some(isLast)) ask();
  }

  #push(frame: Frame): void | Promise<void> {
    const { call, say, play, endWhenHeard } = this.#options;
    if (frame instanceof TTSSpeakFrame) say(frame.text);
    else if (frame instanceof EndWhenHeardFrame) endWhenHeard(frame.reason ?? "bot-ended");
    else if (frame instanceof OutputAudioRawFrame) play(frame);
    else return call.send(frame);
  }
}
