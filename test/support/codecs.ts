import { type Codec, type CodecVariant, loadCodecSync } from "../../src/codec/index.ts";

export const VARIANTS: CodecVariant[] = ["simd", "scalar", "js"];

/** A codec of each variant: what holds for one must hold for all. */
export const codecs: [CodecVariant, Codec][] = VARIANTS.map((variant) => [variant, loadCodecSync({ variant })]);
