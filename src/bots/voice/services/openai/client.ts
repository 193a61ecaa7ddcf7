import type OpenAI from "openai";
import { hasIdleConnection, pooledFetch } from "./connection-pool.ts";
import { ChatError } from "./failure.ts";

export const BASE_URL = "https://api.openai.com/v1";
const WARM_UP_MS = 5_000;

/** Addresses to which somebody opens a connection right now. */
const warming = new Set<string>();

/** OpenAI's package, loaded when it is needed, over the connections that all calls share. */
export class Client {
  readonly #apiKey: string;
  readonly #baseUrl: string;
  readonly #warmUpMs: number;
  #loaded: Promise<OpenAI> | undefined;

  constructor(apiKey: string, baseUrl: string, warmUpMs = WARM_UP_MS) {
    this.#apiKey = apiKey;
    this.#baseUrl = baseUrl;
    this.#warmUpMs = warmUpMs;
  }

  /** @throws ChatError `PACKAGE_MISSING` */
  load(): Promise<OpenAI> {
    this.#loaded ??= this.#load();
    return this.#loaded;
  }

  async #load(): Promise<OpenAI> {
    let Package: typeof OpenAI;
    try {
      ({ default: Package } = await import("openai"));
    } catch (cause) {
      throw new ChatError("PACKAGE_MISSING", 'the package "openai" is missing: run `npm install openai@^6`', { cause });
    }
    return new Package({
      apiKey: this.#apiKey,
      baseURL: this.#baseUrl,
      // Its waits between two tries cannot be aborted; ours can.
      maxRetries: 0,
      // It would write malformed events, and so what was said, to the console.
      logLevel: "off",
      fetch: pooledFetch,
    });
  }

  /**
   * Opens a connection with a cheap request, unless an idle one is there or somebody is at it.
   *
   * @returns whether there was something to do
   * @throws what the package throws
   */
  async warmUp(model: string, signal: AbortSignal): Promise<boolean> {
    const client = await this.load();
    if (signal.aborted || warming.has(this.#baseUrl) || hasIdleConnection(this.#baseUrl)) return false;
    warming.add(this.#baseUrl);
    // The package never stops listening to the signal of a request, and this one lives as long as the call.
    const aborter = new AbortController();
    const abort = () => aborter.abort();
    signal.addEventListener("abort", abort, { once: true });
    // The package's own limit ends with the headers.
    const timer = setTimeout(abort, this.#warmUpMs);
    try {
      await client.models.retrieve(model, { signal: aborter.signal });
      return true;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      warming.delete(this.#baseUrl);
    }
  }
}
