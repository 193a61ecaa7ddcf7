import type { Call } from "../../call/index.ts";
import type { ConversationEvent } from "./events.ts";
import type { Tally } from "./tally.ts";

export interface TellerOptions {
  readonly call: Call;
  readonly tally: Tally;
  readonly onEvent: ((event: ConversationEvent, call: Call) => void) | undefined;
  /** The listener has thrown, or rejected: a mistake of its own, and not of a service. */
  onFailed(error: Error): void;
}

/** Counts what happens in a conversation, and tells whoever listens. A listener that fails takes down no more than its call. */
export class Teller {
  readonly #options: TellerOptions;

  constructor(options: TellerOptions) {
    this.#options = options;
  }

  tell(event: ConversationEvent): void {
    const { call, tally, onEvent } = this.#options;
    if (event.type === "user") tally.own.turns++;
    else if (event.type === "interruption") tally.own.interruptions++;
    else if (event.type === "false-start") tally.own.false_starts++;
    try {
      const listening: unknown = onEvent?.(event, call);
      if (listening instanceof Promise) listening.catch(this.#failed);
    } catch (error) {
      this.#failed(error);
    }
  }

  readonly #failed = (error: unknown): void => {
    this.#options.onFailed(error instanceof Error ? error : new Error(String(error)));
  };
}
