// Base64 (RFC 4648 §4), strict: only the alphabet, padding where it belongs, no stray bits in the last character.
//
// The vector kernels follow the published method of Muła and Lemire ("Faster Base64 Encoding and Decoding Using AVX2
// Instructions", 2018): 12 bytes ⇄ 16 characters at a time, ranges told apart by a table look-up. They load and store
// whole vectors, so source and destination need 16 spare bytes behind them. Their loops are do-while with all the work
// in front of any exit: only then does V8 load the constants once, before the loop, and that is twice as fast.

import { PAIRS, SEXTETS } from "./layout";

const PAD: i32 = 61;
const INVALID: i32 = -1;

/** The character of six bits. */
function character(bits: i32): i32 {
  if (bits < 26) return bits + 65;
  if (bits < 52) return bits + 71;
  if (bits < 62) return bits - 4;
  return bits == 62 ? 43 : 47;
}

// For what is left over, and for all of it where there is no SIMD; filled by the module's start function.
memory.fill(SEXTETS, 0xff, 256);
for (let bits = 0; bits < 64; bits++) store<u8>(SEXTETS + <usize>character(bits), <u8>bits);
for (let bits = 0; bits < 4096; bits++) {
  store<u16>(PAIRS + ((<usize>bits) << 1), <u16>(character(bits >> 6) | (character(bits & 63) << 8)));
}

/** Six bits of one character, −1 outside the alphabet. */
function sextet(c: i32): i32 {
  return <i32>load<i8>(SEXTETS + <usize>c);
}

/** Two characters of twelve bits, the first in the low byte. */
function pair(bits: u32): u16 {
  return load<u16>(PAIRS + ((<usize>bits) << 1));
}

/** Encodes `length` bytes; the end of the text. */
export function encode(src: usize, length: i32, dst: usize): usize {
  const end = src + <usize>length;
  if (ASC_FEATURE_SIMD) {
    // 'a'−26, '0'−52 (ten times), '+'−62, '/'−63, 'A'
    const offsets = i8x16(71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65, 0, 0);
    if (src + 12 <= end) {
      do {
        // 1. two lanes of 16 bits for three bytes: b0·256 + b1, b1·256 + b2
        const lanes = v128.swizzle(v128.load(src), i8x16(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
        // 2. two 6-bit values of each, side by side: bits 10–15 and 4–9 of the first, bits 6–11 and 0–5 of the second
        const values = v128.or(
          v128.or(
            v128.and(i32x4.shr_u(lanes, 10), i32x4.splat(0x3f)),
            v128.and(i32x4.shr_u(lanes, 6), i32x4.splat(0x3f0000)),
          ),
          v128.and(i16x8.mul(lanes, i32x4.splat(0x01000010)), i16x8.splat(0x3f00)),
        );
        // 3. range number 13 for A–Z, 0 for a–z, 1–10 for digits, 11 and 12; then value + offset of the range
        const range = v128.or(
          i8x16.sub_sat_u(values, i8x16.splat(51)),
          v128.and(i8x16.gt_s(i8x16.splat(26), values), i8x16.splat(13)),
        );
        v128.store(dst, i8x16.add(values, v128.swizzle(offsets, range)));
        src += 12;
        dst += 16;
      } while (src + 12 <= end);
    }
  }
  for (; src + 3 <= end; src += 3, dst += 4) {
    const bits = ((<u32>load<u8>(src)) << 16) | ((<u32>load<u8>(src, 1)) << 8) | <u32>load<u8>(src, 2);
    store<u16>(dst, pair(bits >> 12));
    store<u16>(dst, pair(bits & 0xfff), 2);
  }
  if (src == end) return dst;
  const two = src + 2 == end;
  const bits = ((<u32>load<u8>(src)) << 16) | (two ? (<u32>load<u8>(src, 1)) << 8 : 0);
  store<u16>(dst, pair(bits >> 12));
  store<u8>(dst, two ? <u8>pair(bits & 0xfff) : PAD, 2);
  store<u8>(dst, PAD, 3);
  return dst + 4;
}

let stop: usize = 0;

/** Where the last {@link decode} stopped: `end`, or the first character that is not base64. */
export function decodeStop(): usize {
  return stop;
}

/** Decodes the text at `src` as far as it is base64; the byte count, or −1 when the text is cut short or not strict. */
export function decode(src: usize, end: usize, dst: usize): i32 {
  const start = dst;
  if (ASC_FEATURE_SIMD) {
    // A character is outside the alphabet when the rows of its two nibbles have a bit in common.
    const lowRows = i32x4(0x11111115, 0x11111111, 0x1a131111, 0x1a1b1b1b);
    const highRows = i32x4(0x02011010, 0x08040804, 0x10101010, 0x10101010);
    // By high nibble; '/' shares its nibble with '+' and is moved one place down.
    const offsets = i8x16(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
    if (src + 16 <= end) {
      do {
        const text = v128.load(src);
        // 1. check
        const high = v128.and(i16x8.shr_u(text, 4), i8x16.splat(0x0f));
        const low = v128.and(text, i8x16.splat(0x0f));
        const bad = v128.and(v128.swizzle(lowRows, low), v128.swizzle(highRows, high));
        // 2. characters to 6-bit values
        const slash = i8x16.eq(text, i8x16.splat(47));
        const values = i8x16.add(text, v128.swizzle(offsets, i8x16.add(slash, high)));
        // 3. two values to 12 bits, then two of those to 24
        const pairs = v128.or(i16x8.shl(v128.and(values, i16x8.splat(0x00ff)), 6), i16x8.shr_u(values, 8));
        const triples = i32x4.dot_i16x8_s(pairs, i32x4.splat(0x00011000));
        // 4. big-endian triples side by side
        v128.store(dst, v128.swizzle(triples, i8x16(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1)));
        if (v128.any_true(bad)) break;
        src += 16;
        dst += 12;
      } while (src + 16 <= end);
    }
  }
  for (; src + 4 <= end; src += 4, dst += 3) {
    const a = sextet(load<u8>(src));
    const b = sextet(load<u8>(src, 1));
    const c = sextet(load<u8>(src, 2));
    const d = sextet(load<u8>(src, 3));
    if ((a | b | c | d) < 0) break;
    const bits = (a << 18) | (b << 12) | (c << 6) | d;
    store<u8>(dst, <u8>(bits >> 16));
    store<u8>(dst, <u8>(bits >> 8), 1);
    store<u8>(dst, <u8>bits, 2);
  }
  stop = src;
  // Either the text ends here, or its last four characters are padded.
  if (src == end || sextet(load<u8>(src)) < 0) return <i32>(dst - start);
  if (src + 4 > end) return INVALID;
  const a = sextet(load<u8>(src));
  const b = sextet(load<u8>(src, 1));
  const third = <i32>load<u8>(src, 2);
  if (b < 0 || <i32>load<u8>(src, 3) != PAD) return INVALID;
  stop = src + 4;
  store<u8>(dst, <u8>((a << 2) | (b >> 4)));
  if (third == PAD) return (b & 15) == 0 ? <i32>(dst - start) + 1 : INVALID;
  const c = sextet(third);
  if (c < 0 || (c & 3) != 0) return INVALID;
  store<u8>(dst, <u8>((b << 4) | (c >> 2)), 1);
  return <i32>(dst - start) + 2;
}
