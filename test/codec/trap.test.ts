import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import type { Exports } from "../../src/codec/core.ts";
import { type Codec, CodecError, type CodecVariant, loadCodecSync } from "../../src/codec/index.ts";
import { StreamReference } from "../reference/stream.ts";
import { VARIANTS } from "../support/codecs.ts";
import { concat, noise } from "../support/signals.ts";

const base64 = (samples: Int16Array) =>
  Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString("base64");

/** Makes the next call of one export fail: in WebAssembly by a real trap, far behind the end of memory. */
function breakNext(codec: Codec, name: keyof Exports): void {
  const { core } = codec;
  const { exports } = core;
  const broken = {
    ...exports,
    [name]() {
      if (codec.variant === "js") throw new RangeError("Invalid typed array length");
      exports.convert(0, 0x3fffffff, 8);
      expect.unreachable("the instance survived");
    },
  };
  Object.assign(core, { exports: broken });
}

/** A stream of any kind: samples in, samples out, 20 ms at a time. */
interface Heard {
  readonly stream: { readonly discontinuities: number; close(): void };
  readonly inputRate: number;
  readonly reference: StreamReference;
  hear(input: Int16Array): Int16Array;
}

function openAll(codec: Codec): Heard[] {
  return [
    ...(["default", "low-delay"] as const).map((profile) => {
      const resampler = codec.createResampler(24000, 16000, { profile });
      const reference = new StreamReference(24000, 16000, profile);
      return {
        stream: resampler,
        inputRate: 24000,
        reference,
        hear: (samples: Int16Array) => resampler.process(samples),
      };
    }),
    ...[" ", ""].map((space) => {
      const reader = codec.createMediaReader({ wireSampleRate: 24000, sampleRate: 16000 });
      const hear = (samples: Int16Array) => {
        expect(reader.read(`{"event":"media",${space}"media":{"payload":"${base64(samples)}"}}`, null)).toBe("audio");
        return reader.audio;
      };
      return { stream: reader, inputRate: 24000, reference: new StreamReference(24000, 16000, "default"), hear };
    }),
    ...[48000, 32000].map((inputRate) => {
      const writer = codec.createMediaWriter({ wireSampleRate: 12000 });
      const hear = (samples: Int16Array) => {
        writer.push(samples, inputRate, 1);
        return payloads(writer.takeMessage());
      };
      return { stream: writer, inputRate, reference: new StreamReference(inputRate, 12000, "default"), hear };
    }),
  ];
}

function payloads(text: string | null): Int16Array {
  if (text === null) return new Int16Array(0);
  const { payload } = (JSON.parse(text) as { media: { payload: string } }).media;
  return new Int16Array(Uint8Array.from(Buffer.from(payload, "base64")).buffer);
}

/** The export that fails, and which of the streams calls it: resampler, net, reader, writer in and writer out. */
const FAILURES: [keyof Exports, number][] = [
  ["convert", 0],
  ["readPayload", 2],
  ["readMedia", 3],
  ["convert", 4],
  ["writeMedia", 5],
];

describe.each(VARIANTS)("a trap (%s)", (variant: CodecVariant) => {
  it.each(FAILURES)("in %s ends the stream that met it, and costs the others their past alone", (name, guilty) => {
    const codec = loadCodecSync({ variant });
    const streams = openAll(codec);
    const all = (seed: number) => {
      for (const { hear, reference, inputRate } of streams) {
        const input = noise(inputRate / 50, seed);
        expect(hear(input)).toEqual(reference.push(input));
      }
    };
    all(1);
    all(2);
    const broken = codec.core;
    breakNext(codec, name);
    const { hear, inputRate, stream } = streams[guilty]!;
    let error: unknown;
    try {
      hear(noise(inputRate / 50, 3));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(CodecError);
    const cause = expect.any(variant === "js" ? RangeError : WebAssembly.RuntimeError);
    expect(error).toMatchObject({ code: "CODEC_TRAP", cause });
    expect(codec.traps).toBe(1);
    expect(codec.core).not.toBe(broken);
    stream.close();
    streams.splice(guilty, 1);

    // Every other starts anew in the new instance, once.
    for (const { reference } of streams) reference.reset();
    for (let seed = 4; seed < 8; seed++) all(seed);
    expect(streams.map(({ stream }) => stream.discontinuities)).toEqual(streams.map(() => 1));
    expect(codec.traps).toBe(1);
    for (const { stream } of streams) stream.close();
    expect(codec.openResamplers).toBe(0);
  });

  it.each(["design", "open"] as const)("in %s costs a newcomer its stream, and the others their past", (name) => {
    const codec = loadCodecSync({ variant });
    const streams = openAll(codec);
    for (const { hear, inputRate } of streams) hear(noise(inputRate / 50, 1));
    breakNext(codec, name);
    const newcomer = () => codec.createResampler(11025, 8000);
    expect(newcomer).toThrowError(expect.objectContaining({ code: "CODEC_TRAP" }));
    for (const { hear, reference, inputRate } of streams) {
      const input = noise(inputRate / 50, 2);
      expect(hear(input)).toEqual(reference.push(input));
    }
    expect(streams.map(({ stream }) => stream.discontinuities)).toEqual(streams.map(() => 1));
    newcomer().close();
    for (const { stream } of streams) stream.close();
    expect([codec.traps, codec.openResamplers]).toEqual([1, 0]);
  });

  it("leaves what a writer has queued, and lets the guilty one go on if its owner wants", () => {
    const codec = loadCodecSync({ variant });
    const writer = codec.createMediaWriter({ wireSampleRate: 24000 });
    const reference = new StreamReference(16000, 24000, "default");
    const queued = noise(960, 1);
    writer.push(queued, 16000);
    breakNext(codec, "convert");
    expect(() => writer.push(noise(320, 2), 16000)).toThrowError(expect.objectContaining({ code: "CODEC_TRAP" }));
    const after = noise(320, 3);
    writer.push(after, 16000);
    const expected = [reference.push(queued)];
    reference.reset();
    expected.push(reference.push(after));
    const packets: Int16Array[] = [];
    while (writer.packetCount > 0) packets.push(payloads(writer.takeMessage()));
    expect(concat(packets)).toEqual(concat(expected).subarray(0, 480 * packets.length));
    expect(packets.length).toBe(4);
    expect(writer.discontinuities).toBe(1);
  });
});
