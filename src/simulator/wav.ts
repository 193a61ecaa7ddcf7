import { readFileSync, statSync } from "node:fs";
import { SimulatorError } from "./errors.ts";

/** A recording, mixed to mono. */
export interface WavRecording {
  /** PCM16. */
  samples: Int16Array;
  /** In Hz. */
  sampleRate: number;
}

/** Largest WAV that is read, in bytes. */
export const MAX_WAV_BYTES = 256 * 1024 * 1024;

const PCM_FORMAT = 1;
const FLOAT_FORMAT = 3;
const EXTENSIBLE_FORMAT = 0xfffe;

type Sample = (view: DataView, at: number) => number;

// Each gives the value in units of PCM16. WAV keeps 8 bits unsigned, everything else signed.
const sampleReaders: Record<string, Sample> = {
  [`${PCM_FORMAT}/8`]: (view, at) => (view.getUint8(at) - 128) * 256,
  [`${PCM_FORMAT}/16`]: (view, at) => view.getInt16(at, true),
  [`${PCM_FORMAT}/24`]: (view, at) => view.getInt16(at + 1, true) + view.getUint8(at) / 256,
  [`${PCM_FORMAT}/32`]: (view, at) => view.getInt32(at, true) / 65_536,
  [`${FLOAT_FORMAT}/32`]: (view, at) => view.getFloat32(at, true) * 32_768,
};

/**
 * Reads a WAV: PCM of 8, 16, 24 or 32 bits or 32-bit float, 1 to 32 channels (mixed to mono), 1 to 384 kHz.
 *
 * @throws SimulatorError `WAV_MALFORMED` (what is broken is in the message), `WAV_UNSUPPORTED` for another format,
 * `WAV_TOO_LARGE` above 256 MiB.
 *
 * @example
 * const { samples, sampleRate } = parseWav(writeWav(new Int16Array(480), 24000));
 */
export function parseWav(bytes: Uint8Array): WavRecording {
  refuseLarge(bytes.byteLength);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 12 || tag(view, 0) !== "RIFF" || tag(view, 8) !== "WAVE")
    throw malformed("no RIFF/WAVE header");
  let format: { format: number; bits: number; channels: number; sampleRate: number } | null = null;
  for (let at = 12; at + 8 <= bytes.byteLength; ) {
    const name = tag(view, at);
    const start = at + 8;
    const length = view.getUint32(at + 4, true);
    const rest = bytes.byteLength - start;
    if (name === "data") {
      if (format === null) throw malformed("data comes before fmt");
      // A program that writes into a pipe cannot know the length: it leaves 0 or the largest there is.
      const streamed = length >= 0x7fff_f000 || (length === 0 && rest > 0);
      if (!streamed && length > rest) throw malformed(`data ends after ${rest} of ${length} bytes`);
      return { samples: mixToMono(view, start, streamed ? rest : length, format), sampleRate: format.sampleRate };
    }
    if (length > rest) throw malformed(`chunk ends after ${rest} of ${length} bytes`);
    if (name === "fmt ") format = parseFormat(view, start, length);
    at = start + length + (length % 2);
  }
  throw malformed(format === null ? "no fmt chunk" : "no data chunk");
}

/**
 * Reads a WAV file, see {@link parseWav}. Errors of the file system are thrown as they come.
 *
 * @example
 * const { samples, sampleRate } = readWavFile("hello.wav");
 */
export function readWavFile(path: string | URL): WavRecording {
  refuseLarge(statSync(path).size);
  return parseWav(readFileSync(path));
}

/**
 * Writes PCM16 as WAV; several channels of one length are interleaved.
 *
 * @param channels One channel, or 1 to 32 of them.
 * @param sampleRate In Hz, 1000 to 384000.
 * @throws RangeError for channels of different lengths, for too many, and for another rate.
 *
 * @example
 * writeFileSync("call.wav", writeWav([recording.said, recording.heard], recording.sampleRate));
 */
export function writeWav(channels: Int16Array | readonly Int16Array[], sampleRate: number): Uint8Array {
  const tracks = channels instanceof Int16Array ? [channels] : channels;
  if (tracks.length < 1 || tracks.length > 32) throw new RangeError(`channels must be 1 to 32, not ${tracks.length}`);
  if (!Number.isInteger(sampleRate) || sampleRate < 1000 || sampleRate > 384_000) {
    throw new RangeError(`sampleRate must be an integer from 1000 to 384000 Hz, not ${sampleRate}`);
  }
  const sampleCount = tracks[0]!.length;
  if (tracks.some(({ length }) => length !== sampleCount)) throw new RangeError("channels must be of one length");
  const blockBytes = tracks.length * 2;
  const bytes = new Uint8Array(44 + sampleCount * blockBytes);
  const view = new DataView(bytes.buffer);
  writeTag(bytes, 0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  writeTag(bytes, 8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM_FORMAT, true);
  view.setUint16(22, tracks.length, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * blockBytes, true);
  view.setUint16(32, blockBytes, true);
  view.setUint16(34, 16, true);
  writeTag(bytes, 36, "data");
  view.setUint32(40, sampleCount * blockBytes, true);
  for (const [track, samples] of tracks.entries()) {
    for (let at = 0; at < sampleCount; at++) view.setInt16(44 + at * blockBytes + track * 2, samples[at]!, true);
  }
  return bytes;
}

function parseFormat(view: DataView, at: number, length: number) {
  if (length < 16) throw malformed(`fmt has ${length} bytes, not 16`);
  const tagged = view.getUint16(at, true);
  const bits = view.getUint16(at + 14, true);
  // The extensible header keeps the real format in the first two bytes of its sub-format.
  const format = tagged === EXTENSIBLE_FORMAT && length >= 26 ? view.getUint16(at + 24, true) : tagged;
  const channels = view.getUint16(at + 2, true);
  const sampleRate = view.getUint32(at + 4, true);
  if (sampleReaders[`${format}/${bits}`] === undefined) {
    throw new SimulatorError("WAV_UNSUPPORTED", `WAV format ${format} of ${bits} bits is not supported`);
  }
  if (channels < 1 || channels > 32) throw malformed(`${channels} channels`);
  if (sampleRate < 1000 || sampleRate > 384_000) throw malformed(`${sampleRate} Hz`);
  return { format, bits, channels, sampleRate };
}

function mixToMono(
  view: DataView,
  start: number,
  byteLength: number,
  { format, bits, channels }: { format: number; bits: number; channels: number },
): Int16Array {
  const read = sampleReaders[`${format}/${bits}`]!;
  const sampleBytes = bits / 8;
  const blockBytes = sampleBytes * channels;
  if (byteLength % blockBytes !== 0) throw malformed(`data of ${byteLength} bytes is not a multiple of ${blockBytes}`);
  const samples = new Int16Array(byteLength / blockBytes);
  for (let at = 0; at < samples.length; at++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++)
      sum += read(view, start + at * blockBytes + channel * sampleBytes);
    // A float that is not a number becomes silence.
    samples[at] = Math.max(-32_768, Math.min(32_767, Math.round(sum / channels) || 0));
  }
  return samples;
}

function tag(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));
}

function writeTag(bytes: Uint8Array, at: number, text: string): void {
  for (let index = 0; index < text.length; index++) bytes[at + index] = text.charCodeAt(index);
}

function refuseLarge(byteLength: number): void {
  if (byteLength > MAX_WAV_BYTES) {
    throw new SimulatorError("WAV_TOO_LARGE", `a WAV must be at most ${MAX_WAV_BYTES} bytes, not ${byteLength}`);
  }
}

function malformed(what: string): SimulatorError {
  return new SimulatorError("WAV_MALFORMED", `not a valid WAV: ${what}`);
}
