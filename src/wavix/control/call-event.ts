/**
 * What an event says about a call:
 * - `setup`: the call begins and can be answered
 * - `progress`: something is heard before the answer
 * - `answered`: the call is up
 * - `in-call`: something happened within the call, see `payload`
 * - `over`: the call has ended or will never be
 * - `post-call`: the account's record of a call that is over
 * - `unknown`: an event this package does not know; to be tolerated
 */
export type CallEventKind = "setup" | "progress" | "answered" | "in-call" | "over" | "post-call" | "unknown";

/** Progress of a file played with `play` or of digits gathered with `collect` (OpenAPI: OnCallEventPayload). */
export type InCallPayload =
  | { type: "audio"; status: "started" | "completed"; playbackId: string }
  | { type: "collect"; status: "started" | "completed" | "failed"; digits: string };

/** A call and the latest that happened to it, from a webhook or from `GET /v1/calls`; the two have one shape. */
export interface CallEvent {
  /** Wavix's id of the call, see {@link isCallId}. */
  callId: string;
  /** Wavix's own word for the event, up to 64 characters; "" when there was none to read. */
  eventType: string;
  kind: CallEventKind;
  /** Seen from the account: `inbound` is a call somebody makes to one of its numbers. */
  direction: "inbound" | "outbound" | "unknown";
  /** E.164 with `+`; absent when it is no phone number (a withheld caller). */
  from?: string;
  /** E.164 with `+`; absent when it is no phone number. */
  to?: string;
  /** ISO 8601, when the event happened. */
  eventTime?: string;
  /** The account's own label on the call, up to 256 characters (a longer one is cut). */
  tag?: string;
  /** ISO 8601. */
  startedAt?: string;
  /** ISO 8601. Wavix's examples carry it before the answer too: trust `kind`, not the presence of this. */
  answeredAt?: string;
  /** ISO 8601. Wavix's examples carry it before the end too: trust `kind`, not the presence of this. */
  completedAt?: string;
  /** Whether an answering machine took the call. */
  machineDetected?: boolean;
  /** On `in-call` events that could be read. */
  payload?: InCallPayload;
  /** On `post-call` events: `answered`, `noanswer`, `busy`, `failed`. */
  disposition?: string;
  /** On `post-call` events: length of the call in seconds. */
  durationSeconds?: number;
}

/**
 * Events that announce a call. `incoming_call` is in no Wavix description, but the Python package answers on it.
 * Outbound calls send `call_setup` and `ringing` too: look at `direction` before you answer.
 */
export const setupEventTypes: ReadonlySet<string> = new Set(["call_setup", "incoming_call", "ringing"]);

/** Events after which nothing more happens on a call. `failed` is in Wavix's Node SDK only. */
export const overEventTypes: ReadonlySet<string> = new Set(["completed", "busy", "cancelled", "rejected", "failed"]);

/** `in_call_event` is the older name (Wavix SDKs of 2024). */
const IN_CALL_EVENT_TYPES: ReadonlySet<string> = new Set(["on_call_event", "in_call_event"]);

/**
 * What an `event_type` means.
 *
 * @example
 * callEventKind("ringing"); // "setup"
 * callEventKind("transfer"); // "unknown"
 */
export function callEventKind(eventType: string): CallEventKind {
  if (setupEventTypes.has(eventType)) return "setup";
  if (overEventTypes.has(eventType)) return "over";
  if (IN_CALL_EVENT_TYPES.has(eventType)) return "in-call";
  if (eventType === "early_media") return "progress";
  if (eventType === "answered") return "answered";
  return eventType === "post-call" ? "post-call" : "unknown";
}

/**
 * Whether an event says that its call is over, live (`completed`, `busy`, …) or in hindsight (`post-call`).
 *
 * @example
 * isCallOver({ kind: "post-call" }); // true
 */
export function isCallOver(event: Pick<CallEvent, "kind">): boolean {
  return event.kind === "over" || event.kind === "post-call";
}
