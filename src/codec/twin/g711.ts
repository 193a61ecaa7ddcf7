// G.711 by look-up, with the bits that assembly/g711.ts computes.

export interface Law {
  /** How many lower bits of a sample the code does not depend on. */
  readonly droppedBits: number;
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
  return { droppedBits, codes, samples: Int16Array.from({ length: 256 }, (_, bits) => sample(bits)) };
}

let mu: Law | undefined;
let a: Law | undefined;

/** The tables of µ-law, 17 kB, made at the first call. */
export function muLaw(): Law {
  mu ??= tabulate(2, muLawCode, muLawSample);
  return mu;
}

/** The tables of A-law, 9 kB, made at the first call. */
export function aLaw(): Law {
  a ??= tabulate(3, aLawCode, aLawSample);
  return a;
}

/** Encodes `count` samples from index `from` on into `bytes` from index `to` on. */
export function encode(
  law: Law,
  samples: Int16Array,
  from: number,
  bytes: Uint8Array,
  to: number,
  count: number,
): void {
  const { codes, droppedBits } = law;
  const mask = codes.length - 1;
  for (let i = 0; i < count; i++) bytes[to + i] = codes[(samples[from + i]! >> droppedBits) & mask]!;
}

/** Decodes `count` codes from index `from` on into `samples` from index `to` on. */
export function decode(
  law: Law,
  bytes: Uint8Array,
  from: number,
  samples: Int16Array,
  to: number,
  count: number,
): void {
  const table = law.samples;
  for (let i = 0; i < count; i++) samples[to + i] = table[bytes[from + i]!]!;
}
