import {
  type Frame,
  type FrameDirection,
  FrameProcessor,
  InputTransportMessageFrame,
  type ProcessRun,
} from "../pipecat/index.ts";
import type { CollectOptions } from "../wavix/control/index.ts";
import type { Call } from "./call.ts";

/** What became of a collect. */
export interface CollectedDigits {
  /** `completed`: there are digits. `failed`: the time ran out, or the call has no keys to be asked for. */
  readonly status: "completed" | "failed";
  readonly digits: string;
}

/** Behind the longest time Wavix may take by what was asked, in ms. */
const GRACE_MS = 5_000;
const DEFAULT_TIMEOUT_SECONDS = 60;

/**
 * Asks for the keys of a call's telephone. It stands behind `call.input()`; everything passes through.
 *
 * @example
 * const digits = new DigitCollector(call);
 * void pipeline([call.input(), digits, call.output()]).run();
 * const { status, digits: pin } = await digits.collect({ maxDigits: 4, timeoutSeconds: 10 });
 */
export class DigitCollector extends FrameProcessor {
  readonly #call: Call;
  /** The one that waits: a new one takes its place, with Wavix too. */
  #settle: ((collected: CollectedDigits) => void) | undefined;
  #isOver = false;

  constructor(call: Call) {
    super();
    this.#call = call;
  }

  /**
   * Has Wavix collect keys. One at a time: what waited before has failed.
   *
   * @param signal gives up waiting; Wavix goes on collecting until its time is over
   * @throws WavixApiError when Wavix refuses; Error when the call has no REST side
   */
  async collect(options: CollectOptions = {}, signal?: AbortSignal): Promise<CollectedDigits> {
    const { control } = this.#call;
    if (control?.collect === undefined) throw new Error("keys cannot be collected: there is no REST side to this call");
    if (this.#isOver || signal?.aborted) return FAILED;
    const { timeoutSeconds = DEFAULT_TIMEOUT_SECONDS, maxAttempts = 1 } = options;
    this.#settle?.(FAILED);
    let timer: ReturnType<typeof setTimeout> | undefined;
    let settle: (collected: CollectedDigits) => void = () => {};
    const collected = new Promise<CollectedDigits>((resolve) => {
      settle = resolve;
      timer = setTimeout(() => resolve(FAILED), timeoutSeconds * maxAttempts * 1_000 + GRACE_MS);
    });
    const giveUp = () => settle(FAILED);
    this.#settle = settle;
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      await control.collect(options);
      return await collected;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", giveUp);
      if (this.#settle === settle) this.#settle = undefined;
    }
  }

  override processFrame(frame: Frame, direction: FrameDirection, run: ProcessRun): void | Promise<void> {
    if (frame instanceof InputTransportMessageFrame) {
      const collected = collectedOf(frame.message);
      if (collected !== undefined) this.#settle?.(collected);
    }
    return run.pushFrame(frame, direction);
  }

  override cleanup(): void {
    this.#isOver = true;
    this.#settle?.(FAILED);
  }
}

const FAILED: CollectedDigits = { status: "failed", digits: "" };

function collectedOf(message: unknown): CollectedDigits | undefined {
  const { event, status, digits } = (message ?? {}) as Record<string, unknown>;
  if (event !== "collect") return undefined;
  return status === "completed" ? { status, digits: typeof digits === "string" ? digits : "" } : FAILED;
}
