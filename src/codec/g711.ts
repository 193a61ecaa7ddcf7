// G.711 in plain TypeScript. A look-up is as fast in JS as in WebAssembly, and here no sample is copied into another
// memory and back; the codec need not even be loaded. The tables, 21 kB in all, are made at the first call.
//
// ITU-T G.711 codes uniform values of 14 bits (µ-law) and 13 bits (A-law): the upper bits of a 16-bit sample.
// Each segment is twice as wide as the one below it and has 16 steps.

interface Law {
  /** By the sample's upper bits, as an unsigned number. */
  readonly codes: Uint8Array;
  /** By code. */
  readonly samples: Int16Array;
}

/** Makes the first segment of µ-law begin like the others: 33 in 14 bits. */
const MU_BIAS = 132;
/** The largest magnitude that stays in the last segment with the bias added. */
const MU_CLIP = 32_635;
/** On the line, every other bit of an A-law code is inverted. */
const A_EVEN_BITS = 0x55;

/** The sample in the middle of a code's interval. */
function muLawSample(code: number): number {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + MU_BIAS) << ((bits >> 4) & 7)) - MU_BIAS;
  return bits < 128 ? magnitude : -magnitude;
}

function muLawCode(sample: number): number {
  const biased = Math.min(MU_CLIP, Math.abs(sample)) + MU_BIAS;
  const segment = 24 - Math.clz32(biased);
  return ~((sample < 0 ? 0x80 : 0) | (segment << 4) | ((biased >> (segment + 3)) & 0x0f)) & 0xff;
}

function aLawSample(code: number): number {
  const bits = code ^ A_EVEN_BITS;
  const segment = (bits >> 4) & 7;
  const step = ((bits & 0x0f) << 4) + 8;
  // The two lowest segments have steps of the same width.
  const magnitude = segment === 0 ? step : (step + 256) << (segment - 1);
  return bits < 128 ? -magnitude : magnitude;
}

function aLawCode(sample: number): number {
  // One's complement: −1 is as far below the middle as 0 is above it.
  const magnitude = sample < 0 ? ~sample : sample;
  const segment = Math.max(0, 24 - Math.clz32(magnitude));
  const step = (magnitude >> (Math.max(1, segment) + 3)) & 0x0f;
  return ((sample < 0 ? 0 : 0x80) | (segment << 4) | step) ^ A_EVEN_BITS;
}

/** Tabulates a law whose uniform values are the upper bits of a sample, `droppedBits` fewer than 16. */
function tabulate(droppedBits: number, code: (sample: number) => number, sample: (code: number) => number): Law {
  const half = 1 << (15 - droppedBits);
  const codes = new Uint8Array(2 * half);
  for (let value = -half; value < half; value++) codes[value & (2 * half - 1)] = code(value << droppedBits);
  return { codes, samples: Int16Array.from({ length: 256 }, (_, bits) => sample(bits)) };
}

let muLaw: Law | undefined;
let aLaw: Law | undefined;

/**
 * Encodes PCM16 as G.711 µ-law, the code of telephony in North America and Japan. Samples are taken by their upper 14
 * bits; what lies beyond the last segment is clipped.
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
  muLaw ??= tabulate(2, muLawCode, muLawSample);
  const { codes } = muLaw;
  for (let i = 0; i < samples.length; i++) result[i] = codes[(samples[i]! >> 2) & 0x3fff]!;
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
  muLaw ??= tabulate(2, muLawCode, muLawSample);
  const { samples } = muLaw;
  for (let i = 0; i < bytes.length; i++) result[i] = samples[bytes[i]!]!;
  return result;
}

/**
 * Encodes PCM16 as G.711 A-law, the code of telephony in most of the world, with every other bit inverted as on the
 * line. Samples are taken by their upper 13 bits.
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
  aLaw ??= tabulate(3, aLawCode, aLawSample);
  const { codes } = aLaw;
  for (let i = 0; i < samples.length; i++) result[i] = codes[(samples[i]! >> 3) & 0x1fff]!;
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
  aLaw ??= tabulate(3, aLawCode, aLawSample);
  const { samples } = aLaw;
  for (let i = 0; i < bytes.length; i++) result[i] = samples[bytes[i]!]!;
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
