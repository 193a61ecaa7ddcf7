// Inner products without SIMD: of samples and whole taps, both as doubles.
//
// A tap is a fraction of 21 bits, which a float holds in half the memory. A sample has 16, and some 600 products
// are added up: every sum is exact in the 53 bits of a double until its one rounding. So the order of the sums does not
// matter, and the bits are those of fir-blocks.ts. WebAssembly has 64-bit integers too, but their products take longer.
//
// Of two phases that are mirror images one row is kept. The other reads it along the samples in reverse order.

import {
  BACKWARDS,
  TABLE_BODY,
  TABLE_DECIMATION,
  TABLE_INTERPOLATION,
  TABLE_ROWS,
  TABLE_TAP_COUNT,
  WINDOW,
} from "./layout";

/** Samples that a row read backwards may reach beyond the newest one; their taps are zero. */
const BEYOND: usize = 16;

function saturate(exact: f64): i16 {
  return <i16>max(min(floor(exact + 0.5), 32767), -32768);
}

/** One output: `x` is the oldest sample, `row` … `rowEnd` are its taps, a multiple of four. */
function fir1(x: usize, row: usize, rowEnd: usize): i16 {
  // Four sums: an addition need not wait for the one before.
  let sum0: f64 = 0;
  let sum1: f64 = 0;
  let sum2: f64 = 0;
  let sum3: f64 = 0;
  for (; row < rowEnd; row += 16, x += 32) {
    sum0 += <f64>load<f32>(row) * load<f64>(x);
    sum1 += <f64>load<f32>(row, 4) * load<f64>(x, 8);
    sum2 += <f64>load<f32>(row, 8) * load<f64>(x, 16);
    sum3 += <f64>load<f32>(row, 12) * load<f64>(x, 24);
  }
  return saturate(sum0 + sum1 + (sum2 + sum3));
}

/** Four outputs of one phase: their samples are `xStep` bytes apart, their places in the output `outStep` bytes. */
function fir4(x: usize, xStep: usize, row: usize, rowEnd: usize, out: usize, outStep: usize): void {
  let x1 = x + xStep;
  let x2 = x1 + xStep;
  let x3 = x2 + xStep;
  let sum0: f64 = 0;
  let sum1: f64 = 0;
  let sum2: f64 = 0;
  let sum3: f64 = 0;
  for (; row < rowEnd; row += 8) {
    const even = <f64>load<f32>(row);
    sum0 += even * load<f64>(x);
    sum1 += even * load<f64>(x1);
    sum2 += even * load<f64>(x2);
    sum3 += even * load<f64>(x3);
    const odd = <f64>load<f32>(row, 4);
    sum0 += odd * load<f64>(x, 8);
    sum1 += odd * load<f64>(x1, 8);
    sum2 += odd * load<f64>(x2, 8);
    sum3 += odd * load<f64>(x3, 8);
    x += 16;
    x1 += 16;
    x2 += 16;
    x3 += 16;
  }
  store<i16>(out, saturate(sum0));
  store<i16>(out + outStep, saturate(sum1));
  store<i16>(out + 2 * outStep, saturate(sum2));
  store<i16>(out + 3 * outStep, saturate(sum3));
}

/**
 * Makes `outputs` outputs of the `count` samples at `src`, before which lies the history. The first is number `position`
 * of the period, whose first output has its newest sample at src[origin].
 */
export function runRows(
  table: usize,
  src: usize,
  origin: i32,
  position: i32,
  count: i32,
  outputs: i32,
  out: usize,
): void {
  const interpolation = load<i32>(table, TABLE_INTERPOLATION);
  const decimation = load<i32>(table, TABLE_DECIMATION);
  const tapCount: usize = load<u32>(table, TABLE_TAP_COUNT);
  const rowBytes = tapCount << 2;

  const samples = tapCount + <usize>count;
  let from = src - (tapCount << 1);
  let backwards = BACKWARDS + ((BEYOND + samples) << 3);
  for (let to = WINDOW, end = WINDOW + (samples << 3); to < end; to += 8, from += 2) {
    const sample = <f64>load<i16>(from);
    store<f64>(to, sample);
    backwards -= 8;
    store<f64>(backwards, sample);
  }
  // Outputs `interpolation` apart have the same phase, and their inputs lie `decimation` apart.
  const distinct = min(interpolation, outputs);
  for (let r = 0; r < distinct; r++) {
    const time = (position + r) * decimation;
    const entry = load<u32>(table + TABLE_BODY + ((<usize>(time % interpolation)) << 2));
    const row = table + load<u32>(table, TABLE_ROWS) + <usize>(entry & 0xffff) * rowBytes;
    const rowEnd = row + rowBytes;
    const oldest = origin + time / interpolation + 1;
    let xStep = (<usize>decimation) << 3;
    let x = WINDOW + ((<usize>oldest) << 3);
    if (entry >> 31 != 0) {
      const beyond = (entry >> 16) & 0x7fff;
      x = BACKWARDS + ((BEYOND + <usize>(count - oldest) - beyond) << 3);
      xStep = -xStep;
    }
    let y = out + ((<usize>r) << 1);
    let left = (outputs - r + interpolation - 1) / interpolation;
    const outStep = (<usize>interpolation) << 1;
    for (; left >= 4; left -= 4) {
      fir4(x, xStep, row, rowEnd, y, outStep);
      x += xStep << 2;
      y += outStep << 2;
    }
    for (; left > 0; left--) {
      store<i16>(y, fir1(x, row, rowEnd));
      x += xStep;
      y += outStep;
    }
  }
}
