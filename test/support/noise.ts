// Imports nothing: it also runs in browsers and workers.

/** White noise over the whole int16 range, the same for the same seed (mulberry32). */
export function noise(length: number, seed = 1): Int16Array {
  let state = seed;
  return Int16Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 16) - 32_768;
  });
}

/** Cuts samples at the given lengths, over and over, until nothing is left. */
export function* split(samples: Int16Array, lengths: readonly number[]): Generator<Int16Array> {
  for (let at = 0, i = 0; at < samples.length; i++) {
    const length = lengths[i % lengths.length] as number;
    yield samples.subarray(at, at + length);
    at += length;
  }
}
