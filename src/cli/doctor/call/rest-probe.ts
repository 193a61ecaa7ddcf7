import type { Watch } from "./watch.ts";

/** What became of a request: a status, and the words of a refusal without ids, numbers and addresses. */
export interface RestFact {
  readonly request: string;
  /** Null when there was no answer in time. */
  readonly status: number | null;
  readonly text: string;
  readonly tookMs: number;
  readonly json: unknown;
}

const LIMIT_MS = 15_000;

/** Wavix's REST side, as it answers: nothing is repeated, nothing is interpreted. */
export class RestProbe {
  readonly facts: RestFact[] = [];
  readonly #base: string;
  readonly #headers: Record<string, string>;
  readonly #watch: Watch;

  constructor(base: string, apiKey: string | undefined, watch: Watch) {
    this.#base = base;
    this.#watch = watch;
    this.#headers = {
      accept: "application/json",
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    };
  }

  /** @param name what it is called in the report, where its path has ids */
  async send(name: string, method: "GET" | "POST" | "DELETE", path: string, body?: object): Promise<RestFact> {
    const startedAtMs = performance.now();
    const aborter = new AbortController();
    const timer = setTimeout(() => aborter.abort(), LIMIT_MS);
    let status: number | null = null;
    let json: unknown;
    try {
      const response = await fetch(this.#base + path, {
        method,
        headers: body === undefined ? this.#headers : { ...this.#headers, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: "manual",
        signal: aborter.signal,
      });
      status = response.status;
      json = await response.json();
    } catch {
      // No answer, or one without JSON: the status tells which.
    } finally {
      clearTimeout(timer);
    }
    const tookMs = Math.round(performance.now() - startedAtMs);
    const fact = { request: name, status, text: status === 200 ? "" : textOf(json), tookMs, json };
    this.facts.push(fact);
    this.#watch.note(`${name}: ${status ?? "no answer"} after ${tookMs} ms`);
    return fact;
  }
}

/** Its message and the texts by field. */
function textOf(json: unknown): string {
  if (typeof json !== "object" || json === null) return "";
  const { message, errors } = json as { message?: unknown; errors?: unknown };
  const fields = typeof errors === "object" && errors !== null ? Object.entries(errors) : [];
  const texts = [message, ...fields.slice(0, 10).map(([field, text]) => `${field}: ${String(text)}`)];
  return redactWords(texts.filter((text) => typeof text === "string").join("; "));
}

/** Words without what they quote, and without what could be an id, a key, a number or an address. */
export function redactWords(text: string): string {
  return text
    .replace(/"[^"]*"|«[^»]*»|“[^”]*”|(?<!\w)['‘][^'’]*['’](?!\w)/g, "<quoted>")
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, "<id>")
    .replace(/\S*:\/\/\S+/g, "<url>")
    .replace(/\S+@\S+/g, "<address>")
    .replace(/(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{16,}/gi, "<id>")
    .replace(/\+?\d[\d\s().-]{4,}\d/g, "<number>")
    .replace(/[\s|`]+/g, " ")
    .slice(0, 300);
}
