import { CancelWorkerFrame, EndWorkerFrame } from "../conversation-frames.ts";
import { CancelFrame, EndFrame, ErrorFrame, type Frame, StartFrame } from "../frames.ts";
import { type FrameDirection, FrameProcessor, type Place } from "./frame-processor.ts";

/** A frame that goes from one processor to the next. */
export interface FramePushed {
  readonly source: FrameProcessor;
  readonly destination: FrameProcessor;
  readonly frame: Frame;
  readonly direction: FrameDirection;
}

/** How a pipeline is to be; nothing has to be given. */
export interface PipelineOptions {
  /** Rates of the audio in Hz, for the StartFrame; a `call.input()` puts in that of its call. */
  readonly audioInSampleRate?: number;
  readonly audioOutSampleRate?: number;
  /**
   * Told of every error that comes up the pipeline. Without it a fatal one ends the pipeline, and others are dropped;
   * with it, what becomes of them is decided there.
   */
  readonly onError?: (frame: ErrorFrame) => void;
  /** Sees every frame that goes from one processor to the next, before it is handled. What it throws ends the pipeline. */
  readonly onPushFrame?: (pushed: FramePushed) => void;
}

/** A pipeline that could not go on. */
export class PipelineError extends Error {
  override readonly name = "PipelineError";
  readonly code = "PIPELINE_FAILED";
}

/** How long the processors may take to close what they have open, in ms. */
const CLEANUP_MS = 5_000;

/**
 * Processors in a row, with Pipecat's semantics: see {@link FrameProcessor}.
 *
 * ```
 *  queueFrame ─▶ [source] ─▶ first ─▶ … ─▶ last ─▶ [sink]      EndFrame here: the pipeline is over
 *                   ▲ errors, EndWorkerFrame, CancelWorkerFrame
 * ```
 *
 * @example
 * const bot: Bot = (call) => new Pipeline([call.input(), stt, userContext, llm, tts, call.output(), assistantContext]).run();
 */
export class Pipeline {
  readonly #processors: readonly FrameProcessor[];
  readonly #source: Source;
  readonly #options: PipelineOptions;
  readonly #over: Promise<void>;
  #settle!: (error?: Error) => void;
  #state: "new" | "running" | "ending" | "over" = "new";

  /** @throws Error when a processor is already part of a pipeline */
  constructor(processors: readonly FrameProcessor[], options: PipelineOptions = {}) {
    this.#options = options;
    this.#over = new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    // Whoever does not await `run` has decided not to know.
    this.#over.catch(() => {});
    this.#source = new Source({
      error: (frame) => this.#onError(frame),
      end: (frame) => void this.queueFrame(new EndFrame({ reason: frame.reason })),
      cancel: (frame) => this.cancel(frame.reason ?? undefined),
    });
    const sink = new Sink(() => void this.#finish());
    this.#processors = [this.#source, ...processors, sink];
    for (const [index, processor] of this.#processors.entries()) {
      const next = this.#processors[index + 1];
      const previous = this.#processors[index - 1];
      processor.link({ next, previous, pushed: this.#pushed });
    }
  }

  /**
   * Starts the processors. Settles when the end is through and all of them are closed.
   *
   * @throws PipelineError when one of them cannot go on, and there is no `onError`; what was given to {@link fail}
   */
  run(): Promise<void> {
    if (this.#state === "new") {
      this.#state = "running";
      const { audioInSampleRate, audioOutSampleRate } = this.#options;
      void this.#source.emit(
        new StartFrame({
          ...(audioInSampleRate === undefined ? {} : { audioInSampleRate }),
          ...(audioOutSampleRate === undefined ? {} : { audioOutSampleRate }),
        }),
      );
    }
    return this.#over;
  }

  /**
   * Puts a frame in at the beginning. `EndFrame` ends the pipeline when all before it is through.
   *
   * @returns nothing, or a promise that settles when there is room again
   */
  queueFrame(frame: Frame): void | Promise<void> {
    if (this.#state === "new") throw new Error("the pipeline does not run yet");
    if (this.#state !== "running") return;
    if (frame instanceof EndFrame) this.#state = "ending";
    return this.#source.emit(frame);
  }

  /** Ends it now: what is queued is dropped. */
  cancel(reason?: string): void {
    if (this.#state === "over") return;
    const isRunning = this.#state !== "new";
    this.#state = "ending";
    if (isRunning) void this.#source.emit(new CancelFrame({ reason: reason ?? null }));
    // It waits at a processor whose frame has brought us here, until this tick is over.
    queueMicrotask(() => void this.#finish());
  }

  /** Ends it now, and `run` rejects with the error. The processors are closed; nothing is said to the caller. */
  fail(error: Error): void {
    void this.#finish(error);
  }

  #onError(frame: ErrorFrame): void {
    const { onError } = this.#options;
    if (onError !== undefined) this.#tell(() => onError(frame));
    else if (frame.fatal) void this.#finish(new PipelineError(frame.error, { cause: frame.exception }));
  }

  readonly #pushed: Place["pushed"] = (source, destination, frame, direction) => {
    const { onPushFrame } = this.#options;
    if (onPushFrame !== undefined) this.#tell(() => onPushFrame({ source, destination, frame, direction }));
  };

  /** Whoever listens must not break the handling of a frame. */
  #tell(listener: () => void): void {
    try {
      listener();
    } catch (cause) {
      void this.#finish(new PipelineError(`a listener of the pipeline failed: ${String(cause)}`, { cause }));
    }
  }

  /** However often it is called, and by whom, the first one counts. */
  async #finish(error?: Error): Promise<void> {
    if (this.#state === "over") return;
    this.#state = "over";
    for (const processor of this.#processors) processor.unlink();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, CLEANUP_MS);
    });
    const cleanups = this.#processors.map(async (processor) => processor.cleanup());
    await Promise.race([Promise.allSettled(cleanups), late]);
    clearTimeout(timer);
    this.#settle(error);
  }
}

/**
 * Puts processors in a row; `run` starts them. See {@link Pipeline}.
 *
 * @example
 * const bot: Bot = (call) => pipeline([call.input(), stt, userContext, llm, tts, call.output(), assistantContext]).run();
 */
export function pipeline(processors: readonly FrameProcessor[], options?: PipelineOptions): Pipeline {
  return new Pipeline(processors, options);
}

interface Upstream {
  error(frame: ErrorFrame): void;
  end(frame: EndWorkerFrame): void;
  cancel(frame: CancelWorkerFrame): void;
}

/** Before the first processor: frames come in, and what comes up gets out. */
class Source extends FrameProcessor {
  readonly #upstream: Upstream;

  constructor(upstream: Upstream) {
    super({ name: "source" });
    this.#upstream = upstream;
  }

  /** Nothing waits here: what comes up may be the reason for what goes down. */
  emit(frame: Frame): void | Promise<void> {
    return this.pushFrame(frame);
  }

  override processFrame(frame: Frame): void {
    if (frame instanceof ErrorFrame) this.#upstream.error(frame);
    else if (frame instanceof EndWorkerFrame) this.#upstream.end(frame);
    else if (frame instanceof CancelWorkerFrame) this.#upstream.cancel(frame);
  }
}

/** Behind the last processor: what gets here is through. */
class Sink extends FrameProcessor {
  readonly #ended: () => void;

  constructor(ended: () => void) {
    super({ name: "sink" });
    this.#ended = ended;
  }

  override processFrame(frame: Frame): void {
    if (frame instanceof EndFrame) this.#ended();
  }
}
