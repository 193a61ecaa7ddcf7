import { decodeBase64, type InvalidCause, parseServerMessage, type ServerMessage } from "./server-message.ts";

const ending = Buffer.from('"}}');

/**
 * Reads the messages of one stream as {@link parseServerMessage} does, and takes a short cut where it can: a server writes
 * the same bytes around every payload. They are learned from a message that was read the long way; what stands between the
 * same bytes again and is nothing but base64 would be read no differently, at two thirds of the cost.
 */
export class MessageReader {
  #learned: { before: Buffer; streamId: string | undefined } | null = null;

  read(data: Buffer): ServerMessage | InvalidCause {
    const { before, streamId } = this.#learned ?? {};
    const end = data.length - ending.length;
    if (before !== undefined && startsWith(data, before, end) && data.compare(ending, 0, ending.length, end) === 0) {
      const audio = decodeBase64(data.toString("latin1", before.length, end));
      if (audio !== null) return { event: "media", streamId, audio };
    }
    const message = parseServerMessage(data.toString());
    if (typeof message !== "string" && message.event === "media") this.#learn(data, message.streamId);
    return message;
  }

  // Only a message that has one payload, at its end, and no escape before it.
  #learn(data: Buffer, streamId: string | undefined): void {
    const text = data.toString("latin1");
    const before = /^[^\\]*"media":\{"payload":"(?=[A-Za-z0-9+/=]*"\}\}$)/.exec(text)?.[0];
    this.#learned = before === undefined ? null : { before: Buffer.from(before, "latin1"), streamId };
  }
}

function startsWith(data: Buffer, before: Buffer, end: number): boolean {
  return end >= before.length && data.compare(before, 0, before.length, 0, before.length) === 0;
}
