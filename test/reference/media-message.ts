/** Strict base64, by the letter of RFC 4648 §4; null when it is not. */
export function decodeBase64Reference(text: string): Uint8Array | null {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return null;
  const bytes = Buffer.from(text, "base64");
  // Stray bits behind the last byte do not survive the way back.
  return bytes.toString("base64") === text ? new Uint8Array(bytes) : null;
}

/** What a message is, by JSON.parse and nothing else. */
export function readMediaReference(data: Uint8Array): { status: string; bytes?: Uint8Array; fields?: unknown[] } {
  let message: unknown;
  try {
    message = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data));
  } catch {
    return { status: "bad-json" };
  }
  if (typeof message !== "object" || message === null || Array.isArray(message)) return { status: "not-an-object" };
  const { event, media, sequence_number, stream_id } = message as Record<string, unknown>;
  if (event !== "media") return { status: "message" };
  if (typeof media !== "object" || media === null) return { status: "bad-media" };
  const { payload, track, chunk, timestamp } = media as Record<string, unknown>;
  if (typeof payload !== "string" || ![undefined, "inbound", "outbound"].includes(track as string | undefined)) {
    return { status: "bad-media" };
  }
  const bytes = decodeBase64Reference(payload);
  if (bytes === null) return { status: "bad-base64" };
  const count = (value: unknown) => {
    const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
    return Number.isInteger(number) && (number as number) >= 0 ? (number as number) + 0 : -1;
  };
  const id = typeof stream_id === "string" && stream_id !== "" ? stream_id : undefined;
  const fields = [track ?? "inbound", count(sequence_number), count(chunk), count(timestamp), id];
  return bytes.length % 2 === 1 ? { status: "odd-length", fields } : { status: "audio", bytes, fields };
}
