import { setTimeout as delay } from "node:timers/promises";
import type { Behaviour, CallEventType } from "./behaviour.ts";
import type { WebhookDelivery } from "./model.ts";

const MAX_REPLY_CHARACTERS = 1024;
const MAX_DELIVERIES_KEPT = 100;

/** One event on its way: its body is written when the event happens, not when it is sent. */
interface PendingWebhook {
  event: CallEventType;
  body: string;
  stillTrue: () => boolean;
}

/**
 * Posts the events of one call. Wavix OpenAPI, OnCallEvent: "Return a 200 status to indicate that the data was
 * successfully received"; nothing else in the reply counts.
 */
export class WebhookSender {
  readonly #urls: readonly string[];
  readonly #behaviour: Behaviour;
  readonly #signal: AbortSignal;
  #last: Promise<void> = Promise.resolve();
  #announce: (delivery: WebhookDelivery | null) => void = () => undefined;

  readonly announced: Promise<WebhookDelivery | null>;
  /** In the order the outcomes were known; past the bound, further ones are not kept. */
  readonly deliveries: WebhookDelivery[] = [];

  constructor(url: string, behaviour: Behaviour, signal: AbortSignal) {
    this.#urls = behaviour.accountWebhookUrl === null ? [url] : [url, behaviour.accountWebhookUrl];
    this.#behaviour = behaviour;
    this.#signal = signal;
    this.announced = new Promise((resolve) => {
      this.#announce = resolve;
    });
  }

  /** Posts an event in its turn, unless it is no longer true by then. */
  send(event: CallEventType, body: unknown, stillTrue: () => boolean = () => true): void {
    const pending: PendingWebhook = { event, body: JSON.stringify(body), stillTrue };
    const before = this.#behaviour.webhookOrder === "in-order" ? this.#last : Promise.resolve();
    const delivered = before.then(() => this.#deliver(pending));
    this.#last = Promise.all([this.#last, delivered]).then(() => undefined);
  }

  /** Resolves when the outcome of every webhook is known. */
  settled(): Promise<void> {
    return this.#last;
  }

  /** Nothing more will be sent: resolves when all is settled. */
  async close(): Promise<void> {
    await this.#last;
    this.#announce(null);
  }

  async #deliver({ event, body, stillTrue }: PendingWebhook): Promise<void> {
    for (let copy = 0; copy < this.#behaviour.webhookCopies; copy++) {
      if (!stillTrue()) return;
      const deliveries = await Promise.all(this.#urls.map((url) => this.#post(url, event, body)));
      for (const delivery of deliveries) {
        if (this.deliveries.length < MAX_DELIVERIES_KEPT) this.deliveries.push(delivery);
        this.#announce(delivery);
      }
    }
  }

  async #post(url: string, event: CallEventType, body: string): Promise<WebhookDelivery> {
    const startedMs = performance.now();
    for (let attempts = 1; ; attempts++) {
      const outcome = await this.#attempt(url, body);
      const retry = outcome.status !== 200 && attempts <= this.#behaviour.webhookRetries && !this.#signal.aborted;
      if (!retry) return { event, ...outcome, attempts, durationMs: performance.now() - startedMs };
      await delay(this.#behaviour.webhookRetryDelayMs, undefined, { signal: this.#signal }).catch(() => undefined);
    }
  }

  async #attempt(url: string, body: string): Promise<Pick<WebhookDelivery, "status" | "error" | "reply">> {
    // Not AbortSignal.any with AbortSignal.timeout: Node 20 may collect them as garbage, and the time never runs out.
    const controller = new AbortController();
    const abort = () => controller.abort(this.#signal.reason);
    if (this.#signal.aborted) abort();
    this.#signal.addEventListener("abort", abort, { once: true });
    const timer = setTimeout(
      () => controller.abort(new DOMException("no reply in time", "TimeoutError")),
      this.#behaviour.webhookTimeoutMs,
    );
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        redirect: "manual",
        signal: controller.signal,
      });
      return { status: response.status, error: null, reply: await readStart(response) };
    } catch (error) {
      return { status: null, error: errorCode(error), reply: "" };
    } finally {
      clearTimeout(timer);
      this.#signal.removeEventListener("abort", abort);
    }
  }
}

async function readStart(response: Response): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length >= MAX_REPLY_CHARACTERS) break;
  }
  return text.slice(0, MAX_REPLY_CHARACTERS);
}

// fetch hides the system error in `cause`, and one error per address in that one's `errors`.
function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return "UNKNOWN";
  if (error.name === "TimeoutError") return "TIMEOUT";
  if (error.name === "AbortError") return "ABORTED";
  for (const candidate of [error.cause, error]) {
    if (candidate instanceof Error && "code" in candidate && typeof candidate.code === "string") return candidate.code;
  }
  return error.name;
}
