/** A sine of known frequency in a signal, and what remains without it and without the mean. */
export interface FittedSine {
  readonly amplitude: number;
  readonly rest: Float64Array;
}

/** Fits the sine by least squares, with a constant. Both ends of `samples` should already be steady. */
export function fitSine(samples: Int16Array, frequency: number, sampleRate: number): FittedSine {
  const step = (2 * Math.PI * frequency) / sampleRate;
  const sines = Float64Array.from(samples, (_, i) => Math.sin(step * i));
  const cosines = Float64Array.from(samples, (_, i) => Math.cos(step * i));
  // Normal equations for a·sin + b·cos + c.
  const m = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, samples.length],
  ];
  const v = [0, 0, 0];
  for (let i = 0; i < samples.length; i++) {
    const sine = sines[i]!;
    const cosine = cosines[i]!;
    const sample = samples[i]!;
    m[0]![0]! += sine * sine;
    m[0]![1]! += sine * cosine;
    m[0]![2]! += sine;
    m[1]![1]! += cosine * cosine;
    m[1]![2]! += cosine;
    v[0]! += sine * sample;
    v[1]! += cosine * sample;
    v[2]! += sample;
  }
  m[1]![0] = m[0]![1]!;
  m[2]![0] = m[0]![2]!;
  m[2]![1] = m[1]![2]!;
  const [a, b, constant] = solve3(m, v) as [number, number, number];
  const rest = Float64Array.from(samples, (sample, i) => sample - a * sines[i]! - b * cosines[i]! - constant);
  return { amplitude: Math.hypot(a, b), rest };
}

/** Signal to noise and distortion, in dB: whatever is not the sine of the known frequency is noise. */
export function sinadDb(samples: Int16Array, frequency: number, sampleRate: number): number {
  const { amplitude, rest } = fitSine(samples, frequency, sampleRate);
  const noise = rest.reduce((sum, value) => sum + value * value, 0) / rest.length;
  return 10 * Math.log10(amplitude ** 2 / 2 / noise);
}

function solve3(m: number[][], v: number[]): number[] {
  for (let p = 0; p < 3; p++) {
    for (let r = p + 1; r < 3; r++) {
      const factor = m[r]![p]! / m[p]![p]!;
      for (let c = p; c < 3; c++) m[r]![c]! -= factor * m[p]![c]!;
      v[r]! -= factor * v[p]!;
    }
  }
  const x = [0, 0, 0];
  for (let r = 2; r >= 0; r--) {
    let sum = v[r]!;
    for (let c = r + 1; c < 3; c++) sum -= m[r]![c]! * x[c]!;
    x[r] = sum / m[r]![r]!;
  }
  return x;
}

/** Power in dB below full scale of a sine, the mean left out. */
export function levelDb(samples: Int16Array): number {
  let sum = 0;
  let squares = 0;
  for (const sample of samples) {
    sum += sample;
    squares += sample * sample;
  }
  const power = squares / samples.length - (sum / samples.length) ** 2;
  return 10 * Math.log10(Math.max(power, 1e-12) / (32_767 ** 2 / 2));
}
