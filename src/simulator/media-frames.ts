import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";

/** RFC 6455, 5.2: final text frame, masked, with a length of 16 bits. */
const HEADER_BYTES = 8;

// One mask for all frames of the process: what it is against, a page that makes a browser write what looks like a request
// of its own choice, is no concern of a program that has made up every byte by itself. Never a zero: a server that leaves
// out the unmasking then would be measured without it.
const mask = randomBytes(4).map((byte) => byte | 1);

// The payloads of a caller's clip, masked, by where in the mask they begin. All callers of a load test share one clip.
const maskedPayloads = new Map<string, (Buffer | undefined)[]>();
const MOST_PAYLOADS = 4096;

// Room for the frame of a packet, used again and again.
const SCRATCH_BYTES = 2048;
let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/**
 * Writes a media message to the TCP socket below a WebSocket, as the frame that `ws` would send.
 *
 * @param before the message up to its payload, ASCII; `after`: from there to its end
 * @returns false, and nothing is written, where the message is not as long as media messages are
 */
export function writeMedia(socket: Socket, before: string, payload: string, after: string): boolean {
  const frame = mediaFrame(before, payload, after, scratch);
  if (frame === null) return false;
  socket.write(frame);
  // The system takes a frame at once, as a rule. Where it does not, the bytes are the socket's until it has.
  if (socket.writableLength > 0) scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  return true;
}

/**
 * A media message as the WebSocket frame of a client, ready for the TCP socket, for a quarter of the time of `ws`. The
 * payload, nine tenths of it, is masked once and copied from then on.
 *
 * @param before the message up to its payload, ASCII; `after`: from there to its end
 * @param room where it is written if it fits; else, and by default, in a buffer of its own
 * @returns null for a message of 64 KiB or more, or less than 126 bytes
 */
export function mediaFrame(before: string, payload: string, after: string, room?: Buffer): Buffer | null {
  const length = before.length + payload.length + after.length;
  if (length < 126 || length > 0xffff) return null;
  const frame =
    room !== undefined && room.length >= HEADER_BYTES + length
      ? room.subarray(0, HEADER_BYTES + length)
      : Buffer.allocUnsafe(HEADER_BYTES + length);
  frame[0] = 0x81;
  frame[1] = 0x80 | 126;
  frame.writeUInt16BE(length, 2);
  frame.set(mask, 4);
  const payloadAt = HEADER_BYTES + before.length;
  const afterAt = payloadAt + payload.length;
  frame.write(before, HEADER_BYTES, "latin1");
  maskBytes(frame, HEADER_BYTES, payloadAt);
  maskedPayload(payload, before.length & 3).copy(frame, payloadAt);
  frame.write(after, afterAt, "latin1");
  maskBytes(frame, afterAt, frame.length);
  return frame;
}

function maskedPayload(payload: string, phase: number): Buffer {
  let phases = maskedPayloads.get(payload);
  if (phases === undefined) {
    phases = [];
    if (maskedPayloads.size < MOST_PAYLOADS) maskedPayloads.set(payload, phases);
  }
  let masked = phases[phase];
  if (masked === undefined) {
    masked = Buffer.from(payload, "latin1");
    for (let at = 0; at < masked.length; at++) masked[at]! ^= mask[(phase + at) & 3]!;
    phases[phase] = masked;
  }
  return masked;
}

function maskBytes(frame: Buffer, from: number, to: number): void {
  for (let at = from; at < to; at++) frame[at]! ^= mask[(at - HEADER_BYTES) & 3]!;
}
