// G.711 in two ways with the same bits: in the codec (assembly/g711.ts), and as look-ups (twin/g711.ts) for programs that
// have no codec loaded. With SIMD the codec is the faster one, copies included: a packet of 160 samples takes it 0.15 µs
// where the look-up takes 0.4, and 1,600 samples 0.5 where it takes 4.
//
// ITU-T G.711 (11/88) codes uniform values of 14 bits (µ-law) and 13 bits (A-law): the upper bits of a 16-bit sample. The
// bits below are dropped, which takes a sample down to the next such value. The recommendation leaves open to which
// interval a value belongs that is itself a decision value. Here, as in Python's audioop, µ-law takes the interval farther
// from zero, so that x and −x differ in the sign bit alone. A-law has no 0 and is symmetric about −½: x and −1 − x differ
// in the sign bit alone, and a positive decision value begins the interval above it. ITU's software tools (G.191) do the
// same, but for 127 values in µ-law: the negative decision values, which they put into the interval nearer to zero.

import type { Core } from "./core.ts";
import type { CoreOwner } from "./slot.ts";
import { aLaw, decode, encode, muLaw } from "./twin/g711.ts";

/**
 * Encodes PCM16 as G.711 µ-law, the code of telephony in North America and Japan. Samples are taken by their upper 14
 * bits, rounded down; what lies beyond the last segment is clipped. {@link Codec.encodeMuLaw} gives the same, faster.
 *
 * @param samples linear, at any rate (G.711 itself is 8000 Hz)
 * @param output where the codes go, one byte a sample; made anew when left out
 * @returns the bytes written, in `output` itself or a view of it
 * @throws TypeError for other arrays, RangeError when `output` is too short; nothing is written then
 *
 * @example
 * import { encodeMuLaw } from "pipecat-wavix/codec";
 * console.log(encodeMuLaw(Int16Array.of(0, 8, -32768))); // Uint8Array [255, 254, 0]
 */
export function encodeMuLaw(samples: Int16Array, output?: Uint8Array): Uint8Array {
  const result = bytesFor(samples, output);
  encode(muLaw(), samples, 0, result, 0, samples.length);
  return result;
}

/**
 * Decodes G.711 µ-law to PCM16, −32124 to 32124. Every byte is a code.
 *
 * @param output where the samples go; made anew when left out
 * @returns the samples written, in `output` itself or a view of it
 * @throws TypeError for other arrays, RangeError when `output` is too short; nothing is written then
 *
 * @example
 * import { decodeMuLaw } from "pipecat-wavix/codec";
 * console.log(decodeMuLaw(Uint8Array.of(255, 254, 0))); // Int16Array [0, 8, -32124]
 */
export function decodeMuLaw(bytes: Uint8Array, output?: Int16Array): Int16Array {
  const result = samplesFor(bytes, output);
  decode(muLaw(), bytes, 0, result, 0, bytes.length);
  return result;
}

/**
 * Encodes PCM16 as G.711 A-law, the code of telephony in most of the world, with every other bit inverted as on the
 * line. Samples are taken by their upper 13 bits, rounded down. {@link Codec.encodeALaw} gives the same, faster.
 *
 * @param samples linear, at any rate (G.711 itself is 8000 Hz)
 * @param output where the codes go, one byte a sample; made anew when left out
 * @returns the bytes written, in `output` itself or a view of it
 * @throws TypeError for other arrays, RangeError when `output` is too short; nothing is written then
 *
 * @example
 * import { encodeALaw } from "pipecat-wavix/codec";
 * console.log(encodeALaw(Int16Array.of(0, -1, 32767))); // Uint8Array [213, 85, 170]
 */
export function encodeALaw(samples: Int16Array, output?: Uint8Array): Uint8Array {
  const result = bytesFor(samples, output);
  encode(aLaw(), samples, 0, result, 0, samples.length);
  return result;
}

/**
 * Decodes G.711 A-law to PCM16, −32256 to 32256. Every byte is a code; none means 0, the smallest are ±8.
 *
 * @param output where the samples go; made anew when left out
 * @returns the samples written, in `output` itself or a view of it
 * @throws TypeError for other arrays, RangeError when `output` is too short; nothing is written then
 *
 * @example
 * import { decodeALaw } from "pipecat-wavix/codec";
 * console.log(decodeALaw(Uint8Array.of(213, 85, 170))); // Int16Array [8, -8, 32256]
 */
export function decodeALaw(bytes: Uint8Array, output?: Int16Array): Int16Array {
  const result = samplesFor(bytes, output);
  decode(aLaw(), bytes, 0, result, 0, bytes.length);
  return result;
}

type Encoder = "encodeMuLaw" | "encodeALaw";
type Decoder = "decodeMuLaw" | "decodeALaw";

function run(core: Core, kernel: Encoder | Decoder, count: number): void {
  try {
    core.exports[kernel](count);
  } catch (cause) {
    throw core.trapped(cause);
  }
}

/** @internal Encodes in the codec. */
export function encodeWith(owner: CoreOwner, kernel: Encoder, samples: Int16Array, output?: Uint8Array): Uint8Array {
  const result = bytesFor(samples, output);
  for (let start = 0; start < samples.length; ) {
    const { core } = owner;
    const count = Math.min(core.pcmCapacity, samples.length - start);
    core.out.set(count === samples.length ? samples : samples.subarray(start, start + count));
    run(core, kernel, count);
    result.set(core.messageBytes(count), start);
    start += count;
  }
  return result;
}

/** @internal Decodes in the codec. */
export function decodeWith(owner: CoreOwner, kernel: Decoder, bytes: Uint8Array, output?: Int16Array): Int16Array {
  const result = samplesFor(bytes, output);
  for (let start = 0; start < bytes.length; ) {
    const { core } = owner;
    const count = Math.min(core.pcmCapacity, bytes.length - start);
    core.message.set(count === bytes.length ? bytes : bytes.subarray(start, start + count));
    run(core, kernel, count);
    result.set(core.input(count), start);
    start += count;
  }
  return result;
}

function bytesFor(samples: Int16Array, output: Uint8Array | undefined): Uint8Array {
  if (!(samples instanceof Int16Array)) throw new TypeError(`samples must be an Int16Array, got ${typeof samples}`);
  if (output === undefined) return new Uint8Array(samples.length);
  if (!(output instanceof Uint8Array)) throw new TypeError(`output must be a Uint8Array, got ${typeof output}`);
  assertRoom(output.length, samples.length);
  return output.length === samples.length ? output : output.subarray(0, samples.length);
}

function samplesFor(bytes: Uint8Array, output: Int16Array | undefined): Int16Array {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`bytes must be a Uint8Array, got ${typeof bytes}`);
  if (output === undefined) return new Int16Array(bytes.length);
  if (!(output instanceof Int16Array)) throw new TypeError(`output must be an Int16Array, got ${typeof output}`);
  assertRoom(output.length, bytes.length);
  return output.length === bytes.length ? output : output.subarray(0, bytes.length);
}

function assertRoom(room: number, needed: number): void {
  if (room < needed) throw new RangeError(`output must hold ${needed}, got room for ${room}`);
}
