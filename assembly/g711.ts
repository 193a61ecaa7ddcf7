// ITU-T G.711, µ-law and A-law, on PCM16. What becomes of the bits that G.711 does not have: src/codec/g711.ts.
//
// The width of a segment is a power of two. So a magnitude written as a float has its segment in the exponent and its step
// in the first four bits of the fraction, side by side as in the code; the way back is a product with a power of two.
// Vector loops are do-while so that V8 keeps their constants in registers. They read and write whole vectors: behind the
// last sample or code, up to 16 more are spoilt.

import { MESSAGE, OUT, PCM } from "./layout";

/** Makes the first segment of µ-law begin like the others: 33 in 14 bits. */
const MU_BIAS: i16 = 132;
/** The largest magnitude that stays in the last segment with the bias added. */
const MU_CLIP: i16 = 32635;
/** The bits of a sample that µ-law looks at. */
const MU_BITS: i16 = -4;
/** On the line, every other bit of an A-law code is inverted. */
const A_EVEN_BITS: i8 = 0x55;
/** 128.0 as a float without its lower 19 bits: segment 0, step 0. */
const FLOAT_128: i16 = (127 + 7) << 4;

/** OUT → MESSAGE: `count` samples as µ-law codes. */
export function encodeMuLaw(count: i32): void {
  let src = OUT;
  let dst = MESSAGE;
  const end = MESSAGE + <usize>max(count, 0);
  if (ASC_FEATURE_SIMD) {
    if (dst == end) return;
    do {
      const samples = v128.and(v128.load(src), i16x8.splat(MU_BITS));
      // −32768 has no positive counterpart; unsigned it is the largest of all and is clipped.
      const biased = i16x8.add(i16x8.min_u(i16x8.abs(samples), i16x8.splat(MU_CLIP)), i16x8.splat(MU_BIAS));
      const low = i32x4.shr_u(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(biased)), 19);
      const high = i32x4.shr_u(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(biased)), 19);
      const magnitudes = i16x8.sub(i16x8.narrow_i32x4_s(low, high), i16x8.splat(FLOAT_128));
      const signs = v128.and(i16x8.shr_s(samples, 15), i16x8.splat(0x80));
      const codes = v128.xor(v128.or(magnitudes, signs), i16x8.splat(0xff));
      v128.store64_lane(dst, i8x16.narrow_i16x8_u(codes, codes), 0);
      src += 16;
      dst += 8;
    } while (dst < end);
  } else {
    for (; dst < end; src += 2, dst++) {
      const sample = <i32>load<i16>(src) & MU_BITS;
      const biased = min<i32>(abs(sample), MU_CLIP) + MU_BIAS;
      const segment = 24 - clz(biased);
      store<u8>(dst, ~(((sample >> 15) & 0x80) | (segment << 4) | ((biased >> (segment + 3)) & 0x0f)));
    }
  }
}

/** MESSAGE → PCM: `count` µ-law codes as samples. */
export function decodeMuLaw(count: i32): void {
  let src = MESSAGE;
  let dst = PCM;
  const end = MESSAGE + <usize>max(count, 0);
  if (ASC_FEATURE_SIMD) {
    if (src == end) return;
    const powers = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
    do {
      const bits = v128.not(v128.load(src));
      const power = v128.swizzle(powers, v128.and(i16x8.shr_u(bits, 4), i8x16.splat(7)));
      const steps = i8x16.add(i16x8.shl(v128.and(bits, i8x16.splat(0x0f)), 3), i8x16.splat(<i8>MU_BIAS));
      const low = i16x8.sub(i16x8.extmul_low_i8x16_u(steps, power), i16x8.splat(MU_BIAS));
      const high = i16x8.sub(i16x8.extmul_high_i8x16_u(steps, power), i16x8.splat(MU_BIAS));
      const lowSigns = i16x8.shr_s(i16x8.extend_low_i8x16_s(bits), 15);
      const highSigns = i16x8.shr_s(i16x8.extend_high_i8x16_s(bits), 15);
      v128.store(dst, i16x8.sub(v128.xor(low, lowSigns), lowSigns));
      v128.store(dst, i16x8.sub(v128.xor(high, highSigns), highSigns), 16);
      src += 16;
      dst += 32;
    } while (src < end);
  } else {
    for (; src < end; src++, dst += 2) {
      const bits = ~(<i32>load<u8>(src));
      const magnitude = ((((bits & 0x0f) << 3) + MU_BIAS) << ((bits >> 4) & 7)) - MU_BIAS;
      store<i16>(dst, (bits & 0x80) == 0 ? magnitude : -magnitude);
    }
  }
}

/** OUT → MESSAGE: `count` samples as A-law codes. */
export function encodeALaw(count: i32): void {
  let src = OUT;
  let dst = MESSAGE;
  const end = MESSAGE + <usize>max(count, 0);
  if (ASC_FEATURE_SIMD) {
    if (dst == end) return;
    do {
      const samples = v128.load(src);
      const signs = i16x8.shr_s(samples, 15);
      // One's complement: −1 is as far below the middle as 0 is above it.
      const values = v128.xor(samples, signs);
      const low = i32x4.shr_u(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(values)), 19);
      const high = i32x4.shr_u(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(values)), 19);
      const upper = i16x8.sub(i16x8.narrow_i32x4_s(low, high), i16x8.splat(FLOAT_128));
      // The two lowest segments have steps of the same width.
      const magnitudes = v128.bitselect(i16x8.shr_u(values, 4), upper, i16x8.gt_s(i16x8.splat(256), values));
      const codes = v128.xor(v128.or(magnitudes, v128.andnot(i16x8.splat(0x80), signs)), i16x8.splat(A_EVEN_BITS));
      v128.store64_lane(dst, i8x16.narrow_i16x8_u(codes, codes), 0);
      src += 16;
      dst += 8;
    } while (dst < end);
  } else {
    for (; dst < end; src += 2, dst++) {
      const sample = <i32>load<i16>(src);
      const value = sample ^ (sample >> 15);
      const segment = max(0, 24 - clz(value));
      const step = (value >> (max(1, segment) + 3)) & 0x0f;
      store<u8>(dst, ((~sample >> 8) & 0x80) | (((segment << 4) | step) ^ A_EVEN_BITS));
    }
  }
}

/** MESSAGE → PCM: `count` A-law codes as samples. */
export function decodeALaw(count: i32): void {
  let src = MESSAGE;
  let dst = PCM;
  const end = MESSAGE + <usize>max(count, 0);
  if (ASC_FEATURE_SIMD) {
    if (src == end) return;
    const powers = i8x16(1, 1, 2, 4, 8, 16, 32, 64, 0, 0, 0, 0, 0, 0, 0, 0);
    const bases = i8x16(1, 33, 33, 33, 33, 33, 33, 33, 0, 0, 0, 0, 0, 0, 0, 0);
    do {
      const bits = v128.xor(v128.load(src), i8x16.splat(A_EVEN_BITS));
      const segments = v128.and(i16x8.shr_u(bits, 4), i8x16.splat(7));
      const power = v128.swizzle(powers, segments);
      const steps = i8x16.add(i16x8.shl(v128.and(bits, i8x16.splat(0x0f)), 1), v128.swizzle(bases, segments));
      const low = i16x8.shl(i16x8.extmul_low_i8x16_u(steps, power), 3);
      const high = i16x8.shl(i16x8.extmul_high_i8x16_u(steps, power), 3);
      // Positive samples have the sign bit.
      const lowSigns = i16x8.shr_s(v128.not(i16x8.extend_low_i8x16_s(bits)), 15);
      const highSigns = i16x8.shr_s(v128.not(i16x8.extend_high_i8x16_s(bits)), 15);
      v128.store(dst, i16x8.sub(v128.xor(low, lowSigns), lowSigns));
      v128.store(dst, i16x8.sub(v128.xor(high, highSigns), highSigns), 16);
      src += 16;
      dst += 32;
    } while (src < end);
  } else {
    for (; src < end; src++, dst += 2) {
      const bits = <i32>load<u8>(src) ^ A_EVEN_BITS;
      const segment = (bits >> 4) & 7;
      const step = ((bits & 0x0f) << 4) + 8;
      const magnitude = segment == 0 ? step : (step + 256) << (segment - 1);
      store<i16>(dst, (bits & 0x80) == 0 ? -magnitude : magnitude);
    }
  }
}
