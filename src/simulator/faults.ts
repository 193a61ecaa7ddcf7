/** The operations of the REST side. */
export type ApiOperation =
  | "answerCall"
  | "startStream"
  | "stopStream"
  | "hangUp"
  | "getCall"
  | "listCalls"
  | "updateCall"
  | "collect"
  | "play"
  | "stopAudio"
  | "getConfig"
  | "listNumbers"
  | "listWebhooks";

/**
 * A REST side that misbehaves: it answers with a fixed status, after a delay, not at all, or resets the connection.
 *
 * @example
 * simulator.injectFault({ operation: "answerCall", kind: "status", status: 503, times: 2 });
 * // The call is answered, but the server never hears of it:
 * simulator.injectFault({ operation: "answerCall", kind: "no-answer", carriesOut: true });
 */
export type Fault = {
  operation: ApiOperation | "any";
  /** How many requests it applies to. Default 1; `Infinity` for all. */
  times?: number;
  /** The request takes effect although its answer is faulty. Default false; a delayed one always does. */
  carriesOut?: boolean;
} & (
  | { kind: "status"; status: number; body?: unknown; headers?: Record<string, string> }
  | { kind: "delay"; delayMs: number }
  | { kind: "no-answer" }
  | { kind: "reset" }
);

/** The faults in force. At most 100 wait; a further one is refused with a RangeError. */
export class FaultPlan {
  readonly #faults: { fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    if (this.#faults.length >= 100) throw new RangeError("at most 100 faults can be in force");
    const left = fault.times ?? 1;
    if (!(left >= 1)) throw new RangeError(`times must be at least 1, not ${left}`);
    this.#faults.push({ fault, left });
  }

  clear(): void {
    this.#faults.length = 0;
  }

  /** Uses up one turn of the first fault that fits. */
  take(operation: ApiOperation): Fault | null {
    const at = this.#faults.findIndex(({ fault }) => fault.operation === operation || fault.operation === "any");
    const found = this.#faults[at];
    if (found === undefined) return null;
    found.left -= 1;
    if (found.left <= 0) this.#faults.splice(at, 1);
    return found.fault;
  }
}
