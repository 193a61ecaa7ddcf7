import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_QUEUED_MARKS, PlaybackBuffer, type PlaybackOptions } from "../../src/simulator/playback-buffer.ts";
import { TimelineRecorder } from "../../src/simulator/recording.ts";

/** A buffer on a clock that only moves when told to. */
function rig(options: Partial<PlaybackOptions> = {}) {
  const clock = { ms: 1000 };
  const marks: string[] = [];
  const heard = new TimelineRecorder();
  const buffer = new PlaybackBuffer({
    now: () => clock.ms,
    onMark: (name) => marks.push(name),
    onPlayed: (samples, at) => heard.write(samples, at),
    ...options,
  });
  const wait = (ms: number) => {
    clock.ms += ms;
    buffer.advance();
  };
  return { clock, marks, heard, buffer, wait };
}

const tone = (sampleCount: number, first = 1) => Int16Array.from({ length: sampleCount }, (_, at) => first + at);

describe("playback", () => {
  it("plays at 24 kHz from the moment audio comes, and silence otherwise", () => {
    const { buffer, heard, wait } = rig();
    wait(10);
    buffer.push(tone(480));
    wait(5);
    expect(buffer.bufferedSamples).toBe(360);
    wait(25);
    expect(buffer.playedSamples).toBe(480);
    expect(buffer.playheadSample).toBe(960);
    expect(heard.read(0, 960)).toEqual(
      Int16Array.from({ length: 960 }, (_, at) => (at < 240 || at >= 720 ? 0 : at - 239)),
    );
  });

  it("takes audio before its timeline begins and plays it from there", () => {
    const { buffer, clock, wait } = rig({ originMs: 1010 });
    buffer.push(tone(480));
    wait(10);
    expect(buffer.playedSamples).toBe(0);
    wait(20);
    expect(buffer.playedSamples).toBe(480);
    expect(clock.ms).toBe(1030);
  });

  it("says where the first audible sample was heard", () => {
    const { buffer, wait } = rig();
    buffer.push(new Int16Array(480));
    buffer.push(Int16Array.from({ length: 480 }, (_, at) => (at < 100 ? 32 : -33)));
    wait(40);
    expect(buffer.firstAudibleSample).toBe(580);
  });

  it("drops and counts what finds it full", () => {
    const { buffer, heard, wait } = rig({ maxBufferedMs: 30 });
    buffer.push(tone(480));
    buffer.push(tone(480, 1000));
    expect(buffer.droppedSamples).toBe(240);
    wait(100);
    expect(heard.read(480, 720)).toEqual(tone(240, 1000));
    expect(buffer.playedSamples).toBe(720);
  });
});

describe("marks", () => {
  it("come back at once when nothing is queued", () => {
    const { buffer, marks } = rig();
    buffer.mark("now");
    expect(marks).toEqual(["now"]);
  });

  it("come back when all before them was played, not earlier", () => {
    const { buffer, marks, wait } = rig();
    buffer.push(tone(480));
    buffer.mark("first");
    buffer.push(tone(480));
    buffer.mark("second");
    wait(19);
    expect(marks).toEqual([]);
    wait(1);
    expect(marks).toEqual(["first"]);
    wait(20);
    expect(marks).toEqual(["first", "second"]);
  });

  it.each([
    ["in-order", ["a", "b"]],
    ["reversed", ["b", "a"]],
  ] as const)("come back %s on clear", (marksOnClear, expected) => {
    const { buffer, marks, wait } = rig({ marksOnClear });
    buffer.push(tone(480));
    buffer.mark("a");
    buffer.push(tone(480));
    buffer.mark("b");
    wait(5);
    buffer.clear();
    expect(marks).toEqual(expected);
    expect(buffer.clearedSamples).toBe(840);
    wait(100);
    expect(marks).toEqual(expected);
    expect(buffer.playedSamples).toBe(120);
  });

  it("are dropped and counted when too many wait", () => {
    const { buffer, marks, wait } = rig();
    buffer.push(tone(480));
    for (let at = 0; at < MAX_QUEUED_MARKS + 3; at++) buffer.mark(`${at}`);
    wait(20);
    expect(buffer.droppedMarks).toBe(3);
    expect(marks).toHaveLength(MAX_QUEUED_MARKS);
  });
});

describe("gaps", () => {
  it.each([
    ["no gap when the next packet is in time", 20, 0],
    ["a gap when it is a millisecond late", 21, 1],
    ["a gap at 500 ms", 520, 1],
    ["a pause beyond", 521, 0],
  ])("%s", (_, afterMs, gaps) => {
    const { buffer, wait } = rig();
    buffer.push(tone(480));
    wait(afterMs);
    buffer.push(tone(480));
    expect(buffer.gaps).toBe(gaps);
    expect(buffer.longestGapSamples).toBe(gaps * (afterMs - 20) * 24);
  });

  it("are not what follows a clear", () => {
    const { buffer, wait } = rig();
    buffer.push(tone(480));
    wait(30);
    buffer.clear();
    wait(30);
    buffer.push(tone(480));
    expect(buffer.gaps).toBe(0);
  });
});

type Step = { push: number } | { mark: true } | { clear: true } | { waitMs: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ push: fc.integer({ min: 0, max: 2000 }) }) },
    { weight: 2, arbitrary: fc.record({ mark: fc.constant(true as const) }) },
    { weight: 1, arbitrary: fc.record({ clear: fc.constant(true as const) }) },
    { weight: 4, arbitrary: fc.record({ waitMs: fc.double({ min: 0, max: 90, noNaN: true }) }) },
  ),
  { maxLength: 150 },
);

describe("whatever happens", () => {
  it("the caller hears what was sent minus what was cleared, and each mark comes once, in order", () => {
    fc.assert(
      fc.property(steps, (script) => {
        // How much had been sent when a mark was, and how much was done with when it came back.
        const sentBefore: number[] = [];
        const doneWith: number[] = [];
        const { buffer, heard, marks, wait } = rig({
          onMark: (name) => {
            marks.push(name);
            doneWith.push(buffer.playedSamples + buffer.clearedSamples);
          },
        });
        // Samples sent one after the other differ, so that what is heard tells which they are.
        let sent = 0;
        const expected: number[] = [];
        for (const step of script) {
          if ("push" in step) {
            const samples = Int16Array.from({ length: step.push }, (_, at) => ((sent + at) % 32_767) + 1);
            sent += samples.length;
            expected.push(...samples);
            buffer.push(samples);
          } else if ("mark" in step) buffer.mark(`${sentBefore.push(sent) - 1}`);
          else if ("waitMs" in step) wait(step.waitMs);
          else {
            buffer.clear();
            expected.length = buffer.playedSamples;
          }
          const { playedSamples, clearedSamples, bufferedSamples } = buffer;
          expect(playedSamples + clearedSamples + bufferedSamples).toBe(sent);
        }
        wait(buffer.bufferedSamples / 24 + 1);
        expect(buffer.bufferedSamples).toBe(0);
        const heardSamples = heard.read(0, buffer.playheadSample).filter((sample) => sample !== 0);
        expect(heardSamples.length).toBe(expected.length);
        expect(heardSamples.findIndex((sample, at) => sample !== expected[at])).toBe(-1);
        expect(marks).toEqual(sentBefore.map((_, at) => `${at}`));
        for (const [at, before] of sentBefore.entries()) expect(doneWith[at]).toBeGreaterThanOrEqual(before);
      }),
      { numRuns: 100 },
    );
  });
});
