/**
 * The codec: streaming resampling, PCM16 packets, base64 and Wavix media messages, in WebAssembly or,
 * bit for bit the same, in plain JavaScript; G.711 beside it.
 * One self-contained ES module for Node, browsers and workers.
 *
 * @module pipecat-wavix/codec
 */
export { Codec, type CodecOptions, defaultCodec, loadCodec, loadCodecSync, type ResamplerOptions } from "./codec.ts";
export { CodecError, type CodecErrorCode } from "./errors.ts";
export { decodeALaw, decodeMuLaw, encodeALaw, encodeMuLaw } from "./g711.ts";
export {
  type MediaGate,
  MediaReader,
  type MediaReaderOptions,
  type MediaReadStatus,
  type Track,
} from "./media-reader.ts";
export { MediaWriter, type MediaWriterOptions } from "./media-writer.ts";
export { type ResampleOptions, resample } from "./one-shot.ts";
export { SAMPLE_RATES } from "./rates.ts";
export { Resampler } from "./resampler.ts";
export type { ResamplerProfile } from "./taps.ts";
export { createResamplerStream, type ResamplerStreamOptions } from "./transform-stream.ts";
export type { CodecVariant, WasmModule } from "./variant.ts";
