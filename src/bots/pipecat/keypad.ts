import type { CallControl } from "../../call/index.ts";
import type { CollectOptions } from "../../wavix/control/index.ts";

/** One key at a time, as long as Wavix waits: what a bot wants that only says that it wants keys. */
const ONE_KEY: CollectOptions = { maxDigits: 1, timeoutSeconds: 60 };
/** Between the end of a collect and the next: one that ends at once must not become a flood. */
const REST_MS = 100;
/** One that ends so soon after it was asked for is hardly that one. */
const EARLY_MS = 100;
const AFTER_EARLY_MS = 1_000;
/** After so many requests in a row that failed, no more are made. */
const MAX_FAILURES = 3;
const AFTER_FAILURE_MS = 1_000;

export interface KeypadOptions {
  readonly control: CallControl | undefined;
  readonly signal: AbortSignal;
  /** Wavix does not collect, and will not. */
  onFailed(error: unknown): void;
}

/**
 * The keys that a caller presses. Wavix reports them only while it was asked to collect, and a collect ends with a key, a
 * number of keys or its time; so that none is missed it is asked again, for as long as the bot wants keys.
 */
export class Keypad {
  readonly #options: KeypadOptions;
  #wanted: CollectOptions | undefined;
  #repeat = false;
  /** A request is on its way; what is wanted meanwhile is asked for when that is answered. */
  #isAsking = false;
  #asksAgain = false;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: KeypadOptions) {
    this.#options = options;
  }

  /** Has keys collected: once, or again and again until {@link stop}. */
  want(collect: CollectOptions = ONE_KEY, repeat = true): void {
    this.#wanted = collect;
    this.#repeat = repeat;
    this.#failures = 0;
    clearTimeout(this.#timer);
    // Also while a collect runs: with Wavix the new one takes its place.
    this.#ask();
  }

  /** Wants no more keys; those of the collect that runs still come. */
  stop(): void {
    this.#wanted = undefined;
    clearTimeout(this.#timer);
  }

  /** A collect is over, with keys or without. */
  ended(): void {
    // It may be one that another has replaced, of which Wavix says nothing: to replace that in turn must not go on and on.
    const isEarly = performance.now() - this.#askedAtMs < EARLY_MS;
    this.#askAfter(isEarly ? AFTER_EARLY_MS : REST_MS);
  }

  #askAfter(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#wanted !== undefined) this.#timer = setTimeout(() => this.#ask(), delayMs);
  }

  #ask(): void {
    const { control, signal, onFailed } = this.#options;
    const collect = this.#wanted;
    if (collect === undefined || signal.aborted) return;
    if (this.#isAsking) {
      this.#asksAgain = true;
      return;
    }
    if (control?.collect === undefined) {
      this.#wanted = undefined;
      onFailed(new Error("there is no REST side to this call"));
      return;
    }
    if (!this.#repeat) this.#wanted = undefined;
    this.#askedAtMs = performance.now();
    this.#isAsking = true;
    new Promise((resolve) => resolve(control.collect?.(collect)))
      .then(
        () => {
          this.#failures = 0;
        },
        (error: unknown) => this.#failed(error),
      )
      .finally(() => {
        this.#isAsking = false;
        if (this.#asksAgain) this.#askAfter(REST_MS);
        this.#asksAgain = false;
      });
  }

  #failed(error: unknown): void {
    if (this.#options.signal.aborted) return;
    if (!this.#asksAgain) {
      this.#failures++;
      if (this.#wanted !== undefined && this.#failures < MAX_FAILURES) {
        this.#askAfter(AFTER_FAILURE_MS);
        return;
      }
      this.#wanted = undefined;
    }
    this.#options.onFailed(error);
  }
}
