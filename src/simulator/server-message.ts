/** Why a message from the server was not understood; each cause is counted by itself. */
export type InvalidCause =
  | "binary"
  | "json"
  | "not-an-object"
  | "event"
  | "stream-id"
  | "payload"
  | "base64"
  | "mark-name";

/** A message a server may send on a two-way stream (Wavix AsyncAPI: IncomingMediaEvent, IncomingMarkEvent, ClearEvent). */
export type ServerMessage =
  | { event: "media"; streamId: string | undefined; audio: Buffer }
  | { event: "mark"; streamId: string | undefined; name: string }
  | { event: "clear"; streamId: string | undefined };

/**
 * Reads one message from the server, strictly: what Wavix's published schema does not allow is invalid.
 * It shares no code with the serializer, so that the two can catch each other's mistakes.
 */
export function parseServerMessage(text: string): ServerMessage | InvalidCause {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return "json";
  }
  if (!isObject(message)) return "not-an-object";
  const { event, stream_id: streamId } = message;
  if (streamId !== undefined && typeof streamId !== "string") return "stream-id";
  switch (event) {
    case "media": {
      const payload = isObject(message.media) ? message.media.payload : undefined;
      if (typeof payload !== "string") return "payload";
      const audio = decodeBase64(payload);
      return audio === null ? "base64" : { event, streamId, audio };
    }
    case "mark": {
      const name = isObject(message.mark) ? message.mark.name : undefined;
      return typeof name === "string" ? { event, streamId, name } : "mark-name";
    }
    case "clear":
      return { event, streamId };
    default:
      return "event";
  }
}

/**
 * The bytes of standard base64, or null. Buffer skips what is not base64 and also takes the URL alphabet; both are mistakes
 * here. Comparing lengths finds the first, and costs nothing beside a regular expression over 1280 characters.
 */
export function decodeBase64(text: string): Buffer | null {
  if (text.length % 4 !== 0 || text.includes("-") || text.includes("_")) return null;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = Buffer.from(text, "base64");
  return bytes.length === (text.length / 4) * 3 - padding ? bytes : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
