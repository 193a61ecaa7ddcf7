import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AudioRawFrameSchema, FrameSchema } from "../../../src/pipecat/wire/frames_pb.ts";
import { AudioFrameWriter, encodeAudioFrame, readFrame } from "../../../src/pipecat/wire/index.ts";

function encodeWithLibrary(samples: Int16Array, sampleRate: number, numChannels: number): Uint8Array {
  const audio = new Uint8Array(2 * samples.length);
  const view = new DataView(audio.buffer);
  samples.forEach((sample, i) => {
    view.setInt16(2 * i, sample, true);
  });
  const value = create(AudioRawFrameSchema, { audio, sampleRate, numChannels });
  return toBinary(FrameSchema, create(FrameSchema, { frame: { case: "audio", value } }));
}

const sampleRate = fc.oneof(
  fc.constantFrom(1, 127, 128, 16_000, 16_383, 16_384, 384_000),
  fc.integer({ min: 1, max: 384_000 }),
);
/** Lengths in samples of one channel, and those where a length gets one byte more. */
const length = fc.oneof(
  fc.nat(400),
  fc.constantFrom(0, 58, 59, 60, 61, 62, 63, 64, 320, 8_184, 8_185, 8_190, 8_192, 20_000),
);
const samplesOf = (length: number) => Int16Array.from({ length }, (_, i) => i * 40_503);

describe("audio frames", () => {
  it("are byte for byte what a general encoder writes", () => {
    fc.assert(
      fc.property(sampleRate, fc.integer({ min: 1, max: 8 }), length, (rate, channels, length) => {
        const audio = samplesOf(length * channels);
        expect(
          Buffer.from(encodeAudioFrame(audio, rate, channels)).equals(encodeWithLibrary(audio, rate, channels)),
        ).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("stay as they were written, however many follow", () => {
    const lengths = fc.array(length, { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(sampleRate, lengths, (rate, lengths) => {
        const writer = new AudioFrameWriter(rate);
        const written = lengths.map((length) => writer.write(samplesOf(length)));
        lengths.forEach((length, i) => {
          const expected = encodeWithLibrary(samplesOf(length), rate, 1);
          expect(Buffer.from(written[i] as Uint8Array).equals(expected)).toBe(true);
        });
      }),
      { numRuns: 200 },
    );
  });

  it("are copies, of parts of longer arrays too", () => {
    const samples = Int16Array.of(9, 1, -2, 9);
    const bytes = new AudioFrameWriter(16_000).write(samples.subarray(1, 3));
    samples.fill(0);
    expect(readFrame(bytes)).toMatchObject({ audio: Int16Array.of(1, -2), sampleRate: 16_000, numChannels: 1 });
  });

  it("share their memory with their neighbours, so that one costs a view", () => {
    const writer = new AudioFrameWriter(16_000);
    const buffers = new Set(Array.from({ length: 101 }, () => writer.write(new Int16Array(320)).buffer));
    // The last has only begun: another writer must not go on with it.
    expect(buffers.size).toBe(5);
    expect(buffers.has(new AudioFrameWriter(16_000).write(new Int16Array(320)).buffer)).toBe(false);
  });

  it("may have almost 1 MiB of samples", () => {
    const samples = new Int16Array(2 ** 19 - 8);
    expect(readFrame(encodeAudioFrame(samples, 384_000))).toMatchObject({ audio: { length: samples.length } });
    const wrong = () => encodeAudioFrame(new Int16Array(2 ** 19 - 7), 8_000);
    expect(wrong).toThrow(new RangeError("audio must have at most 524280 samples, got 524281"));
  });

  it.each([
    [0, 1, "sampleRate must be a whole number from 1 to 384000, got 0"],
    [384_001, 1, "sampleRate must be a whole number from 1 to 384000, got 384001"],
    [16_000.5, 1, "sampleRate must be a whole number from 1 to 384000, got 16000.5"],
    [Number.NaN, 1, "sampleRate must be a whole number from 1 to 384000, got NaN"],
    [16_000, 0, "numChannels must be a whole number from 1 to 8, got 0"],
    [16_000, 9, "numChannels must be a whole number from 1 to 8, got 9"],
  ])("refuse %d Hz with %d channels", (rate, channels, message) => {
    expect(() => new AudioFrameWriter(rate, channels)).toThrow(new RangeError(message));
  });

  it("refuse what is not samples of all channels", () => {
    expect(() => new AudioFrameWriter("16000" as never)).toThrow(
      new TypeError("sampleRate must be a number, got string"),
    );
    const writer = new AudioFrameWriter(16_000, 2);
    expect(() => writer.write(new Int16Array(3))).toThrow(
      new RangeError("audio must hold whole samples of 2 channels, got 3"),
    );
    expect(() => writer.write(new Uint8Array(4) as never)).toThrow(TypeError);
  });
});
