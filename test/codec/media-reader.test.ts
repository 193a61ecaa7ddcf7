import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Codec, MediaReader } from "../../src/codec/index.ts";
import { designTaps } from "../../src/codec/taps.ts";
import { readMediaReference } from "../reference/media-message.ts";
import { resampleReference } from "../reference/resampler.ts";
import { codecs } from "../support/codecs.ts";
import { concat, noise } from "../support/signals.ts";

const open = (codec: Codec, sampleRate = 24000) => codec.createMediaReader({ wireSampleRate: 24000, sampleRate });

const base64 = (samples: Int16Array) =>
  Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString("base64");

/** A media message as Wavix writes it. */
function mediaMessage(payload: string, changes: { track?: string; chunk?: number } = {}): string {
  const { track = "inbound", chunk = 1 } = changes;
  return JSON.stringify({
    event: "media",
    event_time: "2024-01-15T10:30:01Z",
    call_id: "abc-123",
    stream_id: "str-456",
    sequence_number: chunk + 1,
    media: { payload, track, timestamp: 160 * chunk, chunk },
  });
}

/** Everything a reader says about a message, in the reference's words. */
function verdict(reader: MediaReader, data: Uint8Array): ReturnType<typeof readMediaReference> {
  const status = reader.read(data, null);
  if (!["audio", "odd-length"].includes(status)) return { status };
  const { track, sequenceNumber, chunk, timestamp, streamId } = reader;
  const fields = [track, sequenceNumber, chunk, timestamp, streamId];
  if (status === "odd-length") return { status, fields };
  const { buffer, byteOffset, byteLength } = reader.audio;
  return { status, bytes: new Uint8Array(buffer.slice(byteOffset, byteOffset + byteLength)), fields };
}

function expectSameVerdict(codec: Codec, data: Uint8Array): void {
  using reader = open(codec);
  expect(verdict(reader, data)).toEqual(readMediaReference(data));
}

const text = (value: string) => new TextEncoder().encode(value);

describe.each(codecs)("media reader (%s)", (_variant, codec) => {
  it("delivers audio and header fields of the message Wavix documents", () => {
    using reader = open(codec);
    const samples = noise(480);
    const message = mediaMessage(base64(samples), { chunk: 7 });
    for (const data of [message, text(message)]) {
      expect(reader.read(data, "inbound")).toBe("audio");
      expect(reader.audio).toEqual(samples);
      expect(reader).toMatchObject({ track: "inbound", chunk: 7, sequenceNumber: 8, timestamp: 1120 });
      expect(reader).toMatchObject({ streamId: "str-456", callId: "abc-123" });
    }
  });

  it("resamples across messages as in one piece, whatever their sizes", () => {
    const samples = noise(5_000, 5);
    using reader = open(codec, 16000);
    const parts: Int16Array[] = [];
    for (let at = 0, length = 1; at < samples.length; at += length, length = (length * 7 + 3) % 900) {
      expect(reader.read(mediaMessage(base64(samples.slice(at, at + length))), "inbound")).toBe("audio");
      parts.push(reader.audio);
    }
    expect(concat(parts)).toEqual(resampleReference(samples, designTaps(24000, 16000, "default")));
  });

  it("keeps frames apart that were cut from one slab", () => {
    using reader = open(codec);
    const inputs = Array.from({ length: 200 }, (_, i) => noise(480, i));
    const outputs = inputs.map((samples) => {
      reader.read(mediaMessage(base64(samples)), "inbound");
      return reader.audio;
    });
    expect(outputs).toEqual(inputs);
  });

  it("leaves out the track that was not asked for, without a trace in the other's audio", () => {
    using reader = open(codec, 16000);
    const samples = noise(960, 2);
    const other = [mediaMessage(base64(noise(480)), { track: "outbound" })];
    other.push(other[0]!.replaceAll(":", ": "));
    const parts: Int16Array[] = [];
    for (const half of [samples.slice(0, 480), samples.slice(480)]) {
      expect(reader.read(mediaMessage(base64(half)), "inbound")).toBe("audio");
      parts.push(reader.audio);
      for (const message of other) {
        expect(reader.read(message, "inbound")).toBe("other-track");
        expect(reader.track).toBe("outbound");
      }
    }
    expect(concat(parts)).toEqual(resampleReference(samples, designTaps(24000, 16000, "default")));
    expect(reader.read(other[0]!, "outbound")).toBe("audio");
    expect(reader.read(other[0]!, null)).toBe("audio");
    expect(reader.read(mediaMessage(base64(samples)), "outbound")).toBe("other-track");
  });

  it("hands other messages on, parsed", () => {
    using reader = open(codec);
    expect(reader.read('{"event":"stop","stream_id":"s"}', "inbound")).toBe("message");
    expect(reader.message).toEqual({ event: "stop", stream_id: "s" });
  });

  it.each([
    ["", "bad-json"],
    ["{", "bad-json"],
    ["\ufeff{}", "bad-json"],
    ["[]", "not-an-object"],
    ["null", "not-an-object"],
    ["7", "not-an-object"],
    ['{"event":"media"}', "bad-media"],
    ['{"event":"media","media":null}', "bad-media"],
    ['{"event":"media","media":[]}', "bad-media"],
    ['{"event":"media","media":{"payload":7}}', "bad-media"],
    ['{"event":"media","media":{"payload":"AAAA","track":"both"}}', "bad-media"],
    ['{"event":"media","media":{"payload":"AAA"}}', "bad-base64"],
    ['{"event":"media","media":{"payload":"AA-_"}}', "bad-base64"],
    ['{"event":"media","media":{"payload":"AAB="}}', "bad-base64"],
    ['{"event":"media","media":{"payload":"AA==AAAA"}}', "bad-base64"],
    ['{"event":"media","media":{"payload":"AÄAA"}}', "bad-base64"],
    ['{"event":"media","media":{"payload":"AAAA"}}', "odd-length"],
    ['{"event":"media","media":{"payload":""}}', "audio"],
    ['{"event":"media","media":{"payload":"AAA="}}', "audio"],
    ['{"event":"media","media":{"payload":"\\u0041AA="}}', "audio"],
    ['{"event":"media","media":{"payload":"AAA="}}}', "bad-json"],
    ['{"event":"media","media":{"payload":"AAA="}} ', "audio"],
    ['{"event":"media","media":{"payload":"AAA=","payload":"AAAAAAA="}}', "odd-length"],
    ['{"media":{"chunk":"12","payload":"AAA="},"event":"media"}', "audio"],
  ])("%s is %s", (message, status) => {
    using reader = open(codec);
    expect(reader.read(message, "inbound")).toBe(status);
    expect(reader.read(text(message), "inbound")).toBe(status);
    expectSameVerdict(codec, text(message));
  });

  it("agrees with JSON.parse about members that come twice and numbers beyond 15 digits", () => {
    const doubles = [
      '{"event":"media","media":{"payload":"AAA=","track":"outbound","chunk":3},"media":{"payload":"AAAAAA=="}}',
      '{"event":"media","sequence_number":1,"media":{"payload":"AAA="},"sequence_number":2}',
      '{"event":"media","stream_id":"a","media":{"payload":"AAA="},"stream_id":"b"}',
    ];
    for (const message of doubles) expectSameVerdict(codec, text(message));
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 24n }), (chunk) => {
        expectSameVerdict(codec, text(`{"event":"media","media":{"payload":"AAA=","chunk":${chunk}}}`));
      }),
    );
  });

  it("takes 64 KiB and refuses one byte more", () => {
    using reader = open(codec, 48000);
    const room = 65_536 - '{"event":"media","media":{"payload":""}}'.length;
    const payload = "A".repeat(room - (room % 8));
    const message = `{"event":"media","media":{"payload":"${payload}"}}`;
    expect(reader.read(message, "inbound")).toBe("audio");
    expect(reader.audio.length).toBe((payload.length / 8) * 6);
    const padded = message + " ".repeat(65_536 - message.length);
    expect(reader.read(text(padded), "inbound")).toBe("audio");
    expect(reader.read(`${padded} `, "inbound")).toBe("oversized");
    expect(reader.read(text(`${padded} `), "inbound")).toBe("oversized");
    // Short enough in characters, too long in bytes.
    expect(reader.read("ä".repeat(40_000), "inbound")).toBe("oversized");
  });

  it("is not confused by what an older message left in memory", () => {
    using reader = open(codec);
    const whole = mediaMessage(base64(noise(480)));
    for (let length = 0; length < whole.length; length += 13) {
      reader.read(whole, "inbound");
      expect(reader.read(whole.slice(0, length), "inbound")).toBe("bad-json");
    }
  });

  it("agrees with JSON.parse about every mutation of a message", () => {
    const whole = text(mediaMessage(base64(noise(24))));
    const mutation = fc.tuple(
      fc.constantFrom("set", "insert", "remove", "cut", "swap"),
      fc.nat(whole.length - 1),
      fc.oneof(fc.nat(255), fc.constantFrom(...text('"\\{}[],:=0 1-.eE+/A'))),
    );
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        let bytes = [...whole];
        for (const [kind, at, byte] of mutations) {
          if (kind === "set") bytes[at] = byte;
          else if (kind === "insert") bytes.splice(at, 0, byte);
          else if (kind === "remove") bytes.splice(at, 1);
          else if (kind === "cut") bytes = bytes.slice(0, at);
          else bytes = [...bytes.slice(at), ...bytes.slice(0, at)];
        }
        expectSameVerdict(
          codec,
          Uint8Array.from(bytes, (byte) => byte ?? 32),
        );
      }),
      { numRuns: 3_000 },
    );
  });

  it("agrees with JSON.parse about every byte at every place of an id", () => {
    // One for all: a reader of its own takes 64 KiB for its first frame.
    using reader = open(codec);
    const media = '"media":{"payload":"AAA="}';
    for (let length = 0; length < 18; length++) {
      for (let place = 0; place < length; place++) {
        const bytes = text(`{"event":"media","stream_id":"${"x".repeat(length)}",${media}}`);
        for (let byte = 0; byte < 256; byte++) {
          bytes[30 + place] = byte;
          reader.streamId = undefined;
          const found = verdict(reader, bytes);
          const expected = readMediaReference(bytes);
          if (found.status !== expected.status || found.fields?.[4] !== expected.fields?.[4]) {
            expect(found, `byte ${byte} at ${place} of ${length}`).toEqual(expected);
          }
        }
      }
    }
  });

  it("agrees with JSON.parse about messages of any order, spacing, escapes, doubles and odd values", () => {
    const value = fc.oneof(
      fc.constantFrom<unknown>("inbound", "outbound", 1, 0, -1, 1.5, 1e20, 1e-7, true, null, "12", "012", "", {}, []),
      fc.base64String({ maxLength: 200 }),
      fc.string({ maxLength: 20 }),
    );
    const member = (names: string[]) => fc.tuple(fc.constantFrom(...names), value);
    const object = (members: [string, unknown][], raw: (v: unknown) => string) =>
      `{${members.map(([name, v]) => `${JSON.stringify(name)}:${raw(v)}`).join(",")}}`;
    fc.assert(
      fc.property(
        fc.array(member(["payload", "track", "timestamp", "chunk", "more"]), { maxLength: 6 }),
        fc.array(member(["event_time", "call_id", "stream_id", "sequence_number", "event", "media"]), { maxLength: 5 }),
        fc.nat(5),
        fc.constantFrom("", " ", "\n\t"),
        (inner, outer, place, space) => {
          const raw = (v: unknown) => (v === inner ? object(inner, JSON.stringify) : JSON.stringify(v));
          const members: [string, unknown][] = [["event", "media"], ...outer];
          members.splice(1 + (place % members.length), 0, ["media", inner]);
          expectSameVerdict(codec, text(object(members, raw).replaceAll(",", `,${space}`)));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("never throws, whatever bytes come", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => expectSameVerdict(codec, bytes)),
      { numRuns: 1_000 },
    );
  });

  it("gives its memory back", () => {
    const before = codec.openResamplers;
    const reader = open(codec, 16000);
    expect(codec.openResamplers).toBe(before + 1);
    reader.close();
    reader.close();
    expect(codec.openResamplers).toBe(before);
    expect(() => reader.read("{}", "inbound")).toThrowError(expect.objectContaining({ code: "CODEC_CLOSED" }));
  });
});
