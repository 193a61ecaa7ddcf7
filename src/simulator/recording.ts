import { WIRE_SAMPLE_RATE } from "./wire-audio.ts";

/** Longest recording kept of one call, in ms; what comes later is not recorded, and the recording says so. */
export const MAX_RECORDING_MS = 600_000;

const MAX_SAMPLES = (MAX_RECORDING_MS * WIRE_SAMPLE_RATE) / 1000;

/** What a caller hears, on the caller's timeline: silence wherever nothing was written. */
export class TimelineRecorder {
  // Ten seconds to begin with, doubled when full.
  #samples = new Int16Array(10 * WIRE_SAMPLE_RATE);
  truncated = false;

  write(samples: Int16Array, atSample: number): void {
    const end = Math.min(atSample + samples.length, MAX_SAMPLES);
    if (end < atSample + samples.length) this.truncated = true;
    if (end <= atSample) return;
    this.#grow(end);
    this.#samples.set(samples.subarray(0, end - atSample), atSample);
  }

  /** A copy of the timeline from one sample up to another, silence where it was not written. */
  read(fromSample: number, toSample: number): Int16Array {
    const copy = new Int16Array(Math.max(0, Math.min(toSample, MAX_SAMPLES) - fromSample));
    copy.set(this.#samples.subarray(fromSample, Math.min(this.#samples.length, fromSample + copy.length)));
    return copy;
  }

  #grow(sampleCount: number): void {
    if (sampleCount <= this.#samples.length) return;
    const grown = new Int16Array(Math.min(MAX_SAMPLES, Math.max(sampleCount, this.#samples.length * 2)));
    grown.set(this.#samples);
    this.#samples = grown;
  }
}
