/** Samples of the lower rate under the sinc: enough for a band edge at 0.99 and nothing to hear of its window. */
const SPAN = 640;
const BETA = 9;

/**
 * Resampling as well as int16 in and int16 out allow: 640 taps of float64, cut at the lower Nyquist frequency, and one
 * rounding at the end. What noise is left is the int16's own. Only the outputs from `start` on that lie well inside.
 */
export function resampleIdeally(input: Int16Array, inputRate: number, outputRate: number, start: number): Int16Array {
  const stretch = Math.max(1, inputRate / outputRate);
  const reach = Math.ceil((SPAN / 4) * stretch) * 2;
  const samples = Float64Array.from(input);
  const phases = new Map<number, Float64Array>();
  const output = new Int16Array(Math.floor(((input.length - reach - 1) * outputRate) / inputRate) - start);
  for (let k = 0; k < output.length; k++) {
    const numerator = (k + start) * inputRate;
    const position = Math.floor(numerator / outputRate);
    const rest = numerator % outputRate;
    let taps = phases.get(rest);
    if (taps === undefined) {
      taps = Float64Array.from({ length: 2 * reach }, (_, i) =>
        idealTap((reach - 1 - i + rest / outputRate) / stretch),
      );
      const sum = taps.reduce((a, b) => a + b, 0);
      taps = taps.map((tap) => tap / sum);
      phases.set(rest, taps);
    }
    output[k] = Math.max(-32_768, Math.min(32_767, Math.floor(product(taps, samples, position - reach + 1) + 0.5)));
  }
  return output;
}

/** Four sums side by side: one would wait for itself at every step. */
function product(taps: Float64Array, samples: Float64Array, first: number): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0, j = first; i < taps.length; i += 4, j += 4) {
    a += taps[i]! * samples[j]!;
    b += taps[i + 1]! * samples[j + 1]!;
    c += taps[i + 2]! * samples[j + 2]!;
    d += taps[i + 3]! * samples[j + 3]!;
  }
  return a + b + (c + d);
}

/** sin(πt)/πt under a Kaiser window; `t` in samples of the lower rate from the centre. */
function idealTap(t: number): number {
  const edge = (2 * t) / SPAN;
  if (Math.abs(edge) >= 1) return 0;
  return (t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t)) * bessel(BETA * Math.sqrt(1 - edge * edge));
}

function bessel(x: number): number {
  let sum = 0;
  let term = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    sum += term;
    term *= (x / 2 / k) ** 2;
  }
  return sum;
}
