import { importPackage, versionOf } from "./packages.ts";
import type { Peer } from "./peer.ts";

interface Converter {
  full(input: Float32Array, output: Float32Array, length: { frames: number }): Float32Array;
  destroy(): void;
}
interface Package {
  default: {
    create(
      channels: number,
      inputRate: number,
      outputRate: number,
      options: { converterType: number },
    ): Promise<Converter>;
    ConverterType: { SRC_SINC_MEDIUM_QUALITY: number };
  };
}

const NAME = "@alexanderolsen/libsamplerate-js";

/** libsamplerate in WebAssembly: an instance for each stream, and float samples, so int16 is converted both ways. */
export async function libsampleratePeer(): Promise<Peer> {
  const { create, ConverterType } = ((await importPackage(NAME)) as Package).default;
  return {
    name: NAME,
    version: versionOf(NAME),
    setting: "SRC_SINC_MEDIUM_QUALITY",
    lowestSinadDb: 70,
    slack: 16,
    memoryStreams: 4,
    open: async ({ inputRate, outputRate }) => {
      const converterType = ConverterType.SRC_SINC_MEDIUM_QUALITY;
      const converter = await create(1, inputRate, outputRate, { converterType });
      const floats = new Float32Array(2048);
      const result = new Float32Array(4096);
      const made = { frames: 0 };
      return {
        process(input, output) {
          for (let i = 0; i < input.length; i++) floats[i] = input[i]! / 32_768;
          converter.full(floats.subarray(0, input.length), result, made);
          for (let i = 0; i < made.frames; i++) {
            const rounded = Math.round(result[i]! * 32_768);
            output[i] = rounded > 32_767 ? 32_767 : rounded < -32_768 ? -32_768 : rounded;
          }
          return output.subarray(0, made.frames);
        },
        close: () => converter.destroy(),
      };
    },
  };
}
