import type { Engine } from "../core.ts";
import { TwinBase64 } from "./base64.ts";
import { aLaw, decode, encode, muLaw } from "./g711.ts";
import {
  MESSAGE,
  MESSAGE_CAPACITY,
  OUT,
  OUT_CAPACITY,
  PCM,
  PCM_CAPACITY,
  PREFIX,
  PREFIX_CAPACITY,
  RESULT,
  TwinMemory,
} from "./layout.ts";
import { TwinMediaMessages } from "./media-message.ts";
import { mixToMono } from "./pcm16.ts";
import { TwinResamplers } from "./resampler.ts";

/**
 * The codec in plain TypeScript: what assembly/index.ts exports, with the same results to the bit, for engines without
 * WebAssembly and for comparison. No call on the hot path allocates.
 */
export function createTwin(): Engine {
  const memory = new TwinMemory();
  const base64 = new TwinBase64(memory);
  const resamplers = new TwinResamplers(memory);
  const messages = new TwinMediaMessages(memory, base64, resamplers);
  return {
    variant: "js",
    exports: {
      memory,
      resultAddress: () => RESULT,
      prefixAddress: () => PREFIX,
      prefixCapacity: () => PREFIX_CAPACITY,
      pcmAddress: () => PCM,
      pcmCapacity: () => PCM_CAPACITY,
      messageAddress: () => MESSAGE,
      messageCapacity: () => MESSAGE_CAPACITY,
      outAddress: () => OUT,
      outCapacity: () => OUT_CAPACITY,
      outsideByteLength: () => resamplers.byteLength,

      design: (interpolation, decimation, delayLowSamples, spanLowSamples, cutoff, beta) =>
        resamplers.design(interpolation, decimation, { delayLowSamples, spanLowSamples, cutoff, beta }),
      open: (table) => resamplers.open(table),
      reset: (handle) => (resamplers.reset(handle) ? 1 : 0),
      close: (handle) => (resamplers.close(handle) ? 1 : 0),

      convert(handle, frames, channels) {
        if (channels > 1) mixToMono(memory.samples, PCM / 2, frames, channels);
        if (handle !== 0) return resamplers.process(handle, frames);
        memory.samples.copyWithin(OUT / 2, PCM / 2, PCM / 2 + frames);
        return frames;
      },

      readMedia: (length, track, handle) => messages.readMedia(length, track, handle),
      readPayload: (length, handle) => messages.readPayload(length, handle),
      writeMedia: (prefixLength, packetBytes, packets) => messages.writeMedia(prefixLength, packetBytes, packets),
      encodeMuLaw: (count) => encode(muLaw(), memory.samples, OUT / 2, memory.bytes, MESSAGE, count),
      decodeMuLaw: (count) => decode(muLaw(), memory.bytes, MESSAGE, memory.samples, PCM / 2, count),
      encodeALaw: (count) => encode(aLaw(), memory.samples, OUT / 2, memory.bytes, MESSAGE, count),
      decodeALaw: (count) => decode(aLaw(), memory.bytes, MESSAGE, memory.samples, PCM / 2, count),
      encodeBase64: (byteLength) => base64.encode(PCM, byteLength, OUT) - OUT,
      decodeBase64(length) {
        const byteLength = base64.decode(MESSAGE, MESSAGE + length, PCM);
        return base64.stop === MESSAGE + length ? byteLength : -1;
      },
    },
  };
}
