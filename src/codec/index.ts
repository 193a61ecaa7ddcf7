/**
 * The codec: streaming resampling, PCM16 packets, base64 and Wavix media messages, in WebAssembly.
 * One self-contained ES module for Node, browsers and workers.
 *
 * @module pipecat-wavix/codec
 */
export { Codec, type CodecOptions, defaultCodec, loadCodec, loadCodecSync, type ResamplerOptions } from "./codec.ts";
export { CodecError, type CodecErrorCode } from "./errors.ts";
export { MediaReader, type MediaReaderOptions, type MediaReadStatus, type Track } from "./media-reader.ts";
export { MediaWriter, type MediaWriterOptions } from "./media-writer.ts";
export { SAMPLE_RATES } from "./rates.ts";
export { Resampler } from "./resampler.ts";
export type { ResamplerProfile } from "./taps.ts";
export type { CodecVariant, WasmModule } from "./variant.ts";
