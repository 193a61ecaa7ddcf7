import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Codec, CodecVariant } from "../../src/codec/index.ts";
import type { Pair } from "../../src/web/bench/pairs.ts";
import type { Peer } from "./peer.ts";

export const VARIANTS: readonly CodecVariant[] = ["simd", "scalar", "js"];

/** The codec as it is shipped, not as it is in src/. */
export async function importCodec(): Promise<typeof import("../../src/codec/index.ts")> {
  return import(pathToFileURL(resolve("dist/codec/index.js")).href);
}

/** The codec itself, in one of its variants. */
export async function codecPeer(variant: CodecVariant): Promise<Peer> {
  const { loadCodecSync } = await importCodec();
  const codec = loadCodecSync({ variant });
  return {
    name: variant,
    version: (JSON.parse(readFileSync("package.json", "utf8")) as { version: string }).version,
    setting: "pipecat-wavix, profile default",
    lowestSinadDb: 90,
    slack: 0,
    memoryStreams: 2000,
    open: ({ inputRate, outputRate }) => codec.createResampler(inputRate, outputRate),
    ownBytesPerStream: (pair) => resamplerBytes(loadCodecSync({ variant }), pair),
  };
}

/**
 * Exact bytes that a resampler takes of a fresh codec's own memory. That memory grows by leaps: what one leap brought,
 * divided by the number of resamplers that found room in it.
 */
export function resamplerBytes(codec: Codec, { inputRate, outputRate }: Pair): number {
  const open = () => codec.createResampler(inputRate, outputRate);
  open(); // brings the taps
  const untilGrowth = () => {
    const before = codec.memoryByteLength;
    let count = 0;
    while (codec.memoryByteLength === before) {
      open();
      count++;
    }
    return { count, bytes: codec.memoryByteLength - before };
  };
  const leap = untilGrowth().bytes;
  return Math.round(leap / untilGrowth().count);
}
