import { importPackage, versionOf } from "./packages.ts";
import type { Peer } from "./peer.ts";

interface Module {
  HEAP16: Int16Array;
  HEAPU32: Uint32Array;
  _malloc(byteLength: number): number;
  _speex_resampler_init(
    channels: number,
    inputRate: number,
    outputRate: number,
    quality: number,
    error: number,
  ): number;
  _speex_resampler_destroy(state: number): void;
  _speex_resampler_process_int(
    state: number,
    channel: number,
    input: number,
    inputLength: number,
    output: number,
    outputLength: number,
  ): number;
}

const NAME = "@echogarden/speex-resampler-wasm";
const QUALITY = 7;
const CAPACITY = 2048;

/** speexdsp in WebAssembly with SIMD, bare exports: the copying in and out is done here, in one buffer for all. */
export async function speexWasmPeer(): Promise<Peer> {
  const { default: create } = (await importPackage(`${NAME}/simd`)) as { default: () => Promise<Module> };
  const module = await create();
  const input = module._malloc(CAPACITY * 2);
  const output = module._malloc(CAPACITY * 2);
  const lengths = module._malloc(8);
  return {
    name: NAME,
    version: versionOf(NAME),
    setting: `SIMD build, quality ${QUALITY}`,
    lowestSinadDb: 70,
    slack: 16,
    memoryStreams: 200,
    open: ({ inputRate, outputRate }) => {
      const state = module._speex_resampler_init(1, inputRate, outputRate, QUALITY, lengths);
      return {
        process(samples, target) {
          module.HEAP16.set(samples, input / 2);
          module.HEAPU32[lengths / 4] = samples.length;
          module.HEAPU32[lengths / 4 + 1] = target.length;
          module._speex_resampler_process_int(state, 0, input, lengths, output, lengths + 4);
          const count = module.HEAPU32[lengths / 4 + 1]!;
          target.set(module.HEAP16.subarray(output / 2, output / 2 + count));
          return target.subarray(0, count);
        },
        close: () => module._speex_resampler_destroy(state),
      };
    },
  };
}
