import type { Slab } from "./slab.ts";

/** Highest rate taken, in Hz, and most channels. Which rates can be played, the codec says: see `SAMPLE_RATES`. */
const MAX_SAMPLE_RATE = 384_000;
const MAX_CHANNELS = 8;

/**
 * Longest frame read or written, in bytes. The longest that Pipecat sends of its own accord is the 2 s of silence at a
 * bot's end: 96,000 bytes at 24 kHz (1.14.0, `audio_out_end_silence_secs`).
 */
export const MAX_FRAME_BYTE_LENGTH = 1_048_576;

/** Room for what stands around the audio: four tags, each with a length or a number. */
export const MAX_HEAD_BYTE_LENGTH = 16;

/** Half a second of 16 kHz; 8 frames of what a bot says at 24 kHz. @internal */
export const SLAB_BYTE_LENGTH = 16_384;

/** What a bot says, or is to hear. */
export interface AudioFrame {
  readonly kind: "audio";
  /** PCM16, channels interleaved; yours to keep. */
  readonly audio: Int16Array;
  /** In Hz. */
  readonly sampleRate: number;
  readonly numChannels: number;
}

/**
 * Why a frame is not taken:
 * - `not-protobuf`: it cannot be decoded
 * - `too-long`: above 1 MiB
 * - `sample-rate`: of its audio, is not 1 to 384,000 Hz; `channels`: they are not 1 to 8
 * - `partial-sample`: the audio ends within a sample, or before the last channel's
 */
export type MalformedReason = "not-protobuf" | "too-long" | "sample-rate" | "channels" | "partial-sample";

/** What is not taken. */
export interface MalformedFrame {
  readonly kind: "malformed";
  readonly reason: MalformedReason;
}

/** @internal */
export const malformed = (reason: MalformedReason): MalformedFrame => ({ kind: "malformed", reason });

/**
 * An AudioRawFrame from its fields.
 *
 * @param bytes where the samples stand, from `start` to before `end`, perhaps at an odd place; they are copied
 * @param slab where to
 * @internal
 */
export function toAudioFrame(
  bytes: Uint8Array,
  start: number,
  end: number,
  sampleRate: number,
  numChannels: number,
  slab: Slab,
): AudioFrame | MalformedFrame {
  if (sampleRate < 1 || sampleRate > MAX_SAMPLE_RATE) return malformed("sample-rate");
  if (numChannels < 1 || numChannels > MAX_CHANNELS) return malformed("channels");
  if ((end - start) % (2 * numChannels) !== 0) return malformed("partial-sample");
  const place = slab.reserve(end - start);
  slab.bytes.set(bytes.subarray(start, end), place);
  const audio = slab.samples.subarray(place / 2, (place + end - start) / 2);
  return { kind: "audio", audio, sampleRate, numChannels };
}

/** @internal @throws TypeError | RangeError */
export function assertFormat(sampleRate: number, numChannels: number): void {
  requireWhole("sampleRate", sampleRate, MAX_SAMPLE_RATE);
  requireWhole("numChannels", numChannels, MAX_CHANNELS);
}

/** @internal @throws TypeError | RangeError */
export function assertAudio(audio: Int16Array, numChannels: number): void {
  if (!(audio instanceof Int16Array)) throw new TypeError(`audio must be an Int16Array, got ${typeof audio}`);
  if (audio.length % numChannels !== 0) {
    throw new RangeError(`audio must hold whole samples of ${numChannels} channels, got ${audio.length}`);
  }
  const max = (MAX_FRAME_BYTE_LENGTH - MAX_HEAD_BYTE_LENGTH) / 2;
  if (audio.length > max) throw new RangeError(`audio must have at most ${max} samples, got ${audio.length}`);
}

function requireWhole(name: string, value: number, max: number): void {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number, got ${typeof value}`);
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new RangeError(`${name} must be a whole number from 1 to ${max}, got ${value}`);
  }
}
