/** −1 dB of full scale. */
export const AMPLITUDE = 32_767 * 10 ** (-1 / 20);

const sines = new Map<string, Int16Array>();

/** A sine at −1 dBFS; kept, as every contender hears the same ones. */
export function sine(frequency: number, sampleRate: number, sampleCount: number): Int16Array {
  const key = `${frequency}/${sampleRate}/${sampleCount}`;
  let samples = sines.get(key);
  if (samples === undefined) {
    const step = (2 * Math.PI * frequency) / sampleRate;
    samples = Int16Array.from({ length: sampleCount }, (_, i) => Math.round(AMPLITUDE * Math.sin(step * i)));
    sines.set(key, samples);
  }
  return samples;
}

/** Forgets the sines of the pairs that are done. */
export const forgetSines = () => sines.clear();

/** White noise over the whole int16 range, the same each time: what finds a difference between two codecs. */
export function noise(sampleCount: number): Int16Array {
  let state = 1;
  return Int16Array.from({ length: sampleCount }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state >> 16;
  });
}

/** A Gaussian pulse of 1 ms (its spectrum ends below 1 kHz) around a moment. */
export function pulse(atSeconds: number, sampleRate: number, sampleCount: number): Int16Array {
  return Int16Array.from({ length: sampleCount }, (_, i) => {
    const ms = (i / sampleRate - atSeconds) * 1000;
    return Math.round(20_000 * Math.exp((-ms * ms) / 2));
  });
}

/**
 * A second of everything that could tell two codecs apart: noise, a sweep up to the Nyquist frequency, a full-scale
 * square wave, silence. The same at every call.
 *
 * @param sampleRate in Hz
 */
export function testSignal(sampleRate: number): Int16Array {
  const signal = new Int16Array(sampleRate);
  const hiss = noise(0.4 * sampleRate);
  for (let i = 0; i < signal.length; i++) {
    const t = i / sampleRate;
    if (i < hiss.length) signal[i] = hiss[i]!;
    else if (t < 0.7) signal[i] = Math.round(30_000 * Math.sin((Math.PI * sampleRate * (t - 0.4) ** 2) / 0.6));
    else if (t < 0.9) signal[i] = i % 42 < 21 ? 32_767 : -32_768;
  }
  return signal;
}

/** The parts, one after the other. */
export function concat(parts: readonly Int16Array[]): Int16Array<ArrayBuffer> {
  const whole = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
