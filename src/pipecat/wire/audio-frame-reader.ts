import { type AudioFrame, type MalformedFrame, toAudioFrame } from "./audio-frame.ts";
import type { Slab } from "./slab.ts";
import { readVarint, skipVarint, varintByteLength } from "./varint.ts";

// Tags of frames.proto: the field's number and how its value is written.
const FRAME_AUDIO = 0x12;
const ID = 0x08;
const NAME = 0x12;
const AUDIO = 0x1a;
const SAMPLE_RATE = 0x20;
const NUM_CHANNELS = 0x28;
const PTS = 0x30;

/**
 * Reads a frame that is one AudioRawFrame and nothing else, its fields in any order, as every protobuf library writes it.
 *
 * @returns undefined for all others, whether good or not: a field it does not know, a number in a longer form than it
 *   needs, a name outside of ASCII, a length that leads too far
 * @internal
 */
export function scanAudioFrame(bytes: Uint8Array, slab: Slab): AudioFrame | MalformedFrame | undefined {
  if (bytes.length < 2 || bytes[0] !== FRAME_AUDIO) return undefined;
  const end = bytes.length;
  const length = readVarint(bytes, 1);
  let at = 1 + varintByteLength(length);
  if (at + length !== end) return undefined;

  let sampleRate = 0;
  let numChannels = 0;
  let audioStart = 0;
  let audioEnd = 0;
  while (at < end) {
    const tag = bytes[at] as number;
    at++;
    if (tag === ID || tag === PTS) {
      at = skipVarint(bytes, at);
      if (at < 0) return undefined;
      continue;
    }
    const value = readVarint(bytes, at);
    if (value < 0) return undefined;
    at += varintByteLength(value);
    if (tag === SAMPLE_RATE) sampleRate = value;
    else if (tag === NUM_CHANNELS) numChannels = value;
    else if (tag === AUDIO) {
      audioStart = at;
      at += value;
      audioEnd = at;
      if (at > end) return undefined;
    } else if (tag === NAME) {
      const nameStart = at;
      at += value;
      if (at > end || !isAscii(bytes, nameStart, at)) return undefined;
    } else return undefined;
  }
  return toAudioFrame(bytes, audioStart, audioEnd, sampleRate, numChannels, slab);
}

/** A string must be UTF-8, which ASCII is without a closer look. */
function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if ((bytes[i] as number) > 0x7f) return false;
  }
  return true;
}
