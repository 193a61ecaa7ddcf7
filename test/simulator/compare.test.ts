import { beforeAll, describe, expect, it } from "vitest";
import { compareHeard, prepareCallerAudio, readSpeechRecording } from "../../src/simulator/index.ts";

const sampleRate = 24_000;
const lagSamples = 4567;
const lagMs = (lagSamples * 1000) / sampleRate;

let speech: Int16Array;
let said: Int16Array;

/** The timeline of a call of `seconds` in which `what` is heard from a sample on. */
function timeline(what: Int16Array, fromSample: number, seconds = 5): Int16Array {
  const samples = new Int16Array(seconds * sampleRate);
  samples.set(what.subarray(0, samples.length - fromSample), fromSample);
  return samples;
}

// The same on every run.
function noise(sampleCount: number, level: number, seed = 1): Int16Array {
  let state = seed;
  return Int16Array.from({ length: sampleCount }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return ((state / 2 ** 31 - 1) * level) | 0;
  });
}

const mixed = (a: Int16Array, b: Int16Array) =>
  a.map((sample, at) => Math.max(-32_768, Math.min(32_767, sample + b[at]!)));

beforeAll(() => {
  const recording = readSpeechRecording();
  speech = prepareCallerAudio(recording.samples, recording.sampleRate).samples.subarray(0, 3.5 * sampleRate);
  said = timeline(speech, sampleRate / 2);
});

describe("compareHeard", () => {
  it("finds the lag to the sample and gives 1 for the same audio", () => {
    const result = compareHeard({ said, heard: timeline(speech, sampleRate / 2 + lagSamples), sampleRate });
    expect(result.lagMs).toBeCloseTo(lagMs, 9);
    expect(result.similarity).toBeGreaterThan(0.999_99);
    expect(result.windowCount).toBeGreaterThan(10);
  });

  it("does not mind loudness", () => {
    const quiet = speech.map((sample) => sample / 4);
    const result = compareHeard({ said, heard: timeline(quiet, sampleRate / 2 + lagSamples), sampleRate });
    expect(result.lagMs).toBeCloseTo(lagMs, 9);
    expect(result.similarity).toBeGreaterThan(0.999);
  });

  it("falls with noise", () => {
    const heard = timeline(speech, sampleRate / 2 + lagSamples);
    const little = compareHeard({ said, heard: mixed(heard, noise(heard.length, 100)), sampleRate });
    const much = compareHeard({ said, heard: mixed(heard, noise(heard.length, 3000)), sampleRate });
    expect(little.lagMs).toBeCloseTo(lagMs, 9);
    expect(much.lagMs).toBeCloseTo(lagMs, 1);
    expect(little.similarity).toBeGreaterThan(0.99);
    expect(much.similarity).toBeLessThan(0.9);
    expect(much.similarity).toBeGreaterThan(0.3);
  });

  it("tells of 20 ms that got lost, by the windows behind", () => {
    const cut = 2 * sampleRate;
    const spliced = new Int16Array(speech.length - 480);
    spliced.set(speech.subarray(0, cut));
    spliced.set(speech.subarray(cut + 480), cut);
    const result = compareHeard({ said, heard: timeline(spliced, sampleRate / 2 + lagSamples), sampleRate });
    expect(result.similarity).toBeLessThan(0.5);
    expect(result.worstWindowAtMs).toBeGreaterThan(1900);
    // It is an echo all the same.
    expect(result.bestSimilarity).toBeGreaterThan(0.999);
  });

  it("tells of a second that was another voice", () => {
    const broken = speech.slice();
    broken.set(noise(sampleRate, 2000), sampleRate);
    const result = compareHeard({ said, heard: timeline(broken, sampleRate / 2 + lagSamples), sampleRate });
    expect(result.lagMs).toBeCloseTo(lagMs, 9);
    expect(result.similarity).toBeLessThan(0.2);
    expect(result.meanSimilarity).toBeGreaterThan(0.5);
  });

  it.each([
    ["backwards", (at: number) => speech[speech.length - 1 - at]!],
    ["a quarter higher", (at: number) => speech[Math.min(speech.length - 1, Math.floor(at * 1.25))]!],
    ["a hum", (at: number) => 8000 * Math.sin((2 * Math.PI * 150 * at) / sampleRate)],
  ])("takes no half second of another sound for the same: %s", (_, sampleAt) => {
    const other = Int16Array.from(speech, (_, at) => sampleAt(at));
    const heard = timeline(other, sampleRate / 2 + lagSamples);
    expect(compareHeard({ said, heard, sampleRate }).bestSimilarity).toBeLessThan(0.5);
  });

  it("does not hear above 7 kHz", () => {
    const heard = timeline(speech, sampleRate / 2 + lagSamples);
    const whistle = heard.map((_, at) => 4000 * Math.sin((2 * Math.PI * 9000 * at) / sampleRate));
    expect(compareHeard({ said, heard: mixed(heard, whistle), sampleRate }).similarity).toBeGreaterThan(0.999);
  });

  it("leaves the greeting out, and what was said into it", () => {
    // The greeting is far louder than what follows, and tells of another lag.
    const quiet = speech.map((sample) => sample / 8);
    const heard = timeline(quiet, sampleRate / 2 + lagSamples);
    heard.set(said.subarray(0, 1.5 * sampleRate));
    const result = compareHeard({ said, heard, sampleRate, ignoreHeardBeforeMs: 1500 });
    expect(result.lagMs).toBeCloseTo(lagMs, 9);
    expect(result.similarity).toBeGreaterThan(0.999);
    expect(result.worstWindowAtMs! + lagMs).toBeGreaterThan(1500);
  });

  it("does not ask for what had no time to come back", () => {
    const result = compareHeard({
      said: said.subarray(0, 3 * sampleRate),
      heard: timeline(speech, sampleRate / 2 + lagSamples, 3),
      sampleRate,
    });
    expect(result.similarity).toBeGreaterThan(0.999);
  });

  it("gives 0 for speech that never came back, and for silence", () => {
    const partly = timeline(speech.subarray(0, sampleRate), sampleRate / 2 + lagSamples);
    expect(compareHeard({ said, heard: partly, sampleRate }).similarity).toBeLessThan(0.1);
    const nothing = {
      lagMs: null,
      similarity: 0,
      bestSimilarity: 0,
      worstWindowAtMs: null,
      meanSimilarity: 0,
      windowCount: 0,
    };
    expect(compareHeard({ said, heard: new Int16Array(said.length), sampleRate })).toEqual(nothing);
    expect(compareHeard({ said: new Int16Array(0), heard: said, sampleRate })).toEqual(nothing);
  });

  it("refuses a rate that has no 7 kHz", () => {
    expect(() => compareHeard({ said, heard: said, sampleRate: 8000 })).toThrow(RangeError);
  });
});
