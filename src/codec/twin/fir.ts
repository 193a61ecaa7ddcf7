// Inner products of samples with whole taps, in doubles.
//
// A tap is a fraction of 21 bits, which a float holds in half the memory. A sample has 16, and some 600 products are
// added up: every sum is exact in the 53 bits of a double until its one rounding. So the order of the sums does not
// matter, and the bits are those of assembly/fir-blocks.ts, which adds fine and coarse parts in integers. Doubles are
// the faster way here: JavaScript has no 64-bit integers of that speed, and an int32 sum would overflow.
//
// Of two phases that are mirror images one row is kept. The other reads it along the samples in reverse order.
//
// What costs time in a JavaScript engine is loads, each with its bounds check. Four outputs share the load of a tap; and
// where inputs of neighbouring outputs lie a few samples apart, they share the loads of samples too.

function saturate(exact: number): number {
  const rounded = Math.floor(exact + 0.5);
  return rounded > 32_767 ? 32_767 : rounded < -32_768 ? -32_768 : rounded;
}

/** One output: `x` is the index of the oldest sample, `row` … `rowEnd` are its taps, a multiple of four. */
export function fir1(samples: Float64Array, x: number, taps: Float32Array, row: number, rowEnd: number): number {
  // Four sums: an addition need not wait for the one before.
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  for (; row < rowEnd; row += 4, x += 4) {
    sum0 += taps[row]! * samples[x]!;
    sum1 += taps[row + 1]! * samples[x + 1]!;
    sum2 += taps[row + 2]! * samples[x + 2]!;
    sum3 += taps[row + 3]! * samples[x + 3]!;
  }
  return saturate(sum0 + sum1 + (sum2 + sum3));
}

/** Four outputs of one phase: their samples are `xStep` apart, their places in the output `outStep`. */
export function fir4(
  samples: Float64Array,
  x: number,
  xStep: number,
  taps: Float32Array,
  row: number,
  rowEnd: number,
  out: Int16Array,
  y: number,
  outStep: number,
): void {
  const xStep2 = 2 * xStep;
  const xStep3 = 3 * xStep;
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  for (; row < rowEnd; row += 2, x += 2) {
    const even = taps[row]!;
    sum0 += even * samples[x]!;
    sum1 += even * samples[x + xStep]!;
    sum2 += even * samples[x + xStep2]!;
    sum3 += even * samples[x + xStep3]!;
    const odd = taps[row + 1]!;
    sum0 += odd * samples[x + 1]!;
    sum1 += odd * samples[x + xStep + 1]!;
    sum2 += odd * samples[x + xStep2 + 1]!;
    sum3 += odd * samples[x + xStep3 + 1]!;
  }
  out[y] = saturate(sum0);
  out[y + outStep] = saturate(sum1);
  out[y + 2 * outStep] = saturate(sum2);
  out[y + 3 * outStep] = saturate(sum3);
}

/**
 * As {@link fir4}, for a small `xStep`: goes through the taps in strides of `xStep`, where the sample that one output
 * needs now is the one its neighbour needs next. One sample is loaded per tap instead of four.
 * `| 0` spares V8 a look at each index whether it left int32: 13 % of the time here, nothing in the others.
 */
export function fir4Near(
  samples: Float64Array,
  x: number,
  xStep: number,
  taps: Float32Array,
  row: number,
  rowEnd: number,
  out: Int16Array,
  y: number,
  outStep: number,
): void {
  const xStep2 = 2 * xStep;
  const xStep3 = 3 * xStep;
  const xStep4 = 4 * xStep;
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  for (let start = 0; start < xStep; start++) {
    let t = row + start;
    let s = x + start;
    let a = samples[s]!;
    let b = samples[(s + xStep) | 0]!;
    let c = samples[(s + xStep2) | 0]!;
    s += xStep3;
    for (; t + xStep3 < rowEnd; t = (t + xStep4) | 0, s = (s + xStep4) | 0) {
      const tap0 = taps[t]!;
      const d = samples[s]!;
      sum0 += tap0 * a;
      sum1 += tap0 * b;
      sum2 += tap0 * c;
      sum3 += tap0 * d;
      const tap1 = taps[(t + xStep) | 0]!;
      a = samples[(s + xStep) | 0]!;
      sum0 += tap1 * b;
      sum1 += tap1 * c;
      sum2 += tap1 * d;
      sum3 += tap1 * a;
      const tap2 = taps[(t + xStep2) | 0]!;
      b = samples[(s + xStep2) | 0]!;
      sum0 += tap2 * c;
      sum1 += tap2 * d;
      sum2 += tap2 * a;
      sum3 += tap2 * b;
      const tap3 = taps[(t + xStep3) | 0]!;
      c = samples[(s + xStep3) | 0]!;
      sum0 += tap3 * d;
      sum1 += tap3 * a;
      sum2 += tap3 * b;
      sum3 += tap3 * c;
    }
    for (; t < rowEnd; t += xStep, s += xStep) {
      const tap = taps[t]!;
      const d = samples[s]!;
      sum0 += tap * a;
      sum1 += tap * b;
      sum2 += tap * c;
      sum3 += tap * d;
      a = b;
      b = c;
      c = d;
    }
  }
  out[y] = saturate(sum0);
  out[y + outStep] = saturate(sum1);
  out[y + 2 * outStep] = saturate(sum2);
  out[y + 3 * outStep] = saturate(sum3);
}
