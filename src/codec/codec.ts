import { bytesFromBase64 } from "./base64.ts";
import { Core, type Engine, instantiate, instantiateAsync } from "./core.ts";
import { decodeWith, encodeWith } from "./g711.ts";
import { MediaReader, type MediaReaderOptions } from "./media-reader.ts";
import { MediaWriter, type MediaWriterOptions } from "./media-writer.ts";
import { assertSampleRate } from "./rates.ts";
import { Resampler } from "./resampler.ts";
import { assertProfile, type ResamplerProfile } from "./taps.ts";
import { createTwin } from "./twin/exports.ts";
import {
  assertWebAssembly,
  type CodecVariant,
  chooseVariant,
  compilationRefused,
  refusedOnMainThread,
  type WasmModule,
} from "./variant.ts";
import { scalarWasmBase64, simdWasmBase64 } from "./wasm.generated.ts";

export interface CodecOptions {
  /**
   * `auto` takes SIMD where the engine validates it, and plain JavaScript (`js`) where there is no WebAssembly or where
   * it may not be compiled: under a Content-Security-Policy without `'wasm-unsafe-eval'`, in an edge worker.
   */
  readonly variant?: "auto" | CodecVariant;
  /**
   * The compiled codec, for engines that may not compile from bytes (an AudioWorklet, an edge worker): the package's
   * `codec.simd.wasm` or `codec.scalar.wasm`. The variant is then whatever it is.
   */
  readonly module?: WasmModule;
}

export interface ResamplerOptions {
  /** `default` keeps more of the band, `low-delay` answers a third sooner. */
  readonly profile?: ResamplerProfile;
}

type WasmVariant = Exclude<CodecVariant, "js">;

/** Compiled once per process and variant; instances share it. */
const modules = new Map<WasmVariant, WebAssembly.Module>();

function moduleBytes(variant: WasmVariant): Uint8Array<ArrayBuffer> {
  return bytesFromBase64(variant === "simd" ? simdWasmBase64 : scalarWasmBase64);
}

/** An instance; the twin where none may be made at once. */
function instantiateOrTwin(module: WebAssembly.Module): Engine {
  try {
    return instantiate(module);
  } catch (cause) {
    if (refusedOnMainThread(cause)) return createTwin();
    throw cause;
  }
}

async function codecOfLater(module: WebAssembly.Module): Promise<Codec> {
  const first = await instantiateAsync(module);
  // Whoever meets a trap cannot wait for the next instance.
  return new Codec(() => instantiateOrTwin(module), first);
}

/** What becomes of a refusal: `auto` goes on in JavaScript, who named a variant is told. */
function refused(wanted: "auto" | CodecVariant, cause: unknown): Codec {
  if (wanted !== "auto") throw compilationRefused(wanted, cause);
  return new Codec(createTwin);
}

/**
 * Loads the codec without blocking the thread while it compiles. Works in Node, pages and workers.
 *
 * @throws CodecError `CODEC_UNSUPPORTED`, `CODEC_BAD_MODULE`
 *
 * @example
 * import { loadCodec } from "pipecat-wavix/codec";
 * const codec = await loadCodec();
 * const resampler = codec.createResampler(24000, 16000);
 * console.log(codec.variant, resampler.process(new Int16Array(480)).length); // "simd" 320
 */
export async function loadCodec(options: CodecOptions = {}): Promise<Codec> {
  if (options.module !== undefined) {
    assertWebAssembly();
    return codecOfLater(options.module as WebAssembly.Module);
  }
  const wanted = options.variant ?? "auto";
  const variant = chooseVariant(wanted);
  if (variant === "js") return new Codec(createTwin);
  let module = modules.get(variant);
  if (module === undefined) {
    try {
      module = await WebAssembly.compile(moduleBytes(variant));
    } catch (cause) {
      return refused(wanted, cause);
    }
    modules.set(variant, module);
  }
  return codecOfLater(module);
}

/**
 * Loads the codec at once: in Node and in workers. The main thread of a page must not wait in Chromium before 115: `auto`
 * is `js` there, and all else `CODEC_UNSUPPORTED`; use {@link loadCodec}.
 *
 * @throws CodecError `CODEC_UNSUPPORTED`, `CODEC_BAD_MODULE`
 *
 * @example
 * import { loadCodecSync } from "pipecat-wavix/codec";
 * using resampler = loadCodecSync().createResampler(8000, 24000, { profile: "low-delay" });
 * console.log(resampler.delayMs); // 4
 */
export function loadCodecSync(options: CodecOptions = {}): Codec {
  if (options.module !== undefined) {
    assertWebAssembly();
    const module = options.module as WebAssembly.Module;
    return new Codec(() => instantiate(module));
  }
  const wanted = options.variant ?? "auto";
  const variant = chooseVariant(wanted);
  if (variant === "js") return new Codec(createTwin);
  let module = modules.get(variant);
  if (module === undefined) {
    try {
      module = new WebAssembly.Module(moduleBytes(variant));
    } catch (cause) {
      return refused(wanted, cause);
    }
    modules.set(variant, module);
  }
  const compiled = module;
  return new Codec(() => (wanted === "auto" ? instantiateOrTwin(compiled) : instantiate(compiled)));
}

/**
 * One instance, of WebAssembly or of its twin in JavaScript, and all the streams it serves; one per thread is enough.
 *
 * Should the instance ever trap, the call that met it throws `CODEC_TRAP`, a new instance takes over, and every other
 * stream goes on from an empty past (counted in its `discontinuities`).
 *
 * @example
 * const codec = await loadCodec();
 * const calls = [16000, 8000].map((rate) => codec.createResampler(24000, rate));
 * console.log(codec.openResamplers, codec.traps); // 2 0
 * for (const resampler of calls) resampler.close();
 */
export class Codec {
  readonly #createEngine: () => Engine;
  #core: Core;
  #traps = 0;

  /** @internal */
  constructor(createEngine: () => Engine, first?: Engine) {
    this.#createEngine = createEngine;
    this.#core = this.#createCore(first === undefined ? createEngine : () => first);
  }

  #createCore(createEngine: () => Engine): Core {
    return new Core(createEngine, () => {
      this.#traps++;
    });
  }

  /** What really runs. */
  get variant(): CodecVariant {
    return this.#core.variant;
  }

  /** @internal The present instance; a new one when the last has failed. */
  get core(): Core {
    if (this.#core.failed) this.#core = this.#createCore(this.#createEngine);
    return this.#core;
  }

  /** How often the instance failed and was replaced. */
  get traps(): number {
    return this.#traps;
  }

  /** Resamplers that are open now, those of readers and writers included. */
  get openResamplers(): number {
    return this.#core.openCount;
  }

  /** Bytes of WebAssembly memory, all streams together; of the `js` variant: of its buffers for samples and taps. */
  get memoryByteLength(): number {
    return this.#core.byteLength;
  }

  /**
   * A streaming resampler from one of {@link SAMPLE_RATES} to another; equal rates copy.
   *
   * @throws RangeError on another rate or profile
   * @throws CodecError `CODEC_OUT_OF_MEMORY`
   */
  createResampler(inputRate: number, outputRate: number, options: ResamplerOptions = {}): Resampler {
    assertSampleRate("inputRate", inputRate);
    assertSampleRate("outputRate", outputRate);
    const { profile = "default" } = options;
    assertProfile(profile);
    return new Resampler(this, inputRate, outputRate, profile);
  }

  /**
   * Encodes PCM16 as G.711 µ-law: the same bits as the free function, which needs no codec but takes 2.7 times as long
   * for a packet of 160 samples, and 7 times for 1,600. Samples are taken by their upper 14 bits, rounded down.
   *
   * @param samples linear, any number of them
   * @param output where the codes go, one byte a sample; made anew when left out
   * @returns the bytes written, in `output` itself or a view of it
   * @throws TypeError for other arrays, RangeError when `output` is too short; nothing is written then
   * @throws CodecError `CODEC_TRAP`
   *
   * @example
   * const packet = new Uint8Array(160); // 20 ms at 8000 Hz
   * loadCodecSync().encodeMuLaw(new Int16Array(160), packet);
   */
  encodeMuLaw(samples: Int16Array, output?: Uint8Array): Uint8Array {
    return encodeWith(this, "encodeMuLaw", samples, output);
  }

  /** Decodes G.711 µ-law to PCM16, −32124 to 32124; arguments, result and errors as for {@link encodeMuLaw}. */
  decodeMuLaw(bytes: Uint8Array, output?: Int16Array): Int16Array {
    return decodeWith(this, "decodeMuLaw", bytes, output);
  }

  /** Encodes PCM16 as G.711 A-law, by the upper 13 bits; arguments, result and errors as for {@link encodeMuLaw}. */
  encodeALaw(samples: Int16Array, output?: Uint8Array): Uint8Array {
    return encodeWith(this, "encodeALaw", samples, output);
  }

  /** Decodes G.711 A-law to PCM16, −32256 to 32256; arguments, result and errors as for {@link encodeMuLaw}. */
  decodeALaw(bytes: Uint8Array, output?: Int16Array): Int16Array {
    return decodeWith(this, "decodeALaw", bytes, output);
  }

  /** A reader for the messages of one stream. */
  createMediaReader(options: MediaReaderOptions): MediaReader {
    return new MediaReader(this, options);
  }

  /** A writer for the messages of one stream. */
  createMediaWriter(options: MediaWriterOptions): MediaWriter {
    return new MediaWriter(this, options);
  }
}

let threadCodec: Codec | undefined;

/**
 * The codec of this thread, loaded at the first call. One serves any number of streams.
 *
 * @throws CodecError `CODEC_UNSUPPORTED`
 *
 * @example
 * import { defaultCodec } from "pipecat-wavix/codec";
 * console.log(defaultCodec() === defaultCodec(), defaultCodec().variant); // true "simd"
 */
export function defaultCodec(): Codec {
  threadCodec ??= loadCodecSync();
  return threadCodec;
}
