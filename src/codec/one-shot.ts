import { type Codec, defaultCodec } from "./codec.ts";
import type { Resampler } from "./resampler.ts";
import { filterDelaySamples, greatestCommonDivisor, type ResamplerProfile } from "./taps.ts";

export interface ResampleOptions {
  /** As for {@link Codec.createResampler}. */
  readonly profile?: ResamplerProfile;
  /** Whose memory is used; the thread's own codec when left out. */
  readonly codec?: Codec;
  /** Told the share that is done, from 0 to 1, after every 65,536 samples and at the end. */
  readonly onProgress?: (share: number) => void;
}

/** How much is resampled between two reports of progress, in input samples: some milliseconds of work. */
const REPORT_SAMPLES = 65_536;

/**
 * Resamples a whole recording. The filter's delay is taken out: sample `k` of the result is the sound at time
 * `k / outputRate` of the recording, and there are exactly `ceil(samples.length · outputRate / inputRate)` of them.
 * Before and after the recording there is silence.
 *
 * When the delay is no whole number of output samples (44100 → 48000 Hz: 52.24), the recording is fed in behind just
 * so many zeros, fewer than 442, that it becomes one. So nothing is off by a fraction of a sample, for any pair.
 *
 * @param samples mono int16 at `inputRate`; several channels are resampled one by one
 * @param inputRate one of {@link SAMPLE_RATES}, in Hz
 * @param outputRate one of {@link SAMPLE_RATES}, in Hz
 * @throws TypeError, RangeError for wrong arguments
 * @throws CodecError `CODEC_UNSUPPORTED`, `CODEC_OUT_OF_MEMORY`, `CODEC_TRAP`
 *
 * @example
 * import { resample } from "pipecat-wavix/codec";
 * const click = new Int16Array(4410);
 * click[2205] = 30000; // at 50 ms
 * const result = resample(click, 44100, 16000);
 * console.log(result.length, result.indexOf(Math.max(...result))); // 1600 800
 */
export function resample(
  samples: Int16Array,
  inputRate: number,
  outputRate: number,
  options: ResampleOptions = {},
): Int16Array {
  if (!(samples instanceof Int16Array)) throw new TypeError(`samples must be an Int16Array, got ${typeof samples}`);
  const { codec = defaultCodec(), profile = "default", onProgress } = options;
  using resampler = codec.createResampler(inputRate, outputRate, { profile });
  const { leadSampleCount, skippedSampleCount } = alignment(inputRate, outputRate, profile);
  const result = new Int16Array(Math.ceil((samples.length * outputRate) / inputRate));
  let position = -skippedSampleCount;
  for (const part of partsOf(resampler, samples, leadSampleCount, onProgress)) {
    const start = Math.max(0, -position);
    const end = Math.min(part.length, result.length - position);
    if (start < end) result.set(part.subarray(start, end), position + start);
    position += part.length;
  }
  onProgress?.(1);
  return result;
}

/** Zeros to feed in first, and outputs to drop, so that the first one kept is the first sample of the recording. */
function alignment(inputRate: number, outputRate: number, profile: ResamplerProfile) {
  const delay = filterDelaySamples(inputRate, outputRate, profile);
  // Towards a lower rate the delay is a whole number of output samples. Towards a higher one it is a whole number of
  // inputs, and every `cycle` inputs an output falls on an input.
  const cycle = inputRate / greatestCommonDivisor(inputRate, outputRate);
  const leadSampleCount = outputRate > inputRate ? Math.round(Math.ceil(delay / cycle) * cycle - delay) : 0;
  return { leadSampleCount, skippedSampleCount: Math.round(((delay + leadSampleCount) * outputRate) / inputRate) };
}

function* partsOf(
  resampler: Resampler,
  samples: Int16Array,
  leadSampleCount: number,
  onProgress: ResampleOptions["onProgress"],
): Generator<Int16Array> {
  yield resampler.process(new Int16Array(leadSampleCount));
  for (let start = 0; start < samples.length; start += REPORT_SAMPLES) {
    const end = start + REPORT_SAMPLES;
    yield resampler.process(samples.subarray(start, end));
    if (end < samples.length) onProgress?.(end / samples.length);
  }
  yield resampler.flush();
}
