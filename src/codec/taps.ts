/**
 * Filter taps of one resampling ratio: a windowed sinc, cut into phases and made into integers.
 *
 * Only `+ − × ÷` and `Math.round`/`Math.floor` are used, which IEEE 754 fixes to the last bit; `Math.sin` is not fixed,
 * and two engines would design two filters.
 *
 * ```
 * one phase:   | oldest sample ·············· centre ·············· newest sample |
 * fine         | q        q        q     rest    rest     q        q        q     |   int16, 2^-fineBits
 * coarse       |                         top     top                              |   int16, 2^-14
 * ```
 * The taps far from the centre are small, and one int16 at a fine scale holds them. Those in the centre are split
 * into a coarse and a fine part. Output = (coarse sum · 2^(fineBits−14) + fine sum) / 2^fineBits: an exact integer
 * until the one rounding at the end, so SIMD and scalar code cannot differ.
 */
export interface TapTable {
  /** Outputs per `decimation` inputs, after reduction; also the number of phases. */
  readonly interpolation: number;
  /** Inputs per `interpolation` outputs, after reduction. */
  readonly decimation: number;
  /** Taps of one phase; a multiple of 16. */
  readonly tapCount: number;
  /** Scale of the fine taps. */
  readonly fineBits: number;
  /** First tap of the centre; a multiple of 16. */
  readonly coarseStart: number;
  /** Taps in the centre; a multiple of 16. */
  readonly coarseCount: number;
  /** `interpolation` rows, each `tapCount` fine taps followed by `coarseCount` coarse taps. */
  readonly taps: Int16Array;
}

/**
 * What a filter is made for. `default` keeps the most of the band, `low-delay` answers sooner.
 * Delay: 48 or 32 samples of the lower of the two rates.
 */
export type ResamplerProfile = "default" | "low-delay";

interface ProfileDesign {
  /** Length of the sinc in samples of the lower rate. */
  readonly spanLowSamples: number;
  /** −6 dB point as a fraction of the lower Nyquist frequency. */
  readonly cutoff: number;
  /** Shape of the Kaiser window. */
  readonly beta: number;
}

export const PROFILES: Readonly<Record<ResamplerProfile, ProfileDesign>> = {
  default: { spanLowSamples: 96, cutoff: 0.957, beta: 9.8 },
  "low-delay": { spanLowSamples: 64, cutoff: 1.0, beta: 10.0 },
};

const COARSE_BITS = 14;
/** Above this sum of |tap| an int32 lane could overflow with an input of −32768 throughout. */
const LANE_LIMIT = 65_535;
/** Taps of one turn of the kernel's loop: two SIMD vectors. */
const STEP = 16;
/** Taps of one SIMD vector; each pair of them adds up in one lane. */
const LANES = 8;

export function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

const { PI } = Math;

/** sin(πx), by Taylor series around the nearest integer. */
function sinPi(x: number): number {
  const nearest = Math.round(x);
  const angle = PI * (x - nearest);
  const square = angle * angle;
  let sum = 1;
  for (let k = 10; k >= 1; k--) sum = 1 - (square / (2 * k * (2 * k + 1))) * sum;
  return nearest % 2 === 0 ? angle * sum : -angle * sum;
}

/** I₀(2√y), the modified Bessel function of the Kaiser window: Σ yᵏ/(k!)². */
function bessel(y: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-18; k++) {
    term *= y / (k * k);
    sum += term;
  }
  return sum;
}

/**
 * The continuous impulse response, `time` in input samples from its centre.
 * `stretch` is the length of one sample of the lower rate in input samples.
 */
function impulseResponse(time: number, stretch: number, design: ProfileDesign): number {
  const edge = (2 * time) / (design.spanLowSamples * stretch);
  if (edge <= -1 || edge >= 1) return 0;
  const quarterBetaSquare = (design.beta * design.beta) / 4;
  const window = bessel(quarterBetaSquare * (1 - edge * edge)) / bessel(quarterBetaSquare);
  const x = (design.cutoff * time) / stretch;
  return x === 0 ? design.cutoff / stretch : ((design.cutoff / stretch) * window * sinPi(x)) / (PI * x);
}

/** The delay of the filter in input samples, which may be fractional: half its length. 0 for equal rates. */
export function filterDelaySamples(inputRate: number, outputRate: number, profile: ResamplerProfile): number {
  if (inputRate === outputRate) return 0;
  return (PROFILES[profile].spanLowSamples / 2) * Math.max(1, inputRate / outputRate);
}

/** Designs the taps for a pair of rates. Takes up to some 30 ms: core.ts keeps the results. */
export function designTaps(inputRate: number, outputRate: number, profile: ResamplerProfile): TapTable {
  const design = PROFILES[profile];
  const divisor = greatestCommonDivisor(inputRate, outputRate);
  const interpolation = outputRate / divisor;
  const decimation = inputRate / divisor;
  const stretch = Math.max(1, inputRate / outputRate);
  const span = design.spanLowSamples * stretch;
  const tapCount = Math.ceil(Math.ceil(span) / STEP) * STEP;
  // Longer filters add up the rounding of more taps.
  const fineBits = tapCount > 160 ? 21 : 20;
  const scale = 2 ** fineBits;

  const quantised = new Int32Array(interpolation * tapCount);
  const phase = new Float64Array(tapCount);
  let coarseFirst = tapCount / STEP;
  let coarseLast = 0;
  for (let p = 0; p < interpolation; p++) {
    let sum = 0;
    for (let j = 0; j < tapCount; j++) {
      // Tap j of a row meets the sample that is (tapCount − 1 − j) older than the newest one.
      const tap = impulseResponse(tapCount - 1 - j + p / interpolation - span / 2, stretch, design);
      phase[j] = tap;
      sum += tap;
    }
    // Every phase passes a constant unchanged: the gain is 1 exactly, and no phase hums against another.
    let rest = scale;
    let largest = 0;
    for (let j = 0; j < tapCount; j++) {
      const q = Math.round((phase[j]! / sum) * scale);
      quantised[p * tapCount + j] = q;
      rest -= q;
      if (Math.abs(q) > Math.abs(quantised[p * tapCount + largest]!)) largest = j;
    }
    quantised[p * tapCount + largest]! += rest;
    for (let j = 0; j < tapCount; j++) {
      if (Math.abs(quantised[p * tapCount + j]!) <= 32_767) continue;
      coarseFirst = Math.min(coarseFirst, Math.floor(j / STEP));
      coarseLast = Math.max(coarseLast, Math.floor(j / STEP));
    }
  }

  for (;;) {
    const taps = splitTaps(quantised, tapCount, coarseFirst * STEP, (coarseLast - coarseFirst + 1) * STEP, fineBits);
    if (taps !== undefined) {
      return {
        interpolation,
        decimation,
        tapCount,
        fineBits,
        coarseStart: coarseFirst * STEP,
        coarseCount: (coarseLast - coarseFirst + 1) * STEP,
        taps,
      };
    }
    // The fine sum could overflow: let the centre take more of the taps.
    coarseFirst = Math.max(0, coarseFirst - 1);
    coarseLast = Math.min(tapCount / STEP - 1, coarseLast + 1);
  }
}

/** Splits the taps into fine and coarse parts; undefined when a sum over them could leave int32. */
function splitTaps(
  quantised: Int32Array,
  tapCount: number,
  coarseStart: number,
  coarseCount: number,
  fineBits: number,
): Int16Array | undefined {
  const rowLength = tapCount + coarseCount;
  const step = 2 ** (fineBits - COARSE_BITS);
  const taps = new Int16Array((quantised.length / tapCount) * rowLength);
  for (let row = 0; row * tapCount < quantised.length; row++) {
    const laneSums = [0, 0, 0, 0];
    let coarseSum = 0;
    for (let j = 0; j < tapCount; j++) {
      let fine = quantised[row * tapCount + j]!;
      if (j >= coarseStart && j < coarseStart + coarseCount) {
        const coarse = Math.round(fine / step);
        fine -= coarse * step;
        taps[row * rowLength + tapCount + j - coarseStart] = coarse;
        coarseSum += Math.abs(coarse);
      }
      taps[row * rowLength + j] = fine;
      laneSums[(j % LANES) >> 1]! += Math.abs(fine);
    }
    if (coarseSum > LANE_LIMIT) throw new RangeError(`coarse taps add up to ${coarseSum}, above ${LANE_LIMIT}`);
    if (Math.max(...laneSums) > LANE_LIMIT) return undefined;
  }
  return taps;
}
