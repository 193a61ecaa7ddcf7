import { importPackage, versionOf } from "./packages.ts";
import type { Peer } from "./peer.ts";

interface Package {
  default: { resample(samples: Int16Array, inputRate: number, outputRate: number): Float64Array };
}

const NAME = "wave-resampler";

/** Made for whole files, and used for chunks all the same: it has no state, and starts anew with each. */
export async function waveResamplerPeer(): Promise<Peer> {
  const { resample } = ((await importPackage(NAME)) as Package).default;
  return {
    name: NAME,
    version: versionOf(NAME),
    setting: "cubic, its default",
    lowestSinadDb: 20,
    slack: 16,
    memoryStreams: 0,
    open: ({ inputRate, outputRate }) => ({
      process(input, output) {
        // Going down, it filters in its caller's array.
        const result = resample(input.slice(), inputRate, outputRate);
        for (let i = 0; i < result.length; i++) {
          const rounded = Math.round(result[i]!);
          output[i] = rounded > 32_767 ? 32_767 : rounded < -32_768 ? -32_768 : rounded;
        }
        return output.subarray(0, result.length);
      },
      close() {},
    }),
  };
}
