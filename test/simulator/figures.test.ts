import { describe, expect, it } from "vitest";
import { CallerAudio, CallerLine } from "../../src/simulator/caller-audio.ts";
import { LatenessHistogram } from "../../src/simulator/lateness.ts";
import { MAX_RECORDING_MS, TimelineRecorder } from "../../src/simulator/recording.ts";

describe("LatenessHistogram", () => {
  it("is all zero without figures", () => {
    expect(new LatenessHistogram().summary()).toEqual({ count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 });
  });

  it("gives percentiles to the ms, the maximum exactly, and takes early for on time", () => {
    const lateness = new LatenessHistogram();
    for (let at = 0; at < 98; at++) lateness.add(at < 60 ? 1.5 : -3);
    lateness.add(40.2);
    lateness.add(1000.25);
    expect(lateness.summary()).toEqual({ count: 100, p50Ms: 2, p99Ms: 41, maxMs: 1000.25 });
  });
});

describe("TimelineRecorder", () => {
  it("grows, is silent where nothing was written, and stops at its bound", () => {
    const recorder = new TimelineRecorder();
    const bound = MAX_RECORDING_MS * 24;
    recorder.write(Int16Array.of(1, 2), 500_000);
    expect(recorder.read(499_999, 500_003)).toEqual(Int16Array.of(0, 1, 2, 0));
    expect(recorder.truncated).toBe(false);
    recorder.write(Int16Array.of(3, 4), bound - 1);
    expect(recorder.truncated).toBe(true);
    expect(recorder.read(bound - 2, bound + 10)).toEqual(Int16Array.of(0, 3));
    recorder.write(Int16Array.of(5), bound + 100);
    expect(recorder.read(bound + 100, bound + 101)).toHaveLength(0);
  });
});

describe("CallerLine", () => {
  it("says on the wire what it renders", () => {
    const audio = new CallerAudio(Int16Array.from({ length: 1000 }, (_, at) => at + 1));
    for (const loop of [false, true]) {
      const line = new CallerLine(audio, 2, loop);
      const rendered = line.render(480 * 9 - 7);
      for (let packet = 0; packet < 8; packet++) {
        const payload = line.payloadAt(packet);
        const expected = rendered.subarray(packet * 480, (packet + 1) * 480);
        expect(payload === null).toBe(packet < 2 || (!loop && packet >= 5));
        const bytes = payload === null ? Buffer.alloc(960) : Buffer.from(payload, "base64");
        expect(bytes.equals(Buffer.from(expected.buffer, expected.byteOffset, 960))).toBe(true);
      }
    }
  });

  it("says nothing without audio", () => {
    expect(new CallerLine(new CallerAudio(new Int16Array(0)), 0, true).payloadAt(3)).toBeNull();
    expect(new CallerLine(null, 0, false).render(3)).toEqual(new Int16Array(3));
  });
});
