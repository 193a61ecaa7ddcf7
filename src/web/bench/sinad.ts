/**
 * Signal to noise and distortion, in dB: the sine of the known frequency is fitted by least squares (with a constant),
 * whatever remains is noise. Both ends of `samples` should already be steady.
 */
export function sinadDb(samples: Int16Array, frequency: number, sampleRate: number): number {
  const step = (2 * Math.PI * frequency) / sampleRate;
  // Normal equations for a·sin + b·cos + c.
  const m = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ];
  const v = [0, 0, 0];
  for (let i = 0; i < samples.length; i++) {
    const basis = [Math.sin(step * i), Math.cos(step * i), 1];
    for (let r = 0; r < 3; r++) {
      v[r]! += basis[r]! * samples[i]!;
      for (let c = 0; c < 3; c++) m[r]![c]! += basis[r]! * basis[c]!;
    }
  }
  const [a, b, constant] = solve3(m, v) as [number, number, number];
  let signal = 0;
  let rest = 0;
  for (let i = 0; i < samples.length; i++) {
    const fitted = a * Math.sin(step * i) + b * Math.cos(step * i);
    signal += fitted * fitted;
    rest += (samples[i]! - fitted - constant) ** 2;
  }
  return 10 * Math.log10(signal / rest);
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
