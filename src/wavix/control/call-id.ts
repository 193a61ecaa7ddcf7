/**
 * Longest call id (or stream id) that is accepted, in characters. Wavix's are UUIDs of 36; its AsyncAPI examples are
 * shorter ("abc-123"), so that the shape is not insisted on.
 */
export const maxCallIdLength = 128;

/** Printable ASCII without space, slash and backslash. */
const ID_PATTERN = /^[!-.0-[\]-~]+$/;

/** Names that stand for another place when they are put into `/v1/calls/{id}`: two path segments and a sibling route. */
const RESERVED_IDS = new Set([".", "..", "webhooks"]);

/**
 * Whether a value can be a call id or a stream id: a string of 1 to {@link maxCallIdLength} printable ASCII characters,
 * without space or slash, that names nothing else in Wavix's paths. Ids come from the network and end up in URLs,
 * tokens and logs, so that this is asked wherever one enters.
 *
 * @example
 * isCallId("5dccb6b0-f35c-488c-867b-86fb012c4415"); // true
 * isCallId("../webhooks"); // false
 */
export function isCallId(value: unknown): value is string {
  return (
    typeof value === "string" && value.length <= maxCallIdLength && ID_PATTERN.test(value) && !RESERVED_IDS.has(value)
  );
}

/**
 * Gives an id back, or throws.
 *
 * @throws TypeError naming the argument and the bound; the value stays out of the message.
 * @internal
 */
export function requireId(name: string, value: string): string {
  if (!isCallId(value)) {
    throw new TypeError(`${name} must be 1 to ${maxCallIdLength} printable ASCII characters without space or slash`);
  }
  return value;
}
