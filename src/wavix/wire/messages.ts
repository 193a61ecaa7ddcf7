/**
 * The messages of a Wavix media stream, as Wavix spells them (Wavix AsyncAPI "Call Streaming API" 1.0.0).
 *
 * Everything from the socket is `unknown` until `parseWavixMessage` has looked at it. The specification requires all
 * fields, the guide writes numbers as strings, and examples omit some; so the parser insists only on what a message
 * means nothing without (a mark's name, a payload) and leaves out any other field that is missing or not what it should be.
 */

import type { Track } from "../../codec/index.ts";

/** Longest call id or stream id taken, in UTF-16 units (Wavix: UUIDs of 36); a longer one counts as missing. */
export const MAX_ID_LENGTH = 128;

/** Longest mark name sent or taken, in UTF-16 units; Wavix documents no bound. */
export const MAX_MARK_NAME_LENGTH = 256;

/** Longest message parsed, in bytes or UTF-16 units; Wavix sends about 1,500. A longer one is dropped as "oversized". */
export const MAX_MESSAGE_LENGTH = 65_536;

export type { Track };

/** First message on the socket. */
export interface ConnectedMessage {
  event: "connected";
  /** ISO 8601. */
  event_time?: string;
}

/** What all messages after `connected` may carry. `sequence_number` starts at 1. */
export interface StreamFields {
  /** ISO 8601. */
  event_time?: string;
  call_id?: string;
  stream_id?: string;
  sequence_number?: number;
}

/** Sent once, before the media. It announces neither rate nor encoding: the wire is PCM16, 24 kHz, mono. */
export interface StartMessage extends StreamFields {
  event: "start";
  stream_type?: "oneway" | "twoway";
  channel?: Track | "both";
}

/** Audio of the call. `timestamp` has no agreed unit (RTP ticks in one document, milliseconds in another): opaque. */
export interface MediaMessage extends StreamFields {
  event: "media";
  media: { payload: string; track?: Track; timestamp?: number; chunk?: number };
}

/** Echo of a mark: what was sent before it was played, or was cleared; the message does not say which. */
export interface MarkMessage extends StreamFields {
  event: "mark";
  mark: { name: string };
}

/** The stream is over. Wavix documents no `reason`; one that comes is kept. */
export interface StopMessage extends StreamFields {
  event: "stop";
  reason?: string;
}

/** Any message from Wavix. */
export type WavixMessage = ConnectedMessage | StartMessage | MediaMessage | MarkMessage | StopMessage;

/** To Wavix: audio to play, one packet of base64 PCM16. Without `stream_id` it means the stream of this socket. */
export interface OutgoingMediaMessage {
  event: "media";
  stream_id?: string;
  media: { payload: string };
}

/** To Wavix: send this name back when everything before it has been played. */
export interface OutgoingMarkMessage {
  event: "mark";
  stream_id?: string;
  mark: { name: string };
}

/** To Wavix: stop playing and forget the buffered audio; marks that wait are sent back. */
export interface OutgoingClearMessage {
  event: "clear";
  stream_id?: string;
}

/** Any message to Wavix. One with another stream's `stream_id` is dropped there without a word. */
export type OutgoingMessage = OutgoingMediaMessage | OutgoingMarkMessage | OutgoingClearMessage;

/** Why something from the socket is no JSON object. */
export type UnreadableCause = "oversized" | "bad-json" | "not-an-object";

/**
 * JSON text, or its UTF-8 bytes, as an object; or the cause why it is none. Never throws.
 *
 * @example
 * readJsonObject('{"event":"connected"}'); // { event: "connected" }
 * readJsonObject("[1]"); // "not-an-object"
 */
export function readJsonObject(data: string | Uint8Array): Record<string, unknown> | UnreadableCause {
  if (data.length > MAX_MESSAGE_LENGTH) return "oversized";
  try {
    const value: unknown = JSON.parse(typeof data === "string" ? data : utf8.decode(data));
    return isObject(value) ? value : "not-an-object";
  } catch {
    return "bad-json";
  }
}

/** As the codec reads bytes: what is not UTF-8 is no JSON. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A parsed JSON value as a message from Wavix; null when it is none of the five, or lacks what it is about.
 * Numbers may be integers or decimal strings; unknown fields are left out. Never throws on JSON.
 *
 * @example
 * parseWavixMessage({ event: "mark", mark: { name: "end-of-greeting" }, sequence_number: "10" });
 * // { event: "mark", sequence_number: 10, mark: { name: "end-of-greeting" } }
 */
export function parseWavixMessage(value: unknown): WavixMessage | null {
  if (!isObject(value)) return null;
  switch (value.event) {
    case "connected":
      return { event: "connected", ...optional("event_time", shortText(value.event_time)) };
    case "start":
      return {
        event: "start",
        ...streamFields(value),
        ...optional("stream_type", oneOf(["oneway", "twoway"], value.stream_type)),
        ...optional("channel", oneOf(["inbound", "outbound", "both"], value.channel)),
      };
    case "media": {
      const { media } = value;
      if (!isObject(media) || typeof media.payload !== "string") return null;
      return {
        event: "media",
        ...streamFields(value),
        media: {
          payload: media.payload,
          ...optional("track", oneOf(["inbound", "outbound"], media.track)),
          ...optional("timestamp", integer(media.timestamp)),
          ...optional("chunk", integer(media.chunk)),
        },
      };
    }
    case "mark": {
      const name = isObject(value.mark) ? shortText(value.mark.name, MAX_MARK_NAME_LENGTH) : undefined;
      return name === undefined ? null : { event: "mark", ...streamFields(value), mark: { name } };
    }
    case "stop":
      return { event: "stop", ...streamFields(value), ...optional("reason", shortText(value.reason)) };
    default:
      return null;
  }
}

/**
 * The message that empties Wavix's playback buffer.
 *
 * @example
 * clearMessage("str-456"); // '{"event":"clear","stream_id":"str-456"}'
 */
export function clearMessage(streamId?: string): string {
  return JSON.stringify({ event: "clear", stream_id: streamId } satisfies Loose<OutgoingClearMessage>);
}

/**
 * The message that asks for an echo once everything sent before it has been played.
 *
 * @throws TypeError | RangeError when `name` is not a string of 1 to 256 characters.
 * @example
 * markMessage("end-of-greeting"); // '{"event":"mark","mark":{"name":"end-of-greeting"}}'
 */
export function markMessage(name: string, streamId?: string): string {
  if (typeof name !== "string") throw new TypeError(`name must be a string, got ${typeof name}`);
  if (name.length < 1 || name.length > MAX_MARK_NAME_LENGTH) {
    throw new RangeError(`name must have 1 to ${MAX_MARK_NAME_LENGTH} characters, got ${name.length}`);
  }
  return JSON.stringify({ event: "mark", stream_id: streamId, mark: { name } } satisfies Loose<OutgoingMarkMessage>);
}

/** JSON.stringify leaves an undefined field out, so the builders may hold one. */
type Loose<T> = Omit<T, "stream_id"> & { stream_id: string | undefined };

function streamFields(value: Record<string, unknown>): StreamFields {
  return {
    ...optional("event_time", shortText(value.event_time)),
    ...optional("call_id", shortText(value.call_id)),
    ...optional("stream_id", shortText(value.stream_id)),
    ...optional("sequence_number", integer(value.sequence_number)),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

function shortText(value: unknown, maxLength = MAX_ID_LENGTH): string | undefined {
  return typeof value === "string" && value.length > 0 && value.length <= maxLength ? value : undefined;
}

function integer(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 0) return undefined;
  return Math.abs(number); // JSON knows a -0
}

function oneOf<const T extends string>(choices: readonly T[], value: unknown): T | undefined {
  return choices.find((choice) => choice === value);
}
