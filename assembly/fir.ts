// Inner products of int16 samples with int16 taps.
//
// 1. Fine taps run over the whole phase, coarse taps over its centre.
// 2. A coarse sum fits int32 (the designer sees to it). A fine sum fits int32 lane by lane; across lanes it is int64.
// 3. output = (coarse · 2^(fineBits−14) + fine + ½) / 2^fineBits, saturated: exact until this one rounding, so the
//    order of the sums does not matter and the scalar kernel gives the same bits.
//
// Outputs `interpolation` apart share their phase: fir4 makes four of them with each tap loaded once. Before and behind
// the centre it takes two vectors in a turn; in the centre each sample that is loaded meets both its taps.

const COARSE_BITS: i32 = 14;

function saturate(coarse: i32, fine: i64, fineBits: i32): i32 {
  const exact = ((<i64>coarse) << (fineBits - COARSE_BITS)) + fine;
  const rounded = <i32>((exact + ((<i64>1) << (fineBits - 1))) >> fineBits);
  return max(min(rounded, 32767), -32768);
}

/** One output: `x` is the oldest sample of the phase, `row` its taps. */
export function fir1(
  x: usize,
  row: usize,
  tapCount: usize,
  coarseStart: usize,
  coarseCount: usize,
  fineBits: i32,
): i32 {
  const centre = row + (coarseStart << 1);
  const centreEnd = centre + (coarseCount << 1);
  const fineEnd = row + (tapCount << 1);
  let coarseRow = fineEnd;
  if (ASC_FEATURE_SIMD) {
    // Two sums side by side: one would wait for itself at every step.
    let fine = i32x4.splat(0);
    let fine1 = i32x4.splat(0);
    let coarse = i32x4.splat(0);
    for (let stop = centre; ; stop = fineEnd) {
      for (; row < stop; row += 32, x += 32) {
        fine = i32x4.add(fine, i32x4.dot_i16x8_s(v128.load(x), v128.load(row)));
        fine1 = i32x4.add(fine1, i32x4.dot_i16x8_s(v128.load(x, 16), v128.load(row, 16)));
      }
      if (stop == fineEnd) break;
      for (; row < centreEnd; row += 16, x += 16, coarseRow += 16) {
        const samples = v128.load(x);
        fine = i32x4.add(fine, i32x4.dot_i16x8_s(samples, v128.load(row)));
        coarse = i32x4.add(coarse, i32x4.dot_i16x8_s(samples, v128.load(coarseRow)));
      }
    }
    fine = i32x4.add(fine, fine1);
    const pairs = i64x2.add(i64x2.extend_low_i32x4_s(fine), i64x2.extend_high_i32x4_s(fine));
    return saturate(
      i32x4.extract_lane(coarse, 0) +
        i32x4.extract_lane(coarse, 1) +
        i32x4.extract_lane(coarse, 2) +
        i32x4.extract_lane(coarse, 3),
      i64x2.extract_lane(pairs, 0) + i64x2.extract_lane(pairs, 1),
      fineBits,
    );
  } else {
    const middle = x + (coarseStart << 1);
    let fine: i64 = 0;
    for (; row < fineEnd; row += 4, x += 4) {
      fine += <i64>(<i32>load<i16>(x) * <i32>load<i16>(row)) + <i64>(<i32>load<i16>(x, 2) * <i32>load<i16>(row, 2));
    }
    let coarse: i32 = 0;
    x = middle;
    for (const end = row + (coarseCount << 1); row < end; row += 2, x += 2) {
      coarse += <i32>load<i16>(x) * <i32>load<i16>(row);
    }
    return saturate(coarse, fine, fineBits);
  }
}

/** Four outputs of one phase: their samples are `xStep` bytes apart, their places in the output `outStep` bytes. */
export function fir4(
  x: usize,
  xStep: usize,
  row: usize,
  tapCount: usize,
  coarseStart: usize,
  coarseCount: usize,
  fineBits: i32,
  out: usize,
  outStep: usize,
): void {
  if (ASC_FEATURE_SIMD) {
    const centre = row + (coarseStart << 1);
    const centreEnd = centre + (coarseCount << 1);
    const fineEnd = row + (tapCount << 1);
    let coarseRow = fineEnd;
    let x1 = x + xStep;
    let x2 = x1 + xStep;
    let x3 = x2 + xStep;
    let fine0 = i32x4.splat(0);
    let fine1 = i32x4.splat(0);
    let fine2 = i32x4.splat(0);
    let fine3 = i32x4.splat(0);
    let coarse0 = i32x4.splat(0);
    let coarse1 = i32x4.splat(0);
    let coarse2 = i32x4.splat(0);
    let coarse3 = i32x4.splat(0);
    let taps: v128;
    // Up to the centre, through it, and from there to the end.
    for (let stop = centre; ; stop = fineEnd) {
      for (; row < stop; row += 32) {
        taps = v128.load(row);
        fine0 = i32x4.add(fine0, i32x4.dot_i16x8_s(v128.load(x), taps));
        fine1 = i32x4.add(fine1, i32x4.dot_i16x8_s(v128.load(x1), taps));
        fine2 = i32x4.add(fine2, i32x4.dot_i16x8_s(v128.load(x2), taps));
        fine3 = i32x4.add(fine3, i32x4.dot_i16x8_s(v128.load(x3), taps));
        taps = v128.load(row, 16);
        fine0 = i32x4.add(fine0, i32x4.dot_i16x8_s(v128.load(x, 16), taps));
        fine1 = i32x4.add(fine1, i32x4.dot_i16x8_s(v128.load(x1, 16), taps));
        fine2 = i32x4.add(fine2, i32x4.dot_i16x8_s(v128.load(x2, 16), taps));
        fine3 = i32x4.add(fine3, i32x4.dot_i16x8_s(v128.load(x3, 16), taps));
        x += 32;
        x1 += 32;
        x2 += 32;
        x3 += 32;
      }
      if (stop == fineEnd) break;
      for (; row < centreEnd; row += 16, coarseRow += 16) {
        taps = v128.load(row);
        const coarseTaps = v128.load(coarseRow);
        const samples0 = v128.load(x);
        fine0 = i32x4.add(fine0, i32x4.dot_i16x8_s(samples0, taps));
        coarse0 = i32x4.add(coarse0, i32x4.dot_i16x8_s(samples0, coarseTaps));
        x += 16;
        const samples1 = v128.load(x1);
        fine1 = i32x4.add(fine1, i32x4.dot_i16x8_s(samples1, taps));
        coarse1 = i32x4.add(coarse1, i32x4.dot_i16x8_s(samples1, coarseTaps));
        x1 += 16;
        const samples2 = v128.load(x2);
        fine2 = i32x4.add(fine2, i32x4.dot_i16x8_s(samples2, taps));
        coarse2 = i32x4.add(coarse2, i32x4.dot_i16x8_s(samples2, coarseTaps));
        x2 += 16;
        const samples3 = v128.load(x3);
        fine3 = i32x4.add(fine3, i32x4.dot_i16x8_s(samples3, taps));
        coarse3 = i32x4.add(coarse3, i32x4.dot_i16x8_s(samples3, coarseTaps));
        x3 += 16;
      }
    }

    // Lanes to sums, four outputs at a time: pairs of lanes by shuffles, fine sums in int64.
    const low = i32x4.add(
      v128.shuffle<i32>(coarse0, coarse1, 0, 2, 4, 6),
      v128.shuffle<i32>(coarse0, coarse1, 1, 3, 5, 7),
    );
    const high = i32x4.add(
      v128.shuffle<i32>(coarse2, coarse3, 0, 2, 4, 6),
      v128.shuffle<i32>(coarse2, coarse3, 1, 3, 5, 7),
    );
    const coarse = i32x4.add(v128.shuffle<i32>(low, high, 0, 2, 4, 6), v128.shuffle<i32>(low, high, 1, 3, 5, 7));

    fine0 = i64x2.add(i64x2.extend_low_i32x4_s(fine0), i64x2.extend_high_i32x4_s(fine0));
    fine1 = i64x2.add(i64x2.extend_low_i32x4_s(fine1), i64x2.extend_high_i32x4_s(fine1));
    fine2 = i64x2.add(i64x2.extend_low_i32x4_s(fine2), i64x2.extend_high_i32x4_s(fine2));
    fine3 = i64x2.add(i64x2.extend_low_i32x4_s(fine3), i64x2.extend_high_i32x4_s(fine3));
    const half = i64x2.splat((<i64>1) << (fineBits - 1));
    const shift = fineBits - COARSE_BITS;
    let exact01 = i64x2.add(v128.shuffle<i64>(fine0, fine1, 0, 2), v128.shuffle<i64>(fine0, fine1, 1, 3));
    let exact23 = i64x2.add(v128.shuffle<i64>(fine2, fine3, 0, 2), v128.shuffle<i64>(fine2, fine3, 1, 3));
    exact01 = i64x2.add(i64x2.add(exact01, half), i64x2.shl(i64x2.extend_low_i32x4_s(coarse), shift));
    exact23 = i64x2.add(i64x2.add(exact23, half), i64x2.shl(i64x2.extend_high_i32x4_s(coarse), shift));
    // |exact| < 2^(17 + fineBits): shifted down it fits int32, and the low halves are all of it.
    exact01 = i64x2.shr_s(exact01, fineBits);
    exact23 = i64x2.shr_s(exact23, fineBits);
    const rounded = v128.shuffle<i32>(exact01, exact23, 0, 2, 4, 6);
    const result = i16x8.narrow_i32x4_s(rounded, rounded);
    v128.store_lane<i16>(out, result, 0);
    v128.store_lane<i16>(out + outStep, result, 1);
    v128.store_lane<i16>(out + (outStep << 1), result, 2);
    v128.store_lane<i16>(out + (outStep << 1) + outStep, result, 3);
  } else {
    for (let i = 0; i < 4; i++) {
      store<i16>(out, <i16>fir1(x, row, tapCount, coarseStart, coarseCount, fineBits));
      x += xStep;
      out += outStep;
    }
  }
}
