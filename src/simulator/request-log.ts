import type { ApiOperation } from "./faults.ts";
import type { RecordedRequest } from "./model.ts";

const MAX_KEPT = 1000;

/** The requests to the REST side: all are counted, the last 1000 kept. */
export class RequestLog {
  readonly #kept: RecordedRequest[] = [];
  readonly #counts = new Map<ApiOperation | null, number>();

  add(operation: ApiOperation | null, method: string, path: string, body: unknown): RecordedRequest {
    const entry: RecordedRequest = { operation, method, path, body, status: null };
    this.#kept.push(entry);
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
    this.#counts.set(operation, (this.#counts.get(operation) ?? 0) + 1);
    return entry;
  }

  get entries(): readonly RecordedRequest[] {
    return [...this.#kept];
  }

  count(operation?: ApiOperation): number {
    if (operation !== undefined) return this.#counts.get(operation) ?? 0;
    return [...this.#counts.values()].reduce((total, count) => total + count, 0);
  }
}
