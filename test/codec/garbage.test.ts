import { Buffer } from "node:buffer";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { codecs } from "../support/codecs.ts";
import { noise } from "../support/signals.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const CALLS = 2_000;
/** Before that, interpreted code boxes its numbers. */
const WARM_UP_MS = 600;

/** Bytes of the JavaScript heap that a call takes: the median of some series, once the engine has optimised it. */
function heapBytesPerCall(run: () => void): number {
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end; ) for (let i = 0; i < 100; i++) run();
  const series = Array.from({ length: 5 }, () => {
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < CALLS; i++) run();
    return (process.memoryUsage().heapUsed - before) / CALLS;
  });
  return series.sort((a, b) => a - b)[2]!;
}

const samples = noise(480);
const payload = Buffer.from(samples.buffer).toString("base64");
const message = new TextEncoder().encode(
  `{"event":"media","call_id":"c","stream_id":"s","sequence_number":70000,"media":{"payload":"${payload}","track":"inbound","timestamp":160,"chunk":69999}}`,
);

/** More than what a series has beside the calls; less than a view or two numbers at each call. */
const NOTHING = 16;

describe.each(codecs)("garbage (%s)", (_variant, codec) => {
  it("of a message that is read: the frame, cut from a slab", () => {
    let frame: Int16Array;
    const slab = new Int16Array(1_000);
    const frameBytes = heapBytesPerCall(() => {
      frame = slab.subarray(100, 580);
    });
    expect(frameBytes).toBeGreaterThan(NOTHING);
    for (const sampleRate of [24000, 16000]) {
      using reader = codec.createMediaReader({ wireSampleRate: 24000, sampleRate });
      const bytes = heapBytesPerCall(() => {
        reader.read(message, "inbound");
        frame = reader.audio;
      });
      expect(bytes - frameBytes).toBeLessThan(NOTHING);
    }
    expect(frame!.length).toBe(320);
  });

  it("of a message that is written: none", () => {
    for (const [sampleRate, audio] of [
      [24000, samples],
      [24000, new Uint8Array(samples.buffer)],
      [16000, noise(320)],
    ] as const) {
      using writer = codec.createMediaWriter({ wireSampleRate: 24000, streamId: "s" });
      const target = new Uint8Array(writer.messageByteLength);
      const bytes = heapBytesPerCall(() => {
        writer.push(audio, sampleRate);
        writer.takeMessages(target, 1);
      });
      expect(bytes).toBeLessThan(NOTHING);
    }
  });

  it("of resampling and G.711 into the caller's arrays: none", () => {
    using resampler = codec.createResampler(24000, 16000);
    const resampled = new Int16Array(320);
    expect(heapBytesPerCall(() => resampler.process(samples, resampled))).toBeLessThan(NOTHING);
    const codes = new Uint8Array(480);
    expect(heapBytesPerCall(() => codec.encodeMuLaw(samples, codes))).toBeLessThan(NOTHING);
    expect(heapBytesPerCall(() => codec.decodeMuLaw(codes, samples))).toBeLessThan(NOTHING);
  });
});
