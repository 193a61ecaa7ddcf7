import { Buffer } from "node:buffer";
import type { CallFacts } from "../../../call/index.ts";
import type { Seat } from "../seat.ts";

/** A JSON object. */
export type JsonObject = { readonly [key: string]: unknown };

/**
 * Longest body of one's own, as JSON in bytes. Pipecat Cloud takes 4 KB with all that is in it (guide "Generic
 * WebSocket"); the rest is for the call's facts, of which the id has 128 characters at most.
 */
export const MAX_BODY_BYTES = 3_584;

/** What a bot is told of a call: its body, with the facts under the names of Pipecat's `CallData`. */
export function callBody(body: JsonObject, { callId, from, to }: CallFacts): JsonObject {
  return { ...body, call_id: callId, from, to };
}

/** How a bot is reached, wherever it is. */
export interface Reach {
  /** Sent as `Authorization: Bearer`. */
  readonly key?: string | undefined;
  /** Handed to the bot as `runner_args.body`, with the call's facts. */
  readonly body?: JsonObject | undefined;
}

export function bearer(key: string | null | undefined): Seat["headers"] {
  return key === undefined || key === null ? {} : { authorization: `Bearer ${key}` };
}

/** The URL for one call: with a body, that is put behind it in the way of Pipecat Cloud's generic WebSocket endpoint. */
export function callUrl(url: string, { body }: Reach, facts: CallFacts): string {
  if (body === undefined) return url;
  return withBody(url, Buffer.from(JSON.stringify(callBody(body, facts))).toString("base64"));
}

export function withBody(url: string, base64: string): string {
  // A + of base64 would be read as a space.
  return `${url}${url.includes("?") ? "&" : "?"}body=${encodeURIComponent(base64)}`;
}
