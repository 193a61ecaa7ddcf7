import type { Pair } from "./pairs.ts";

/** Samples of the n-th 20 ms at a rate: 220 and 221 in turns at 11025 Hz. */
export function chunkLength(rate: number, index: number): number {
  return Math.floor(((index + 1) * rate) / 50) - Math.floor((index * rate) / 50);
}

/** Cuts samples into 20 ms each, an incomplete last one included. */
export function chunksOf(samples: Int16Array, rate: number): Int16Array[] {
  const chunks: Int16Array[] = [];
  for (let at = 0, i = 0; at < samples.length; i++) {
    chunks.push(samples.subarray(at, at + chunkLength(rate, i)));
    at += chunkLength(rate, i);
  }
  return chunks;
}

/** The exact number of outputs of every chunk: what a resampler gives that holds nothing back. */
export function outputLength({ inputRate, outputRate }: Pair, index: number): number {
  let before = 0;
  for (let i = 0; i < index; i++) before += chunkLength(inputRate, i);
  const after = before + chunkLength(inputRate, index);
  return Math.ceil((after * outputRate) / inputRate) - Math.ceil((before * outputRate) / inputRate);
}
