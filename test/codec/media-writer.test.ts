import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Codec, MediaWriter } from "../../src/codec/index.ts";
import { designTaps } from "../../src/codec/taps.ts";
import { resampleReference } from "../reference/resampler.ts";
import { codecs } from "../support/codecs.ts";
import { concat, expectSameSamples, noise, split } from "../support/signals.ts";

const open = (codec: Codec, streamId?: string) =>
  codec.createMediaWriter({ wireSampleRate: 24000, ...(streamId === undefined ? {} : { streamId }) });

function takeAll(writer: MediaWriter): string[] {
  const messages: string[] = [];
  for (let message = writer.takeMessage(); message !== null; message = writer.takeMessage()) messages.push(message);
  return messages;
}

/** The samples of messages, each of which must be exactly one packet. */
function samplesOf(messages: string[]): Int16Array {
  return concat(
    messages.map((message) => {
      const bytes = Buffer.from((JSON.parse(message) as { media: { payload: string } }).media.payload, "base64");
      expect(bytes.length).toBe(960);
      return new Int16Array(Uint8Array.from(bytes).buffer);
    }),
  );
}

describe.each(codecs)("media writer (%s)", (_variant, codec) => {
  it("writes the message Wavix documents, as JSON.stringify would", () => {
    const samples = noise(480);
    const payload = Buffer.from(samples.buffer).toString("base64");
    for (const streamId of [undefined, "str-456", 'quo"te \\ ünï']) {
      using writer = open(codec, streamId);
      writer.push(samples, 24000, 1);
      const named = streamId === undefined ? {} : { stream_id: streamId };
      expect(takeAll(writer)).toEqual([JSON.stringify({ event: "media", ...named, media: { payload } })]);
    }
  });

  it("takes a stream id that becomes known later", () => {
    using writer = open(codec);
    writer.push(noise(960), 24000, 1);
    expect(JSON.parse(writer.takeMessage()!)).not.toHaveProperty("stream_id");
    writer.streamId = "late";
    expect(JSON.parse(writer.takeMessage()!)).toMatchObject({ stream_id: "late" });
    expect(() => {
      writer.streamId = "x".repeat(201);
    }).toThrow(/streamId must have at most 200 characters, got 201/);
  });

  it("cuts any splits of any rate into the same packets, and flush brings the rest", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(8000, 16000, 22050, 24000, 48000),
        fc.array(fc.integer({ min: 1, max: 2_500 }), { minLength: 1, maxLength: 8 }),
        (rate, lengths) => {
          const input = noise(3_000, rate);
          using writer = open(codec);
          const messages: string[] = [];
          for (const part of split(input, lengths)) {
            writer.push(part, rate, 1);
            messages.push(...takeAll(writer));
          }
          writer.flush();
          messages.push(...takeAll(writer));
          const whole =
            rate === 24000
              ? input
              : resampleReference(
                  concat([input, new Int16Array(Math.ceil((48 * rate) / Math.min(rate, 24000)))]),
                  designTaps(rate, 24000, "default"),
                );
          const padded = new Int16Array(Math.ceil(whole.length / 480) * 480);
          padded.set(whole);
          expectSameSamples(samplesOf(messages), padded);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("mixes channels to their mean, also across cut sample frames and odd bytes", () => {
    for (const channels of [1, 2, 3, 8]) {
      const frames = 960;
      const interleaved = noise(frames * channels, channels);
      const mono = Int16Array.from({ length: frames }, (_, i) => {
        let sum = 0;
        for (let c = 0; c < channels; c++) sum += interleaved[i * channels + c]!;
        return Math.floor(sum / channels + 0.5);
      });
      const bytes = new Uint8Array(interleaved.buffer);
      for (const step of [bytes.length, 1, 3, 7, 1_001]) {
        using writer = open(codec);
        for (let at = 0; at < bytes.length; at += step) writer.push(bytes.subarray(at, at + step), 24000, channels);
        expect(samplesOf(takeAll(writer))).toEqual(mono);
      }
    }
  });

  it("takes whole minutes at once", () => {
    using writer = open(codec);
    const minute = noise(24_000 * 60);
    writer.push(minute, 24000, 1);
    expect(writer.queuedSampleCount).toBe(minute.length);
    const target = new Uint8Array(writer.messageByteLength * writer.packetCount);
    expect(writer.takeMessages(target, Number.POSITIVE_INFINITY)).toBe(3_000);
    const messages = new TextDecoder().decode(target).replaceAll("}}{", "}}\n{").split("\n");
    expectSameSamples(samplesOf(messages), minute);
  });

  it("puts a given prefix before each message and stays within the target", () => {
    using writer = open(codec, "s");
    writer.push(noise(480 * 5), 24000, 1);
    const prefix = new TextEncoder().encode('#{"media":{"payload":"');
    const target = new Uint8Array((prefix.length + 1280 + 3) * 2 + 10);
    expect(writer.takeMessages(target, 4, prefix)).toBe(2);
    expect(new TextDecoder().decode(target).match(/#\{"media":\{"payload":"[A-Za-z0-9+/=]{1280}"\}\}/g)).toHaveLength(
      2,
    );
    expect(writer.packetCount).toBe(3);
    expect(() => writer.takeMessages(target, 1, new Uint8Array(2_000))).toThrow(/prefix must have at most/);
  });

  it("drops the half of a sample that samples come behind", () => {
    using writer = open(codec);
    writer.push(new Uint8Array([1, 0, 7]), 24000, 1);
    writer.push(new Int16Array(479).fill(1), 24000, 1);
    expect(samplesOf(takeAll(writer))).toEqual(new Int16Array(480).fill(1));
  });

  it("ends the sound at the old rate when the rate changes", () => {
    using writer = open(codec);
    const first = noise(800, 1);
    const second = noise(960, 2);
    writer.push(first, 16000, 1);
    writer.push(second, 24000, 1);
    writer.flush();
    const tail = resampleReference(concat([first, new Int16Array(48)]), designTaps(16000, 24000, "default"));
    expect(samplesOf(takeAll(writer)).subarray(0, tail.length + 960)).toEqual(concat([tail, second]));
  });

  it("forgets everything on clear: queue, rest, odd byte and the resampler's past", () => {
    using writer = open(codec);
    writer.push(noise(500), 16000, 1);
    writer.push(new Uint8Array(3), 16000, 1);
    expect(writer.clear()).toBe(752);
    expect(writer.queuedSampleCount).toBe(0);
    writer.push(noise(640, 9), 16000, 1);
    const expected = resampleReference(noise(640, 9), designTaps(16000, 24000, "default"));
    expect(samplesOf(takeAll(writer))).toEqual(expected.subarray(0, 960));
  });

  it("says what is wrong with its arguments", () => {
    using writer = open(codec);
    expect(() => writer.push(noise(4), 12345, 1)).toThrow(/sampleRate must be one of .*, got 12345/);
    expect(() => writer.push(noise(4), 24000, 0)).toThrow(/numChannels must be 1 to 8, got 0/);
    expect(() => writer.push(noise(4), 24000, 9)).toThrow(RangeError);
    expect(() => codec.createMediaWriter({ wireSampleRate: 11025 })).toThrow(/whole number of samples in 20 ms/);
    // @ts-expect-error floating-point samples are not PCM16
    expect(() => writer.push(new Float32Array(4), 24000)).toThrow(
      /audio must be an Int16Array or a Uint8Array, got \[obj/,
    );
    expect(writer.queuedSampleCount).toBe(0);
  });

  it("gives its memory back", () => {
    const before = codec.openResamplers;
    const writer = open(codec);
    writer.push(noise(100), 16000, 1);
    writer.push(noise(100), 8000, 1);
    expect(codec.openResamplers).toBe(before + 1);
    writer.close();
    writer.close();
    expect(codec.openResamplers).toBe(before);
    expect(() => writer.push(noise(1), 16000, 1)).toThrowError(expect.objectContaining({ code: "CODEC_CLOSED" }));
    expect(writer.takeMessage()).toBeNull();
  });
});
