// Designs the taps for a pair of rates: a windowed sinc, cut into phases and made into integers. It is
// src/codec/taps.ts step by step, with + − × ÷ alone, which IEEE 754 fixes to the last bit: the twin has the same taps.
//
// Scratch memory lies beyond the heap and is taken by nobody:
//
//   heap end   the table that becomes of the taps; it stays
//   RESPONSE   f64: half the impulse response
//   VALUES     i32: interpolation rows of tapCount, oldest first

import { heapReserve } from "./layout";

export const TAP_BITS: i32 = 21;
const SINC_TERMS: i32 = 11;
const WINDOW_TERMS: i32 = 19;

let series: usize = 0;
let response: usize = 0;
/** What the last {@link designTaps} made. */
export let values: usize = 0;
export let tapCount: i32 = 0;
export let gridSpan: i32 = 0;

/** sin(πx). */
function sinPi(x: f64): f64 {
  const nearest = floor(x + 0.5);
  const rest = x - nearest;
  const square = rest * rest;
  let sum: f64 = 0;
  for (let at = series, end = series + (SINC_TERMS << 3); at < end; at += 8) sum = sum * square + load<f64>(at);
  const sine = Math.PI * rest * sum;
  return (<i32>nearest & 1) == 0 ? sine : -sine;
}

/** The window at four points of the response from m on: one after another they would each wait for their own sums. */
function makeWindow(m: i32, reach: f64): void {
  const start = series + (SINC_TERMS << 3);
  const edge0 = <f64>m / reach;
  const edge1 = <f64>(m + 1) / reach;
  const edge2 = <f64>(m + 2) / reach;
  const edge3 = <f64>(m + 3) / reach;
  const x0 = 1 - edge0 * edge0;
  const x1 = 1 - edge1 * edge1;
  const x2 = 1 - edge2 * edge2;
  const x3 = 1 - edge3 * edge3;
  let sum0: f64 = 0;
  let sum1: f64 = 0;
  let sum2: f64 = 0;
  let sum3: f64 = 0;
  for (let at = start, end = start + (WINDOW_TERMS << 3); at < end; at += 8) {
    const coefficient = load<f64>(at);
    sum0 = sum0 * x0 + coefficient;
    sum1 = sum1 * x1 + coefficient;
    sum2 = sum2 * x2 + coefficient;
    sum3 = sum3 * x3 + coefficient;
  }
  const at = response + (m << 3);
  store<f64>(at, sum0);
  store<f64>(at, sum1, 8);
  store<f64>(at, sum2, 16);
  store<f64>(at, sum3, 24);
}

function makeSeries(beta: f64): void {
  let coefficient: f64 = 1;
  for (let k = 0; k < SINC_TERMS; k++) {
    if (k > 0) coefficient *= -(Math.PI * Math.PI) / <f64>(2 * k * (2 * k + 1));
    store<f64>(series + ((SINC_TERMS - 1 - k) << 3), coefficient);
  }
  const quarterBetaSquare = (beta * beta) / 4;
  const window = series + (SINC_TERMS << 3);
  coefficient = 1;
  for (let k = 0; k < WINDOW_TERMS; k++) {
    if (k > 0) coefficient *= quarterBetaSquare / <f64>(k * k);
    store<f64>(window + ((WINDOW_TERMS - 1 - k) << 3), coefficient);
  }
}

function makeResponse(perLowSample: i32, delayLowSamples: i32, spanLowSamples: f64, cutoff: f64): void {
  const reach = (spanLowSamples / 2) * <f64>perLowSample;
  const length = <i32>ceil(reach);
  const step = cutoff / <f64>perLowSample;
  const stepSine = sinPi(step);
  const stepCosine = sinPi(step + 0.5);
  let sine: f64 = 0;
  let cosine: f64 = 0;
  for (let m = 0; m < length; m++) {
    if ((m & 3) == 0) makeWindow(m, reach);
    if (m % perLowSample == 0) {
      // The rotation begins anew once per sample of the lower rate: its rounding errors stay below 10⁻¹³.
      const x = step * <f64>m;
      sine = sinPi(x);
      cosine = sinPi(x + 0.5);
    }
    const sinc = m == 0 ? cutoff : sine / (Math.PI * (<f64>m / <f64>perLowSample));
    const at = response + (m << 3);
    store<f64>(at, load<f64>(at) * sinc);
    const next = sine * stepCosine + cosine * stepSine;
    cosine = cosine * stepCosine - sine * stepSine;
    sine = next;
  }
  // Behind the window, which may have left up to three values there.
  const end = delayLowSamples * perLowSample + 1;
  if (end > length) memory.fill(response + (length << 3), 0, (<usize>(end - length)) << 3);
}

/** Every phase passes a constant unchanged: the gain is 1 exactly, and no phase hums against another. */
function quantise(row: usize, interpolation: i32, phase: i32, centre: i32): void {
  const top = (tapCount - 1) * interpolation + phase - centre;
  let sum: f64 = 0;
  for (let j = 0, distance = top; j < tapCount; j++, distance -= interpolation) {
    const m = abs(distance);
    if (m <= centre) sum += load<f64>(response + (m << 3));
  }
  const factor = <f64>(1 << TAP_BITS) / sum;
  let rest: i32 = 1 << TAP_BITS;
  let largest = row;
  for (let j = 0, distance = top; j < tapCount; j++, distance -= interpolation) {
    const m = abs(distance);
    const value = m <= centre ? <i32>floor(load<f64>(response + (m << 3)) * factor + 0.5) : 0;
    const at = row + (j << 2);
    store<i32>(at, value);
    rest -= value;
    if (value > load<i32>(largest)) largest = at;
  }
  store<i32>(largest, load<i32>(largest) + rest);
}

/** The phase that is the mirror image of this one; see mirrorOf in src/codec/taps.ts. */
export function mirrorPhase(phase: i32, interpolation: i32): i32 {
  return (gridSpan - phase) % interpolation;
}

/** Makes `values`; false without memory. `tableBytes`: room to be left at the heap's end. */
export function designTaps(
  interpolation: i32,
  decimation: i32,
  delayLowSamples: i32,
  spanLowSamples: f64,
  cutoff: f64,
  beta: f64,
  tableBytes: usize,
): bool {
  const perLowSample = max(interpolation, decimation);
  const centre = delayLowSamples * perLowSample;
  const responseBytes = (<usize>(centre + 4)) << 3;
  const seriesBytes = <usize>((SINC_TERMS + WINDOW_TERMS) << 3);
  gridSpan = 2 * centre;
  tapCount = tapCountOf(interpolation, decimation, delayLowSamples);
  const start = heapReserve(tableBytes + seriesBytes + responseBytes + ((<usize>(interpolation * tapCount)) << 2));
  if (start == 0) return false;
  series = start + tableBytes;
  response = series + seriesBytes;
  values = response + responseBytes;

  makeSeries(beta);
  makeResponse(perLowSample, delayLowSamples, spanLowSamples, cutoff);
  const rowBytes = tapCount << 2;
  for (let phase = 0; phase < interpolation; phase++) {
    const row = values + <usize>(phase * rowBytes);
    const mirror = mirrorPhase(phase, interpolation);
    if (mirror < phase) {
      const span = (gridSpan - phase - mirror) / interpolation;
      const last = row + rowBytes - 4;
      const other = values + <usize>(mirror * rowBytes + ((tapCount - 1 - span) << 2));
      memory.fill(row, 0, rowBytes);
      for (let age = 0; age <= span; age++) store<i32>(last - (age << 2), load<i32>(other + (age << 2)));
    } else {
      quantise(row, interpolation, phase, centre);
    }
  }
  return true;
}

/** Taps of one phase: as many as the response is long in inputs, a multiple of 4. */
export function tapCountOf(interpolation: i32, decimation: i32, delayLowSamples: i32): i32 {
  const span = 2 * delayLowSamples * max(interpolation, decimation);
  return (((span + interpolation - 1) / interpolation + 3) >> 2) << 2;
}
