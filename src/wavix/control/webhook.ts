import { type CallEvent, callEventKind, type InCallPayload } from "./call-event.ts";
import { isCallId } from "./call-id.ts";
import { toE164 } from "./phone-number.ts";

/** What {@link parseCallEvent} gives: the event, or one short line saying what was wrong, without any value in it. */
export type ParsedCallEvent = { ok: true; event: CallEvent } | { ok: false; reason: string };

const MAX_TAG_LENGTH = 256;
const EVENT_TYPE_PATTERN = /^[\w.:-]{1,64}$/;
/** A keypad's keys; `collect` asks for at most 20, twice that is room for older shapes. */
const DIGITS_PATTERN = /^[0-9A-D*#]{0,40}$/i;

type Fields = Record<string, unknown>;

/**
 * Reads what Wavix posts to a webhook, or a call out of a REST answer, which has the same shape. It never throws, and
 * it takes:
 * - on-call events (OpenAPI `Call`): `event_type`, and `id`, or `uuid`, which is deprecated but the only one in use before 2026;
 * - post-call events (OpenAPI `CallStatusWebhook`): `disposition` and no `event_type`;
 * - the keys the Python package accepts: `event`, `type`, `data.event`; `call_id`, `call.id`, `data.call_id`, `data.uuid`;
 * - in-call payloads of 2024 (`in_call_event`, `in_call_event_data`).
 *
 * Only a body without a usable call id is refused. An unknown event has the kind `unknown`; a field that is not what it
 * should be is left out.
 *
 * @example
 * const parsed = parseCallEvent({ id: "abc-123", event_type: "call_setup", direction: "inbound", to: "17653889567" });
 * if (parsed.ok) parsed.event; // { callId: "abc-123", eventType: "call_setup", kind: "setup", direction: "inbound", to: "+17653889567" }
 */
export function parseCallEvent(body: unknown): ParsedCallEvent {
  if (!isFields(body)) return { ok: false, reason: "the body is not a JSON object" };
  const call = isFields(body.call) ? body.call : {};
  const data = isFields(body.data) ? body.data : {};

  // `call_id` first: a body that has it may use `id` for something else (an envelope's own id).
  const ids = [body.call_id, body.id, body.uuid, call.id, data.call_id, data.uuid];
  const callId = ids.find(isCallId);
  if (callId === undefined) {
    const present = ids.some((id) => id !== undefined && id !== null);
    return { ok: false, reason: present ? "the call id is malformed" : "the body names no call (id, uuid or call_id)" };
  }

  const named = [body.event_type, body.event, body.type, data.event].find(isEventType);
  const disposition = isEventType(body.disposition) ? body.disposition : undefined;
  const eventType = named ?? (disposition === undefined ? "" : "post-call");
  const kind = callEventKind(eventType);
  const event: CallEvent = { callId, eventType, kind, direction: "unknown" };

  const sources = [body, call, data];
  const first = <T>(key: string, read: (value: unknown) => T | undefined): T | undefined => {
    for (const source of sources) {
      const value = read(source[key]);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  assignDefined(event, {
    // A call that "comes in" says its direction with its name.
    direction: first("direction", readDirection) ?? (eventType === "incoming_call" ? "inbound" : undefined),
    from: first("from", toE164),
    to: first("to", toE164),
    eventTime: first("event_time", readTime),
    tag: first("tag", (tag) => (typeof tag === "string" && tag !== "" ? tag.slice(0, MAX_TAG_LENGTH) : undefined)),
    startedAt: first("call_started", readTime),
    answeredAt: first("call_answered", readTime),
    completedAt: first("call_completed", readTime),
    machineDetected: first("machine_detected", (value) => (typeof value === "boolean" ? value : undefined)),
    payload: kind === "in-call" ? first("event_payload", readInCallPayload) : undefined,
    disposition: kind === "post-call" ? disposition : undefined,
    durationSeconds: kind === "post-call" ? readSeconds(body.duration) : undefined,
  });
  return { ok: true, event };
}

function readInCallPayload(value: unknown): InCallPayload | undefined {
  if (!isFields(value)) return undefined;
  if (isFields(value.payload)) {
    const { status, playback_id: playbackId, digits } = value.payload;
    if (value.type === "audio") return audioPayload(status, playbackId);
    if (value.type === "collect") return collectPayload(status, digits ?? "");
  }
  // Wavix SDKs of 2024: { in_call_event: "collect_completed", in_call_event_data: { digits, reason } }, the reason being
  // "collected" or "timeout"; or { playback_id } as data.
  if (typeof value.in_call_event === "string" && isFields(value.in_call_event_data)) {
    const { playback_id: playbackId, digits, reason } = value.in_call_event_data;
    const status = value.in_call_event.slice(value.in_call_event.lastIndexOf("_") + 1);
    if (playbackId !== undefined) return audioPayload(status, playbackId);
    const cutShort = status === "completed" && reason !== undefined && reason !== "collected";
    if (digits !== undefined) return collectPayload(cutShort ? "failed" : status, digits);
  }
  return undefined;
}

function audioPayload(status: unknown, playbackId: unknown): InCallPayload | undefined {
  if (status !== "started" && status !== "completed") return undefined;
  return isCallId(playbackId) ? { type: "audio", status, playbackId } : undefined;
}

function collectPayload(status: unknown, digits: unknown): InCallPayload | undefined {
  if (status !== "started" && status !== "completed" && status !== "failed") return undefined;
  return typeof digits === "string" && DIGITS_PATTERN.test(digits) ? { type: "collect", status, digits } : undefined;
}

function readDirection(value: unknown): "inbound" | "outbound" | undefined {
  return value === "inbound" || value === "outbound" ? value : undefined;
}

function readTime(value: unknown): string | undefined {
  return typeof value === "string" && value.length <= 40 && !Number.isNaN(Date.parse(value)) ? value : undefined;
}

function readSeconds(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function isEventType(value: unknown): value is string {
  return typeof value === "string" && EVENT_TYPE_PATTERN.test(value);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Sets only what is there, so that an absent field is absent and not `undefined`. */
function assignDefined<T extends object>(target: T, values: { [K in keyof T]?: T[K] | undefined }): void {
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) Object.assign(target, { [key]: value });
  }
}
