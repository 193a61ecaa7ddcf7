import { CancelWorkerFrame, type Frame, FrameProcessor, type ProcessRun, StartFrame } from "../pipecat/index.ts";
import type { Call } from "./call.ts";

/**
 * The beginning of a pipeline: the frames of a caller, from the StartFrame on, to which it gives the rate of the call.
 * When the call is over, so is the pipeline.
 */
export class CallInput extends FrameProcessor {
  readonly #call: Call;
  #unlisten: (() => void) | undefined;

  constructor(call: Call) {
    super();
    this.#call = call;
  }

  override processFrame(frame: Frame, direction: "downstream" | "upstream", run: ProcessRun): void | Promise<void> {
    if (!(frame instanceof StartFrame)) return run.pushFrame(frame, direction);
    const { audioInSampleRate, signal } = this.#call;
    void run.pushFrame(new StartFrame({ audioInSampleRate, audioOutSampleRate: frame.audioOutSampleRate }));
    // Audio is a system frame: its lane has room as long as it is handled at all.
    this.#unlisten = this.#call.onFrame((heard) => void this.pushFrame(heard));
    if (signal.aborted) this.#callOver();
    else signal.addEventListener("abort", this.#callOver, { once: true });
  }

  override cleanup(): void {
    this.#unlisten?.();
    this.#call.signal.removeEventListener("abort", this.#callOver);
  }

  readonly #callOver = (): void => {
    void this.pushFrame(new CancelWorkerFrame({ reason: "call-over" }), "upstream");
  };
}
