import { Buffer } from "node:buffer";
import { noise } from "../../src/web/bench/signals.ts";

/** The rate of Wavix's audio, in Hz, and the samples of a packet of 20 ms. */
export const WIRE_RATE = 24_000;
export const PACKET_SAMPLES = 480;
export const PACKETS_PER_SECOND = 50;

const CALL_ID = "0b6c8a52-6f0e-4d8b-9a3f-2f1f2b9f8f11";
const STREAM_ID = "3f0c7c1e-8a4e-4ac4-9a26-5b7a3c5d2e10";
/** Different packets, so that nothing is learned by heart. */
const DIFFERENT = 64;
const AUDIO = noise(PACKET_SAMPLES * DIFFERENT);

/** What the caller says in its `index`-th packet. */
export function callerSamples(index: number): Int16Array {
  const from = (index % DIFFERENT) * PACKET_SAMPLES;
  return AUDIO.slice(from, from + PACKET_SAMPLES);
}

const PAYLOADS = Array.from({ length: DIFFERENT }, (_, i) => Buffer.from(callerSamples(i).buffer).toString("base64"));

/** The messages with which a stream begins. */
export const OPENING: readonly string[] = [
  { event: "connected", event_time: "2024-01-15T10:30:00Z" },
  {
    event: "start",
    event_time: "2024-01-15T10:30:00Z",
    call_id: CALL_ID,
    stream_id: STREAM_ID,
    stream_type: "twoway",
    sequence_number: 1,
  },
].map((message) => JSON.stringify(message));

/** The caller's `index`-th media message, as Wavix writes it. */
export function mediaMessage(index: number): string {
  return JSON.stringify({
    event: "media",
    event_time: "2024-01-15T10:30:01Z",
    call_id: CALL_ID,
    stream_id: STREAM_ID,
    sequence_number: index + 2,
    media: { payload: PAYLOADS[index % DIFFERENT], track: "inbound", timestamp: 20 * index, chunk: index + 1 },
  });
}

const MARK_NAME = /^\{"event":"mark",.*"name":"([^"\\]+)"/;

/** What Wavix sends back when a server's mark has been heard; undefined for any other message. */
export function markEcho(message: string): string | undefined {
  const name = MARK_NAME.exec(message)?.[1];
  if (name === undefined) return undefined;
  return JSON.stringify({
    event: "mark",
    event_time: "2024-01-15T10:30:01Z",
    call_id: CALL_ID,
    stream_id: STREAM_ID,
    mark: { name },
  });
}

/** A message as the WebSocket frame of a client: masked (RFC 6455, 5.2 and 5.3). */
export function clientFrame(message: string): Buffer {
  const payload = Buffer.from(message);
  const short = payload.length < 126;
  const header = Buffer.from(
    short ? [0x81, 0x80 | payload.length] : [0x81, 0x80 | 126, payload.length >> 8, payload.length & 0xff],
  );
  const mask = [0x5a, 0x13, 0xc7, 0x2e];
  for (let i = 0; i < payload.length; i++) payload[i] = payload[i]! ^ mask[i & 3]!;
  return Buffer.concat([header, Buffer.from(mask), payload]);
}
