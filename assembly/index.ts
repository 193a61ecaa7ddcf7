// The ABI: every export of the codec's WebAssembly module. The host is src/codec/core.ts.

import { decode, decodeStop, encode } from "./base64";
import { decodeALaw, decodeMuLaw, encodeALaw, encodeMuLaw } from "./g711";
import {
  MESSAGE,
  MESSAGE_CAPACITY,
  OUT,
  OUT_CAPACITY,
  PCM,
  PCM_CAPACITY,
  PREFIX,
  PREFIX_CAPACITY,
  RESULT,
} from "./layout";
import { readMedia, readPayload, writeMedia } from "./media-message";
import { mixToMono } from "./pcm16";
import { close, open, process, reset } from "./resampler";
import { design } from "./tap-table";

/** Which variant this is. */
export function simd(): bool {
  return ASC_FEATURE_SIMD;
}

// Where the host puts and finds things; see layout.ts.
export function resultAddress(): usize {
  return RESULT;
}
export function prefixAddress(): usize {
  return PREFIX;
}
export function prefixCapacity(): i32 {
  return PREFIX_CAPACITY;
}
export function pcmAddress(): usize {
  return PCM;
}
export function pcmCapacity(): i32 {
  return PCM_CAPACITY;
}
export function messageAddress(): usize {
  return MESSAGE;
}
export function messageCapacity(): i32 {
  return MESSAGE_CAPACITY;
}
export function outAddress(): usize {
  return OUT;
}
export function outCapacity(): i32 {
  return OUT_CAPACITY;
}

// The tap table of a ratio; its address, or 0 without memory.
// Resamplers: open → handle or 0; the others answer false or −1 for a stale handle.
export { close, design, open, reset };

/** PCM → OUT: `frames` sample frames of `channels`, mixed to mono and resampled; the sample count, or −1. */
export function convert(handle: u32, frames: i32, channels: i32): i32 {
  if (channels > 1) mixToMono(PCM, frames, channels);
  if (handle != 0) return process(handle, PCM, frames, OUT);
  memory.copy(OUT, PCM, (<usize>frames) << 1);
  return frames;
}

// Media messages: see media-message.ts.
// G.711. What decoding leaves in PCM, `convert` takes; what `convert` leaves in OUT, encoding takes.
export { decodeALaw, decodeMuLaw, encodeALaw, encodeMuLaw, readMedia, readPayload, writeMedia };

/** PCM (bytes) → OUT (text); the length of the text. */
export function encodeBase64(byteLength: i32): i32 {
  return <i32>(encode(PCM, byteLength, OUT) - OUT);
}

/** MESSAGE (text) → PCM (bytes); the number of bytes, or −1 when it is not strict base64 from end to end. */
export function decodeBase64(length: i32): i32 {
  const end = MESSAGE + <usize>length;
  const byteLength = decode(MESSAGE, end, PCM);
  return decodeStop() == end ? byteLength : -1;
}
