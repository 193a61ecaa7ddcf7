import {
  CancelFrame,
  type Frame,
  type FrameDirection,
  FrameProcessor,
  LLMContextFrame,
  type ProcessRun,
  StartFrame,
  type Tool,
  UserStartedSpeakingFrame,
} from "../../../../pipecat/index.ts";
import { checkTools } from "../../../conversation/tools/index.ts";
import type { ChatLimits } from "./chat.ts";
import { BASE_URL, Client } from "./client.ts";
import { type LLMCounters, noCounts } from "./counters.ts";
import { ChatError, failureOf } from "./failure.ts";
import { defaultOpenAIModel } from "./model.ts";
import { checkOptions } from "./options.ts";
import type { ModelSettings } from "./params.ts";
import { Turn, type TurnOptions } from "./turn.ts";

/** How an {@link OpenAILLMService} is to be. */
export interface OpenAILLMOptions extends Partial<ModelSettings>, Partial<ChatLimits> {
  readonly apiKey: string;
  /** Default `https://api.openai.com/v1`. */
  readonly baseUrl?: string;
  /** For people, and in errors. */
  readonly name?: string;
}

/**
 * Answers with a model of OpenAI, over streamed chat completions.
 *
 * For an `LLMContextFrame` it pushes `LLMFullResponseStartFrame`, `LLMTextFrame`s as the text comes, and
 * `LLMFullResponseEndFrame`; once for each request, so that what is said before a function runs is spoken meanwhile.
 * An interruption gives up the request, and nothing of it comes later. An answer that fails is an `ErrorFrame`, fatal
 * only when no later one can succeed: a refused key, an unknown model, a missing package. The time to the first text goes
 * out as a `MetricsFrame`, `ttfbMs`.
 *
 * @example
 * const llm = new OpenAILLMService({ apiKey: process.env.OPENAI_API_KEY ?? "" });
 */
export class OpenAILLMService extends FrameProcessor {
  readonly model: string;
  readonly counters: LLMCounters = noCounts();
  readonly #client: Client;
  readonly #over = new AbortController();
  readonly #turnOptions: TurnOptions;
  #checkedTools: readonly Tool[] | undefined;

  /**
   * @param options.maxRetries how often a request that fails before its first token is made again; default 2
   * @param options.firstTokenTimeoutMs how long there may be no token; default 10 000
   * @param options.totalTimeoutMs how long one request may take; default 60 000
   * @throws TypeError | RangeError that names the option
   */
  constructor(options: OpenAILLMOptions) {
    super({ name: options.name ?? "OpenAILLMService" });
    checkOptions(options);
    const {
      maxRetries = 2,
      firstTokenTimeoutMs = 10_000,
      totalTimeoutMs = 60_000,
      model = defaultOpenAIModel,
    } = options;
    this.model = model;
    this.#client = new Client(options.apiKey, options.baseUrl ?? BASE_URL);
    this.#turnOptions = {
      name: this.name,
      client: this.#client,
      settings: { ...options, model },
      limits: { maxRetries, firstTokenTimeoutMs, totalTimeoutMs },
      counters: this.counters,
      over: this.#over.signal,
      pushLater: (frame) => this.pushFrame(frame),
      askLater: (context) => void this.queueFrame(new LLMContextFrame({ context })),
    };
  }

  override processFrame(frame: Frame, direction: FrameDirection, run: ProcessRun): void | Promise<void> {
    if (frame instanceof LLMContextFrame && direction === "downstream") return this.#answer(frame, run);
    // The other side may have closed its connection since the last turn: it is open again before the caller has finished.
    if (frame instanceof StartFrame || frame instanceof UserStartedSpeakingFrame) this.#warmUp();
    if (frame instanceof CancelFrame) this.cleanup();
    return run.pushFrame(frame, direction);
  }

  override cleanup(): void {
    this.#over.abort(new Error("the call is over"));
  }

  async #answer(frame: LLMContextFrame, run: ProcessRun): Promise<void> {
    const { tools } = frame.context;
    if (this.#checkedTools !== tools) checkTools(tools);
    this.#checkedTools = tools;
    const turn = new Turn(frame, run, this.#turnOptions);
    try {
      await turn.answer();
    } catch (exception) {
      this.counters.failed++;
      const { text, fatal } = failureOf(exception);
      this.pushError(text, { fatal, exception });
    }
    if (!turn.isGivenUp) return;
    this.counters.aborted++;
    // The connection went with the request, and the next turn is not far.
    this.#warmUp();
  }

  /** Its failure is no error of the call: the next turn tries anew, and says what is wrong. */
  #warmUp(): void {
    this.#client.warmUp(this.model, this.#over.signal).then(
      (isDone) => {
        if (isDone) this.counters.warm_ups++;
      },
      (exception: unknown) => {
        const isFirst = this.counters.warm_up_failures++ === 0;
        if (isFirst && exception instanceof ChatError) this.pushError(exception.message, { fatal: true, exception });
      },
    );
  }
}
