import type { Behaviour } from "./behaviour.ts";

/** The fields of `/collect` that the simulated caller minds (Wavix OpenAPI: CallDtmfCollectRequest). */
export interface CollectSpec {
  max_digits?: number;
  timeout?: number;
  termination_character?: string;
  max_attempts?: number;
}

/** How a collection ended. */
export interface Collected {
  status: "completed" | "failed";
  digits: string;
}

// Not documented; taken when `/collect` leaves them out.
const DEFAULT_TIMEOUT_S = 10;
const DEFAULT_MAX_DIGITS = 20;

/**
 * One `/collect` from its start to its end: `completed` by the last key it may have, by the one that ends it, or by its
 * time when there are keys by then; `failed` when there are none after the last attempt. The time is that of an attempt
 * as a whole, as its field's description has it, and begins at once: prompts are not played.
 */
export class Collection {
  readonly #spec: CollectSpec;
  readonly #whenTimeIsUp: Behaviour["keysAtTimeout"];
  readonly #onEnd: (collected: Collected) => void;
  #digits = "";
  #attemptsLeft: number;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(spec: CollectSpec, behaviour: Behaviour, onEnd: (collected: Collected) => void) {
    this.#spec = spec;
    this.#whenTimeIsUp = behaviour.keysAtTimeout;
    this.#onEnd = onEnd;
    this.#attemptsLeft = spec.max_attempts ?? 1;
    this.#attempt();
  }

  press(key: string): void {
    if (this.#over) return;
    if (key === this.#spec.termination_character) this.complete();
    else {
      this.#digits += key;
      if (this.#digits.length >= (this.#spec.max_digits ?? DEFAULT_MAX_DIGITS)) this.complete();
    }
  }

  /** There will be no more keys. */
  complete(): void {
    this.#end("completed");
  }

  /** It is of no interest any more: nothing is told. */
  drop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #attempt(): void {
    this.#attemptsLeft -= 1;
    this.#timer = setTimeout(() => this.#timeIsUp(), (this.#spec.timeout ?? DEFAULT_TIMEOUT_S) * 1000);
  }

  #timeIsUp(): void {
    if (this.#digits !== "") this.#end(this.#whenTimeIsUp === "complete" ? "completed" : "failed");
    else if (this.#attemptsLeft > 0) this.#attempt();
    else this.#end("failed");
  }

  #end(status: Collected["status"]): void {
    if (this.#over) return;
    this.drop();
    this.#onEnd({ status, digits: this.#digits });
  }
}
