/**
 * Power of a signal above a frequency, of a unit-amplitude sine being ½.
 * A Blackman-Harris window keeps a full-scale tone 100 Hz below the edge out to far beyond what int16 can hold.
 *
 * @param samples a power of two of them
 * @throws RangeError on another number
 */
export function powerAbove(samples: ArrayLike<number>, sampleRate: number, frequency: number): number {
  const { length } = samples;
  if (length === 0 || !Number.isInteger(Math.log2(length))) {
    throw new RangeError(`samples must be a power of two, got ${length}`);
  }
  const re = new Float64Array(length);
  const im = new Float64Array(length);
  let windowPower = 0;
  for (let i = 0; i < length; i++) {
    const angle = (2 * Math.PI * i) / length;
    const window = 0.35875 - 0.48829 * Math.cos(angle) + 0.14128 * Math.cos(2 * angle) - 0.01168 * Math.cos(3 * angle);
    windowPower += window * window;
    re[i] = samples[i]! * window;
  }
  fourier(re, im);
  let power = 0;
  for (let bin = Math.ceil((frequency * length) / sampleRate); bin < length / 2; bin++) {
    power += re[bin]! ** 2 + im[bin]! ** 2;
  }
  return (2 * power) / (length * windowPower);
}

/** Fast Fourier transform in place, radix 2. */
function fourier(re: Float64Array, im: Float64Array): void {
  const { length } = re;
  for (let i = 1, j = 0; i < length; i++) {
    let bit = length >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [re[i], re[j]] = [re[j]!, re[i]!];
  }
  for (let size = 2; size <= length; size *= 2) {
    const half = size / 2;
    for (let k = 0; k < half; k++) {
      const cos = Math.cos((2 * Math.PI * k) / size);
      const sin = -Math.sin((2 * Math.PI * k) / size);
      for (let a = k; a < length; a += size) {
        const b = a + half;
        const turnedRe = re[b]! * cos - im[b]! * sin;
        const turnedIm = re[b]! * sin + im[b]! * cos;
        re[b] = re[a]! - turnedRe;
        im[b] = im[a]! - turnedIm;
        re[a] = re[a]! + turnedRe;
        im[a] = im[a]! + turnedIm;
      }
    }
  }
}
