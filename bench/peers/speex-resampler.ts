import { Buffer } from "node:buffer";
import { importPackage, versionOf } from "./packages.ts";
import type { Peer } from "./peer.ts";

interface Package {
  default: {
    default: {
      new (
        channels: number,
        inputRate: number,
        outputRate: number,
        quality: number,
      ): { processChunk(chunk: Buffer): Buffer };
      initPromise: Promise<unknown>;
    };
  };
}

const NAME = "speex-resampler";
const QUALITY = 7;

/** npm speex-resampler: a wrapper around speexdsp in WebAssembly. It has no way to give a stream back. */
export async function speexResamplerPeer(): Promise<Peer> {
  const { default: Resampler } = ((await importPackage(NAME)) as Package).default;
  await Resampler.initPromise;
  return {
    name: NAME,
    version: versionOf(NAME),
    setting: `quality ${QUALITY}`,
    lowestSinadDb: 70,
    slack: 0,
    memoryStreams: 200,
    open: ({ inputRate, outputRate }) => {
      const resampler = new Resampler(1, inputRate, outputRate, QUALITY);
      return {
        process(input) {
          const result = resampler.processChunk(Buffer.from(input.buffer, input.byteOffset, input.byteLength));
          return new Int16Array(result.buffer, result.byteOffset, result.byteLength / 2);
        },
        close() {},
      };
    },
  };
}
