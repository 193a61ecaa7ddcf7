import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scanAudioFrame } from "../../../src/pipecat/wire/audio-frame-reader.ts";
import { AudioRawFrameSchema, FrameSchema } from "../../../src/pipecat/wire/frames_pb.ts";
import {
  encodeAudioFrame,
  encodeFrame,
  FrameReader,
  readFrame,
  type WireFrame,
} from "../../../src/pipecat/wire/index.ts";
import { Slab } from "../../../src/pipecat/wire/slab.ts";
import { readFrameReference } from "../../reference/pipecat-frame.ts";
import { anyFrame, concat, damagedFrame, plainAudioFrame } from "../../support/frame-records.ts";

const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));

const scan = (bytes: Uint8Array) => scanAudioFrame(bytes, new Slab(0));

/** Long arrays are compared as text: element by element takes a hundred times as long. */
const inShort = (frame: WireFrame | undefined) =>
  frame?.kind === "audio"
    ? {
        ...frame,
        audio: Buffer.from(frame.audio.buffer, frame.audio.byteOffset, frame.audio.byteLength).toString("hex"),
      }
    : frame;

/** The bytes of an AudioRawFrame in a Frame, by the general encoder. */
function encodeWithLibrary(
  fields: Partial<Record<"id" | "pts", bigint>> & {
    name?: string;
    audio?: Uint8Array;
    sampleRate?: number;
    numChannels?: number;
  },
): Uint8Array {
  const value = create(AudioRawFrameSchema, fields);
  return toBinary(FrameSchema, create(FrameSchema, { frame: { case: "audio", value } }));
}

describe("reading frames", () => {
  // Written by the classes that Pipecat 1.14.0 has generated of its schema, with protobuf 6 for Python.
  it.each<[string, WireFrame]>([
    ["0a1c0807120b546578744672616d6523311a0b6772c3bcc39f2064696368", { kind: "text", text: "grüß dich" }],
    [
      "123008cbe9eabcaef11f12164f7574707574417564696f5261774672616d652334321a080100feff0080ff7f20c0bb012801",
      { kind: "audio", audio: Int16Array.of(1, -2, -32_768, 32_767), sampleRate: 24_000, numChannels: 1 },
    ],
    [
      "122e080912154f7574707574417564696f5261774672616d6523301a040001000120c03e2802309582a6efc79e849111",
      { kind: "audio", audio: Int16Array.of(256, 256), sampleRate: 8_000, numChannels: 2 },
    ],
    [
      "1a43080812145472616e736372697074696f6e4672616d6523301a0568656c6c6f2203752d312a1d323032362d30312d30325430333a30343a30352e3030362b30303a3030",
      { kind: "transcription", text: "hello", userId: "u-1", timestamp: "2026-01-02T03:04:05.006+00:00" },
    ],
    [
      "22310a2f7b226c6162656c223a2022727476692d6169222c202274797065223a2022626f742d696e746572727570746564227d",
      { kind: "message", data: '{"label": "rtvi-ai", "type": "bot-interrupted"}' },
    ],
    ["2a1708031213496e74657272757074696f6e4672616d652330", { kind: "interruption" }],
    ["2a00", { kind: "interruption" }],
    ["", { kind: "unknown" }],
  ])("reads what Pipecat writes: %s", (hex, frame) => {
    expect(readFrame(bytesOf(hex))).toEqual(frame);
  });

  it("takes a kind it does not know for unknown, and passes over fields it does not know", () => {
    expect(readFrame(bytesOf("3200"))).toEqual({ kind: "unknown" });
    expect(readFrame(bytesOf("320322010a2a00"))).toEqual({ kind: "interruption" });
  });

  it("takes the last of several kinds", () => {
    const text = encodeFrame({ kind: "text", text: "a" });
    const audio = encodeAudioFrame(Int16Array.of(5), 8_000);
    expect(readFrame(concat([audio, text]))).toEqual({ kind: "text", text: "a" });
    expect(readFrame(concat([text, audio]))).toMatchObject({ kind: "audio", audio: Int16Array.of(5) });
  });

  it.each([
    ["sample-rate", { audio: new Uint8Array(2), numChannels: 1 }],
    ["sample-rate", { audio: new Uint8Array(2), sampleRate: 384_001, numChannels: 1 }],
    ["sample-rate", { audio: new Uint8Array(2), sampleRate: 2 ** 32 - 1, numChannels: 1 }],
    ["channels", { audio: new Uint8Array(2), sampleRate: 8_000 }],
    ["channels", { audio: new Uint8Array(18), sampleRate: 8_000, numChannels: 9 }],
    ["partial-sample", { audio: new Uint8Array(3), sampleRate: 8_000, numChannels: 1 }],
    ["partial-sample", { audio: new Uint8Array(6), sampleRate: 8_000, numChannels: 2 }],
  ])("says %s for audio that cannot be", (reason, fields) => {
    expect(readFrame(encodeWithLibrary(fields))).toEqual({ kind: "malformed", reason });
  });

  it("takes audio without samples, and up to 384 kHz and 8 channels", () => {
    const fields = { sampleRate: 384_000, numChannels: 8 };
    expect(readFrame(encodeWithLibrary(fields))).toEqual({ kind: "audio", audio: new Int16Array(0), ...fields });
  });

  it("takes a frame of 1 MiB and none above", () => {
    const fields = { name: "x", sampleRate: 8_000, numChannels: 1 };
    const around = encodeWithLibrary({ ...fields, audio: new Uint8Array(1_000_000) }).length - 1_000_000;
    const longest = encodeWithLibrary({ ...fields, audio: new Uint8Array(2 ** 20 - around) });
    expect(longest.length).toBe(2 ** 20);
    expect(readFrame(longest)).toMatchObject({ kind: "audio", audio: { length: (2 ** 20 - around) / 2 } });
    const longer = concat([longest, bytesOf("2a00")]);
    expect(readFrame(longer)).toEqual({ kind: "malformed", reason: "too-long" });
  });

  it("gives samples of its own, wherever the bytes stand", () => {
    const frame = encodeWithLibrary({ audio: Uint8Array.of(1, 2, 3, 4), sampleRate: 8_000, numChannels: 1 });
    for (const offset of [0, 1, 2, 3]) {
      const bytes = new Uint8Array(frame.length + 8).subarray(offset, offset + frame.length);
      bytes.set(frame);
      const read = readFrame(bytes);
      bytes.fill(0xff);
      expect(read).toMatchObject({ audio: Int16Array.of(0x0201, 0x0403) });
    }
    expect(readFrame(Buffer.from(frame))).toMatchObject({ audio: Int16Array.of(0x0201, 0x0403) });
  });

  it("reads any frame as a general decoder does", () => {
    const kinds = new Map<string, number>();
    fc.assert(
      fc.property(anyFrame, (bytes) => {
        const frame = readFrame(bytes);
        kinds.set(frame.kind, (kinds.get(frame.kind) ?? 0) + 1);
        expect(inShort(frame)).toEqual(inShort(readFrameReference(bytes)));
      }),
      { numRuns: 2_000 },
    );
    // Each kind was there often enough to mean something.
    for (const kind of ["audio", "text", "transcription", "message", "interruption", "unknown", "malformed"]) {
      expect(kinds.get(kind) ?? 0, kind).toBeGreaterThan(10);
    }
  });

  it("says of damaged frames what a general decoder says, and never throws", () => {
    let broken = 0;
    let whole = 0;
    fc.assert(
      fc.property(damagedFrame, (bytes) => {
        const frame = readFrame(bytes);
        if (frame.kind === "malformed" && frame.reason === "not-protobuf") broken++;
        else whole++;
        expect(inShort(frame)).toEqual(inShort(readFrameReference(bytes)));
      }),
      { numRuns: 3_000 },
    );
    expect(broken).toBeGreaterThan(300);
    expect(whole).toBeGreaterThan(300);
  });
});

describe("a reader of many frames", () => {
  it("reads each as if it were alone, and leaves those before it as they are", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(plainAudioFrame, anyFrame), { maxLength: 30 }), (frames) => {
        const reader = new FrameReader();
        const read = frames.map((bytes) => reader.read(bytes));
        expect(read.map(inShort)).toEqual(frames.map((bytes) => inShort(readFrame(bytes))));
      }),
    );
  });

  it("has them share memory, but with no other reader", () => {
    const bytes = encodeAudioFrame(new Int16Array(960), 24_000);
    const buffersOf = (reader: FrameReader) =>
      new Set(
        Array.from({ length: 81 }, () => {
          const frame = reader.read(bytes);
          return frame.kind === "audio" ? frame.audio.buffer : undefined;
        }),
      );
    const one = buffersOf(new FrameReader());
    // The last has only begun: another reader must not go on with it.
    expect(one.size).toBe(11);
    expect(new Set([...one, ...buffersOf(new FrameReader())]).size).toBe(22);
  });
});

describe("the scanner", () => {
  it("reads what bots send, without the general decoder", () => {
    const sent = fc.record({
      id: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
      name: fc.stringMatching(/^[A-Za-z]{0,30}#\d{1,9}$/),
      audio: fc.constantFrom(0, 2, 640, 1_920, 96_000).map((n) => Uint8Array.from({ length: n }, (_, i) => i)),
      sampleRate: fc.constantFrom(8_000, 16_000, 24_000, 44_100, 48_000),
      numChannels: fc.constant(1),
    });
    const withPts = fc.tuple(sent, fc.option(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })));
    fc.assert(
      fc.property(withPts, ([fields, pts]) => {
        const bytes = encodeWithLibrary(pts === null ? fields : { ...fields, pts });
        expect(inShort(scan(bytes))).toEqual(inShort(readFrameReference(bytes)));
      }),
    );
  });

  it("reads their fields in any order, some twice or not at all", () => {
    fc.assert(
      fc.property(plainAudioFrame, (bytes) => {
        expect(inShort(scan(bytes))).toEqual(inShort(readFrameReference(bytes)));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ["text", encodeFrame({ kind: "text", text: "a" })],
    ["two frames", concat([encodeAudioFrame(Int16Array.of(1), 8_000), encodeAudioFrame(Int16Array.of(1), 8_000)])],
    ["a name outside of ASCII", encodeWithLibrary({ name: "ü", sampleRate: 8_000, numChannels: 1 })],
    ["a name that is not UTF-8", bytesOf("12081201ff20c03e2801")],
    ["audio that leads beyond the end", bytesOf("120820c03e28011a0200")],
    ["a name that leads beyond the end", bytesOf("120820c03e2801120241")],
    ["a field that leads beyond the end", bytesOf("120820c03e2801")],
    ["bytes behind the end", bytesOf("120520c03e28010801")],
    // Taken for a shorter number, it would have the name read as audio.
    ["a length in more bytes than it needs", bytesOf(`121b20c03e28011a8200ff1a1211${"41".repeat(17)}`)],
    ["a rate in more bytes than it needs", bytesOf("120620c0be002801")],
    ["an id of 64 bits", encodeWithLibrary({ id: 2n ** 64n - 1n, sampleRate: 8_000, numChannels: 1 })],
    ["an id of 11 bytes", bytesOf("121108ffffffffffffffffffff0020c03e2801")],
    ["an id without an end", bytesOf("120720c03e280108ff")],
    ["a tag without a value", bytesOf("120620c03e280120")],
    ["a field it does not know", bytesOf("120720c03e28013801")],
    ["nothing", new Uint8Array(0)],
    ["one byte", Uint8Array.of(0x12)],
  ])("leaves %s to the general decoder", (_, bytes) => {
    expect(scan(bytes)).toBeUndefined();
    expect(readFrame(bytes)).toEqual(readFrameReference(bytes));
  });
});

describe("writing frames", () => {
  it("is read again", () => {
    const text = fc.string({ unit: "binary" });
    const frame = fc.oneof(
      fc.record({ kind: fc.constant("text" as const), text }),
      fc.record({ kind: fc.constant("message" as const), data: text }),
      fc.record({ kind: fc.constant("transcription" as const), text, userId: text, timestamp: text }),
      fc.constant({ kind: "interruption" as const }),
    );
    fc.assert(
      fc.property(frame, (frame) => {
        expect(readFrame(encodeFrame(frame))).toEqual(frame);
      }),
    );
  });

  it("puts U+FFFD where UTF-8 has nothing", () => {
    expect(readFrame(encodeFrame({ kind: "text", text: "a\ud800b" }))).toEqual({ kind: "text", text: "a\ufffdb" });
  });
});
