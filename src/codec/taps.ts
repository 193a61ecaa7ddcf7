/**
 * Filter taps of one resampling ratio: a windowed sinc, cut into phases and made into integers.
 *
 * Only `+ − × ÷` and `Math.floor` are used, which IEEE 754 fixes to the last bit; `Math.sin` is not fixed, and two
 * engines would design two filters.
 */
export interface Taps {
  /** Outputs per `decimation` inputs, after reduction; also the number of phases. */
  readonly interpolation: number;
  /** Inputs per `interpolation` outputs, after reduction. */
  readonly decimation: number;
  /** Taps of one phase; a multiple of 4. */
  readonly tapCount: number;
  /** `interpolation` rows of `tapCount` in units of 2^-{@link TAP_BITS}, the tap of the oldest sample first. */
  readonly values: Int32Array;
  /** Length of the impulse response, in 1/interpolation samples: the grid of all phases. */
  readonly gridSpan: number;
}

/**
 * The impulse response is the same on both sides of its middle, so every phase has one that is its mirror image: its tap
 * for age a is the other's for age `span − a`. Phases are paired, or their own image.
 */
export function mirrorOf({ interpolation, gridSpan }: Taps, phase: number): { phase: number; span: number } {
  const other = (gridSpan - phase) % interpolation;
  return { phase: other, span: (gridSpan - phase - other) / interpolation };
}

/**
 * What a filter is made for. `default` keeps the most of the band, `low-delay` answers sooner.
 * Delay: 48 or 32 samples of the lower of the two rates.
 */
export type ResamplerProfile = "default" | "low-delay";

export interface ProfileDesign {
  /** From a sound to its middle in the output, in samples of the lower rate. */
  readonly delayLowSamples: number;
  /**
   * Length of the sinc in samples of the lower rate; twice the delay at most. What is missing there is zeros, in which
   * the rows of a block (assembly/tap-blocks.ts) find room to lie side by side without another vector.
   */
  readonly spanLowSamples: number;
  /** −6 dB point as a fraction of the lower Nyquist frequency. */
  readonly cutoff: number;
  /** Shape of the Kaiser window. */
  readonly beta: number;
}

export const PROFILES: Readonly<Record<ResamplerProfile, ProfileDesign>> = {
  default: { delayLowSamples: 48, spanLowSamples: 93, cutoff: 0.959, beta: 10.4 },
  "low-delay": { delayLowSamples: 32, spanLowSamples: 64, cutoff: 1.0, beta: 10.0 },
};

/** Throws a RangeError unless `profile` is one of {@link PROFILES}. */
export function assertProfile(profile: unknown): asserts profile is ResamplerProfile {
  if (typeof profile === "string" && Object.hasOwn(PROFILES, profile)) return;
  throw new RangeError(`profile must be ${Object.keys(PROFILES).join(" or ")}, got ${JSON.stringify(profile)}`);
}

/** Rounding the taps is noise in the stop band: with 20 bits it comes up to −89 dB where one phase does it all. */
export const TAP_BITS = 21;

export function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** sin(πx)/(πx) by its Taylor series, for |x| ≤ ½: Σ (−π²x²)ᵏ/(2k+1)!, the last coefficient first. */
const SINC_SERIES = taylor(11, (k) => -(Math.PI * Math.PI) / (2 * k * (2 * k + 1)));
/** Terms of the window's series: exact to 10⁻¹⁰ for β ≤ 10.4. */
const WINDOW_TERMS = 19;

/** Coefficients of a power series whose neighbours have the quotient `ratio(k)`, the last first, for Horner's scheme. */
function taylor(count: number, ratio: (k: number) => number): Float64Array {
  const series = new Float64Array(count);
  let coefficient = 1;
  for (let k = 0; k < count; k++) {
    if (k > 0) coefficient *= ratio(k);
    series[count - 1 - k] = coefficient;
  }
  return series;
}

function evaluate(series: Float64Array, x: number): number {
  let sum = 0;
  for (let k = 0; k < series.length; k++) sum = sum * x + series[k]!;
  return sum;
}

/** sin(πx). */
function sinPi(x: number): number {
  const nearest = Math.floor(x + 0.5);
  const rest = x - nearest;
  const sine = Math.PI * rest * evaluate(SINC_SERIES, rest * rest);
  return nearest % 2 === 0 ? sine : -sine;
}

/**
 * One half of the impulse response, sampled `perLowSample` times per sample of the lower rate: element m lies m steps
 * from the centre. The other half is the same. The gain is made right later, phase by phase.
 */
function halfResponse(design: ProfileDesign, perLowSample: number): Float64Array {
  const reach = (design.spanLowSamples / 2) * perLowSample;
  // The window is I₀(β√(1−e²)), and I₀(2√y) = Σ yᵏ/(k!)².
  const quarterBetaSquare = (design.beta * design.beta) / 4;
  const window = taylor(WINDOW_TERMS, (k) => quarterBetaSquare / (k * k));
  const response = new Float64Array(design.delayLowSamples * perLowSample + 1);
  const step = design.cutoff / perLowSample;
  const stepSine = sinPi(step);
  const stepCosine = sinPi(step + 0.5);
  let sine = 0;
  let cosine = 0;
  for (let m = 0; m < response.length && m < reach; m++) {
    if (m % perLowSample === 0) {
      // The rotation begins anew once per sample of the lower rate: its rounding errors stay below 10⁻¹³.
      const x = step * m;
      sine = sinPi(x);
      cosine = sinPi(x + 0.5);
    }
    const edge = m / reach;
    const sinc = m === 0 ? design.cutoff : sine / (Math.PI * (m / perLowSample));
    response[m] = evaluate(window, 1 - edge * edge) * sinc;
    const next = sine * stepCosine + cosine * stepSine;
    cosine = cosine * stepCosine - sine * stepSine;
    sine = next;
  }
  return response;
}

/** The delay of the filter in input samples, which may be fractional. 0 for equal rates. */
export function filterDelaySamples(inputRate: number, outputRate: number, profile: ResamplerProfile): number {
  if (inputRate === outputRate) return 0;
  return PROFILES[profile].delayLowSamples * Math.max(1, inputRate / outputRate);
}

/** Designs the taps for a pair of rates: what assembly/taps.ts does, for tests. */
export function designTaps(inputRate: number, outputRate: number, profile: ResamplerProfile): Taps {
  const divisor = greatestCommonDivisor(inputRate, outputRate);
  return designRatio(outputRate / divisor, inputRate / divisor, PROFILES[profile]);
}

/** The same for a reduced ratio, for the twin. */
export function designRatio(interpolation: number, decimation: number, design: ProfileDesign): Taps {
  // The grid of all phases has `interpolation` points per input and `decimation` per output: a whole number per sample
  // of the lower rate, so that it is the same on both sides of the centre.
  const perLowSample = Math.max(interpolation, decimation);
  const centre = design.delayLowSamples * perLowSample;
  const response = halfResponse(design, perLowSample);
  const tapCount = Math.ceil((2 * centre) / interpolation / 4) * 4;
  const values = new Int32Array(interpolation * tapCount);
  const taps: Taps = { interpolation, decimation, tapCount, values, gridSpan: 2 * centre };
  for (let phase = 0; phase < interpolation; phase++) {
    const row = values.subarray(phase * tapCount, (phase + 1) * tapCount);
    const mirror = mirrorOf(taps, phase);
    if (mirror.phase < phase) {
      const other = values.subarray(mirror.phase * tapCount, (mirror.phase + 1) * tapCount);
      for (let age = 0; age <= mirror.span; age++) row[tapCount - 1 - age] = other[tapCount - 1 - mirror.span + age]!;
    } else {
      quantise(row, response, (tapCount - 1) * interpolation + phase - centre, interpolation);
    }
  }
  return taps;
}

/**
 * Makes one phase: the oldest sample lies `oldest` grid points before the centre, the next ones `step` less.
 * Every phase passes a constant unchanged: the gain is 1 exactly, and no phase hums against another.
 */
function quantise(row: Int32Array, response: Float64Array, oldest: number, step: number): void {
  let sum = 0;
  for (let j = 0, distance = oldest; j < row.length; j++, distance -= step) {
    const m = Math.abs(distance);
    if (m < response.length) sum += response[m]!;
  }
  const factor = 2 ** TAP_BITS / sum;
  let rest = 2 ** TAP_BITS;
  let largest = 0;
  for (let j = 0, distance = oldest; j < row.length; j++, distance -= step) {
    const m = Math.abs(distance);
    const value = m < response.length ? Math.floor(response[m]! * factor + 0.5) : 0;
    row[j] = value;
    rest -= value;
    if (value > row[largest]!) largest = j;
  }
  row[largest]! += rest;
}
