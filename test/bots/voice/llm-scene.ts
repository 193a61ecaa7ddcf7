import { type OpenAILLMOptions, OpenAILLMService } from "../../../src/bots/voice/services/openai/index.ts";
import {
  type ErrorFrame,
  type Frame,
  InterruptionFrame,
  LLMContext,
  LLMContextFrame,
  LLMFullResponseEndFrame,
  LLMTextFrame,
  MetricsFrame,
  Pipeline,
  type Speculation,
  StartFrame,
  type Tool,
} from "../../../src/pipecat/index.ts";
import {
  createOpenAIStandIn,
  type OpenAIReplies,
  type OpenAIStandIn,
  type OpenAIStandInOptions,
} from "../../../src/simulator/services/index.ts";

/** A language model between two ends, over real HTTP against the stand-in. */
export interface LLMScene extends AsyncDisposable {
  readonly openai: OpenAIStandIn;
  readonly llm: OpenAILLMService;
  readonly context: LLMContext;
  /** What came out downstream, but for figures and what only passed through. */
  readonly frames: Frame[];
  readonly metrics: MetricsFrame[];
  readonly errors: ErrorFrame[];
  /** Asks for an answer; with words of the caller, they get into the context first. */
  ask(text?: string, speculation?: Speculation): void;
  interrupt(): void;
  queue(frame: Frame): void;
  cancel(): void;
  /** Settles when it is so; looked at whenever something comes out. */
  until(isSo: () => boolean): Promise<void>;
  /** Settles when this many answers are complete. */
  answers(count: number): Promise<void>;
  text(): string;
}

export async function llmScene(
  replies: OpenAIReplies,
  options: { standIn?: OpenAIStandInOptions; llm?: Partial<OpenAILLMOptions>; tools?: readonly Tool[] } = {},
): Promise<LLMScene> {
  const openai = await createOpenAIStandIn({ replies, ...options.standIn });
  const llm = new OpenAILLMService({ apiKey: "sk-test", baseUrl: openai.url, ...options.llm });
  const context = new LLMContext({ tools: options.tools ?? [] });
  const frames: Frame[] = [];
  const metrics: MetricsFrame[] = [];
  const errors: ErrorFrame[] = [];
  const waiters = new Set<() => void>();
  const look = () => {
    for (const waiter of [...waiters]) waiter();
  };
  const pipeline = new Pipeline([llm], {
    onError: (frame) => {
      errors.push(frame);
      look();
    },
    onPushFrame: ({ source, frame, direction }) => {
      if (source !== llm || direction !== "downstream") return;
      if (frame instanceof MetricsFrame) metrics.push(frame);
      else if (!(frame instanceof StartFrame)) frames.push(frame);
      look();
    },
  });
  const over = pipeline.run();
  const until = (isSo: () => boolean) =>
    new Promise<void>((resolve) => {
      const waiter = () => {
        if (!isSo()) return;
        waiters.delete(waiter);
        resolve();
      };
      waiters.add(waiter);
      waiter();
    });
  return {
    openai,
    llm,
    context,
    frames,
    metrics,
    errors,
    until,
    ask(text, speculation) {
      if (text !== undefined) context.add({ role: "user", content: text });
      void pipeline.queueFrame(new LLMContextFrame({ context, speculation: speculation ?? null }));
    },
    interrupt: () => void pipeline.queueFrame(new InterruptionFrame()),
    queue: (frame) => void pipeline.queueFrame(frame),
    cancel: () => pipeline.cancel(),
    answers: (count) => until(() => frames.filter((frame) => frame instanceof LLMFullResponseEndFrame).length >= count),
    text: () => frames.map((frame) => (frame instanceof LLMTextFrame ? frame.text : "")).join(""),
    async [Symbol.asyncDispose]() {
      pipeline.cancel();
      await over;
      await openai.close();
    },
  };
}

/** The frames by name, a run of texts as one. */
export function shapeOf(frames: readonly Frame[]): string[] {
  return frames
    .map((frame) => frame.constructor.name)
    .filter((name, at, all) => name !== "LLMTextFrame" || all[at - 1] !== name);
}
