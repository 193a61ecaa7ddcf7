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
  /** Tells the model something, in this session or the next. */
  tell(text: string): void;
  /** Asks the model to go on with the results; `inWords`: without calling anything. */
  ask(inWords: boolean): void;
  /** Whether anything was said since the caller's turn. */
  hasWords(): boolean;
  say(text: string): void;
  play(frame: OutputAudioRawFrame): void;
  endWhenHeard(reason: string): void;
}

/** Of one response. */
const MAX_CALLS = 16;
/** How often a model may call functions before it has to answer in words. */
const MAX_ROUNDS = 5;

/** What the model calls: gathered while it speaks, run when it has finished, its results given back. */
export class ToolCalls {
  readonly #options: ToolCallsOptions;
  #calls: LLMToolCall[] = [];
  #interruption = new AbortController();
  #runningCount = 0;
  /** Of those that run, so many go on over an interruption. */
  #pendingCount = 0;
  /** With the last of these an answer is due, whatever came of them. */
  #isAnswerDue = false;
  #roundCount = 0;

  constructor(options: ToolCallsOptions) {
    this.#options = options;
  }

  add({ callId, name, arguments: args }: { callId: string; name: string; arguments: string }): void {
    if (this.#calls.length >= MAX_CALLS) return;
    this.#calls.push({ id: callId, type: "function", function: { name, arguments: args } });
  }

  /** Whether the present response has called any. */
  get hasCalls(): boolean {
    return this.#calls.length > 0;
  }

  /** The response is not wanted any more. */
  drop(): void {
    this.#calls = [];
  }

  /** The caller speaks: tools that may be given up are. */
  interrupt(): void {
    this.#interruption.abort();
    this.#interruption = new AbortController();
    this.#isAnswerDue = false;
    this.#roundCount = 0;
    this.drop();
  }

  /**
   * The session is gone; another has not called these tools, and has no use for their results.
   *
   * @returns whether it is to be asked anew; not if it would call once more what goes on and tells of itself later
   */
  lost(): boolean {
    const wasRunning = this.#runningCount > 0 || this.#calls.length > 0;
    this.interrupt();
    this.#isAnswerDue = this.#pendingCount > 0;
    return wasRunning && !this.#isAnswerDue;
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
    const { tools, over, counters, send, tell, ask, hasWords } = this.#options;
    this.#roundCount++;
    counters.tool_calls += calls.length;
    const isLast = ({ kind, call }: ToolOutcome) =>
      kind === "result" && tools.find(({ name }) => name === call.function.name)?.respondAfter === false;
    const outcomes = await runTools({
      calls,
      tools,
      over,
      interruption: this.#interruption.signal,
      hasWords: hasWords(),
      pushFrame: (frame) => this.#push(frame),
      onSettled: (settled) => {
        for (const { call, content, kind } of settled) {
          if (kind === "error" || kind === "timeout") counters.tool_errors++;
          if (kind === "pending") this.#pendingCount++;
          const item = { type: "function_call_output", call_id: call.id, output: content };
          send({ type: "conversation.item.create", item });
        }
      },
      onLate: (outcome) => {
        const { call, content, kind } = outcome;
        this.#pendingCount--;
        if (over.aborted) return;
        tell(`The function ${call.function.name} has finished meanwhile: ${content}`);
        // The caller waits for it. Of what has failed meanwhile nobody has to be told out of the blue.
        const isDue = this.#isAnswerDue && this.#pendingCount === 0;
        if ((kind === "result" && !isLast(outcome)) || isDue) ask(false);
        if (isDue) this.#isAnswerDue = false;
      },
    });
    if (outcomes === null || over.aborted) return;
    if (!outcomes.some(isLast)) ask(this.#roundCount >= MAX_ROUNDS);
  }

  #push(frame: Frame): void | Promise<void> {
    const { call, say, play, endWhenHeard } = this.#options;
    if (frame instanceof TTSSpeakFrame) say(frame.text);
    else if (frame instanceof EndWhenHeardFrame) endWhenHeard(frame.reason ?? "bot-ended");
    else if (frame instanceof OutputAudioRawFrame) play(frame);
    else return call.send(frame);
  }
}
