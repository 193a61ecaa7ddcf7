import { probe } from "./probe.ts";

/** How bots are watched. Times are in ms. */
export interface HealthOptions {
  /** Asked for with GET; any answer below 500 is a good one. */
  readonly path: string;
  /** How often; 0 for never. */
  readonly everyMs: number;
  /** How long an answer may take. */
  readonly limitMs: number;
  /** How long a bot that is not checked counts as down once it could not be connected to. */
  readonly downMs: number;
}

/**
 * Whether a bot's process is alive: any answer says that its event loop is, a 404 too. Answers of 500 and more are those
 * of a proxy with nothing behind it, or of a bot that says itself that it is not well.
 */
export class Health {
  readonly #url: string;
  readonly #options: HealthOptions;
  readonly #onDown: () => void;
  readonly #stop = new AbortController();
  #down = false;
  #downUntilMs = 0;
  #checking = false;

  /** @param origin of the WebSocket's URL */
  constructor(origin: string, options: HealthOptions, onDown: () => void) {
    this.#url = origin.replace(/^ws/, "http") + options.path;
    this.#options = options;
    this.#onDown = onDown;
  }

  get isDown(): boolean {
    if (this.#options.everyMs > 0) return this.#down;
    return performance.now() < this.#downUntilMs;
  }

  /** It could not be connected to: until the next good check, that is worth more than the last one. */
  fail(): void {
    const wasDown = this.isDown;
    this.#down = true;
    this.#downUntilMs = performance.now() + this.#options.downMs;
    if (!wasDown) this.#onDown();
  }

  /** Does nothing while another check is on its way. */
  async check(): Promise<void> {
    if (this.#checking || this.#stop.signal.aborted) return;
    this.#checking = true;
    const status = await probe(this.#url, this.#options.limitMs, this.#stop.signal);
    this.#checking = false;
    if (this.#stop.signal.aborted) return;
    if (status !== undefined && status < 500) this.#down = false;
    else this.fail();
  }

  close(): void {
    this.#stop.abort();
  }
}
