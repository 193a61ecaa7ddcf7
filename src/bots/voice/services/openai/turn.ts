import {
  type Frame,
  type LLMContext,
  type LLMContextFrame,
  LLMFullResponseEndFrame,
  LLMFullResponseStartFrame,
  type LLMMessage,
  LLMTextFrame,
  MetricsFrame,
  OutputAudioRawFrame,
  type ProcessRun,
  type Speculation,
  TTSSpeakFrame,
} from "../../../../pipecat/index.ts";
import { runTools, type ToolOutcome } from "../../../conversation/tools/index.ts";
import { type ChatLimits, streamChat } from "./chat.ts";
import type { Client } from "./client.ts";
import type { Completion } from "./completion.ts";
import type { LLMCounters } from "./counters.ts";
import { ChatError } from "./failure.ts";
import { Outlet } from "./outlet.ts";
import { chatParams, type ModelSettings } from "./params.ts";

/** How often a model may call functions before it has to answer in words. */
const MAX_TOOL_ROUNDS = 5;

/** What the turns of a call share. */
export interface TurnOptions {
  readonly name: string;
  readonly client: Client;
  readonly settings: ModelSettings;
  readonly limits: ChatLimits;
  readonly counters: LLMCounters;
  /** Aborts when the call is over. */
  readonly over: AbortSignal;
  /** Pushes a frame that no interruption of this turn is to hold back. */
  pushLater(frame: Frame): void | Promise<void>;
  /** Asks for one more answer, behind those that are asked for. */
  askLater(context: LLMContext): void;
}

/** One answer of the model: a request, what it calls, the next request, until it has nothing more to call. */
export class Turn {
  readonly #options: TurnOptions;
  readonly #run: ProcessRun;
  readonly #context: LLMContext;
  /** What the model is shown: the context as it was, and what this turn brought. */
  readonly #messages: LLMMessage[];
  readonly #outlet: Outlet;
  readonly #aborter = new AbortController();
  /** Whether the caller has anything to hear, of the model or of a tool. */
  #hasWords = false;
  /** Whether the answer is wanted, as soon as that is known. */
  readonly #wanted: Promise<boolean>;

  constructor({ context, speculation }: LLMContextFrame, run: ProcessRun, options: TurnOptions) {
    this.#options = options;
    this.#run = run;
    this.#context = context;
    this.#messages = [...(speculation === null ? context.messages : context.with(speculation.userMessage))];
    this.#outlet = new Outlet((frame) => run.pushFrame(frame), speculation !== null);
    this.#wanted = speculation === null ? Promise.resolve(true) : this.#decide(speculation);
  }

  /** Whether it was interrupted, or not wanted after all. */
  get isGivenUp(): boolean {
    return this.#aborter.signal.aborted;
  }

  /** @throws what failed; never after it was given up */
  async answer(): Promise<void> {
    const { signal } = this.#run;
    const abort = () => this.#aborter.abort(new Error("interrupted"));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    try {
      for (let round = 0; ; round++) {
        const completion = await this.#ask(round === MAX_TOOL_ROUNDS);
        if (completion.text.trim() !== "") this.#hasWords = true;
        if (!(await this.#wanted)) return;
        if (completion.toolCalls.length === 0) {
          if (!this.#hasWords) throw new ChatError("NO_WORDS", "the answer has no words");
          return;
        }
        if (round === MAX_TOOL_ROUNDS) {
          throw new ChatError("TOO_MANY_ROUNDS", `functions were called ${round + 1} times without an answer`);
        }
        if (!(await this.#act(completion))) return;
      }
    } catch (error) {
      if ((await this.#wanted) && !this.isGivenUp) throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Lets the answer go, or gives it up, as soon as it is known which. */
  #decide({ confirmed }: Speculation): Promise<boolean> {
    const { counters, limits } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const undecided = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, limits.totalTimeoutMs, false);
      this.#aborter.signal.addEventListener("abort", () => resolve(false), { once: true });
    });
    return Promise.race([confirmed, undecided])
      .catch(() => false)
      .then((isWanted) => {
        clearTimeout(timer);
        counters[isWanted ? "speculations_confirmed" : "speculations_dropped"]++;
        if (isWanted) this.#outlet.release();
        else this.#aborter.abort(new Error("the caller goes on"));
        return isWanted;
      });
  }

  /** Makes one request, and gives on what is said. */
  async #ask(inWords: boolean): Promise<Completion> {
    const { name, client, settings, limits, counters } = this.#options;
    const { signal } = this.#aborter;
    const outlet = this.#outlet;
    const startedAt = performance.now();
    let isFirst = true;
    const onText = (text: string) => {
      if (signal.aborted) return;
      if (isFirst) {
        const value = performance.now() - startedAt;
        void outlet.push(new MetricsFrame({ data: [{ processor: name, name: "ttfbMs", value }] }));
      }
      isFirst = false;
      return outlet.push(new LLMTextFrame({ text }));
    };
    counters.requests++;
    void outlet.push(new LLMFullResponseStartFrame());
    try {
      const params = chatParams(settings, this.#messages, this.#context.tools, inWords);
      const onRetry = () => void counters.retries++;
      const completion = await streamChat(await client.load(), params, { ...limits, signal, onText, onRetry });
      counters.answers++;
      counters.unknown_events += completion.unknownEvents;
      counters.prompt_tokens += completion.promptTokens;
      counters.completion_tokens += completion.completionTokens;
      return completion;
    } finally {
      // Before anything runs: what was said is to be spoken meanwhile.
      if (!signal.aborted) await outlet.push(new LLMFullResponseEndFrame());
    }
  }

  /** Runs what the model has called. Whether the model is to be asked again. */
  async #act({ text, toolCalls }: Completion): Promise<boolean> {
    const { counters, over, pushLater, askLater } = this.#options;
    const { tools } = this.#context;
    const isLast = ({ kind, call }: ToolOutcome) =>
      kind === "result" && tools.find(({ name }) => name === call.function.name)?.respondAfter === false;
    counters.tool_calls += toolCalls.length;
    const asked = { role: "assistant", tool_calls: toolCalls } as const;
    const outcomes = await runTools({
      calls: toolCalls,
      tools,
      interruption: this.#aborter.signal,
      over,
      hasWords: this.#hasWords,
      pushFrame: (frame, tool) => {
        if (frame instanceof TTSSpeakFrame || frame instanceof OutputAudioRawFrame) this.#hasWords = true;
        return tool.cancelOnInterruption === false ? pushLater(frame) : this.#run.pushFrame(frame);
      },
      onSettled: (settled) => {
        this.#count(settled);
        // What was said beside the calls gets into the context when it was heard, and by whoever knows that.
        this.#context.add({ ...asked, content: null }, ...settled.map(toolMessage));
      },
      onLate: (outcome) => {
        this.#count([outcome]);
        const content = `The function ${outcome.call.function.name} has finished meanwhile: ${outcome.content}`;
        this.#context.add({ role: "system", content });
        // The caller waits for it. Of what has failed meanwhile nobody has to be told out of the blue.
        if (outcome.kind === "result" && !isLast(outcome)) askLater(this.#context);
      },
    });
    if (outcomes === null) return false;
    this.#messages.push({ ...asked, content: text === "" ? null : text }, ...outcomes.map(toolMessage));
    return !outcomes.some(isLast);
  }

  #count(outcomes: readonly ToolOutcome[]): void {
    const { counters } = this.#options;
    for (const { kind } of outcomes) {
      if (kind === "error") counters.tool_errors++;
      else if (kind === "timeout") counters.tool_timeouts++;
      else if (kind === "cancelled") counters.tool_cancellations++;
    }
  }
}

const toolMessage = ({ call, content }: ToolOutcome): LLMMessage => ({ role: "tool", content, tool_call_id: call.id });
