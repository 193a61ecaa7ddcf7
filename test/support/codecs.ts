import { type Codec, type CodecVariant, loadCodecSync, type ResamplerProfile } from "../../src/codec/index.ts";
import { concat, expectSameSamples, split } from "./signals.ts";

export const VARIANTS: CodecVariant[] = ["simd", "scalar", "js"];

/** A codec of each variant: what holds for one must hold for all. */
export const codecs: [CodecVariant, Codec][] = VARIANTS.map((variant) => [variant, loadCodecSync({ variant })]);

/**
 * Resamples in every variant, each in pieces of its own, and demands the same bits of all: what is then measured in
 * the result is measured in each of them.
 */
export function resampleAlike(input: Int16Array, a: number, b: number, profile: ResamplerProfile): Int16Array {
  const [first, ...others] = codecs.map(([, codec], i) => {
    using resampler = codec.createResampler(a, b, { profile });
    return concat([...split(input, [input.length, 4_801, 487].slice(i))].map((part) => resampler.process(part)));
  });
  for (const other of others) expectSameSamples(other, first as Int16Array);
  return first as Int16Array;
}
