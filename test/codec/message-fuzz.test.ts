import { Buffer } from "node:buffer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Codec, loadCodecSync, type MediaReader, type Track } from "../../src/codec/index.ts";
import { readMediaReference } from "../reference/media-message.ts";
import { VARIANTS } from "../support/codecs.ts";
import { MessageMutator, Random } from "../support/message-mutator.ts";

/** `npm run fuzz -- --messages N --seed S` sets them. */
const MESSAGES = Number(process.env.FUZZ_MESSAGES ?? 2_000_000);
const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** One in so many is also read by the slow reference, which shares no line with the net. */
const REFERENCE_SHARE = 32;

/** A codec whose scanner knows nothing: every message goes to the net. */
function netOnly(codec: Codec): Codec {
  const { core } = codec;
  Object.assign(core, { exports: { ...core.exports, readMedia: () => -1 } });
  return codec;
}

function open(codec: Codec): MediaReader {
  return codec.createMediaReader({ wireSampleRate: 24000, sampleRate: 24000 });
}

function read(reader: MediaReader, data: Uint8Array, track: Track | null): string {
  reader.streamId = undefined;
  reader.callId = undefined;
  return reader.read(data, track);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Int16Array) => Buffer.from(buffer, byteOffset, byteLength);

/** Whether both found the same; the scanner itself knows media messages only. */
function same(a: MediaReader, b: MediaReader, status: string): boolean {
  if (status === "audio") {
    if (a.audio.length !== b.audio.length) return false;
    for (let i = 0; i < a.audio.length; i++) if (a.audio[i] !== b.audio[i]) return false;
  }
  return (
    a.track === b.track &&
    a.sequenceNumber === b.sequenceNumber &&
    a.chunk === b.chunk &&
    a.timestamp === b.timestamp &&
    a.streamId === b.streamId &&
    a.callId === b.callId
  );
}

const at = (i: number, data: Uint8Array, found: string, expected: string) =>
  `seed ${SEED}, message ${i}: ${found}, expected ${expected}: ${JSON.stringify(Buffer.from(data).toString("latin1"))}`;

// The net refuses half of the messages by an exception, and nobody looks at its stack.
const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

describe("scanner and net", () => {
  // The scalar scanner is compiled from the same source; the one in JavaScript is another.
  it.each(VARIANTS)(
    "read a great many random and damaged messages alike (%s)",
    (variant) => {
      const codec = loadCodecSync({ variant });
      const net = netOnly(loadCodecSync({ variant }));
      let scanned = 0;
      let known = false;
      const { exports } = codec.core;
      Object.assign(codec.core, {
        exports: {
          ...exports,
          readMedia(length: number, track: number, handle: number) {
            const count = exports.readMedia(length, track, handle);
            known = count !== -1;
            if (known) scanned++;
            return count;
          },
        },
      });
      const one = open(codec);
      const other = open(net);
      const random = new Random(SEED);
      const messages = new MessageMutator(random);
      const statuses = new Map<string, number>();
      const total = variant === "simd" ? MESSAGES : MESSAGES / 20;
      for (let i = 0; i < total; i++) {
        const data = messages.next();
        const track = random.pick(["inbound", "outbound", null] as const);
        const status = read(one, data, track);
        // What the scanner does not know, it has handed to the net: there is no second opinion to ask for.
        if (known) {
          const expected = read(other, data, track);
          if (status !== expected || !same(one, other, status)) expect.fail(at(i, data, status, expected));
        }
        if (i % REFERENCE_SHARE === 0 && status !== "oversized") {
          const reference = readMediaReference(data);
          const otherTrack = reference.fields !== undefined && track !== null && reference.fields[0] !== track;
          const expected = otherTrack ? "other-track" : reference.status;
          const sameAudio = status !== "audio" || bytesOf(one.audio).equals(reference.bytes as Uint8Array);
          if (status !== expected || !sameAudio) expect.fail(at(i, data, status, expected));
        }
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      console.log(`${variant}: ${total} messages, seed ${SEED}, ${scanned} scanned`, Object.fromEntries(statuses));
      expect(codec.traps + net.traps).toBe(0);
      // A fuzzer whose messages are all refused, or all alike, would prove nothing.
      expect(scanned).toBeGreaterThan(total / 10);
      expect(scanned).toBeLessThan((total * 3) / 4);
      if (total >= 100_000) expect(statuses.size).toBe(9);
    },
    MESSAGES / 5 + 60_000,
  );
});
