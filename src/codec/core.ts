import { instantiate as instantiateLater, instantiateSync } from "@assemblyscript/loader";
import { Beginnings } from "./beginnings.ts";
import { CodecError } from "./errors.ts";
import { greatestCommonDivisor, PROFILES, type ResamplerProfile } from "./taps.ts";
import { type CodecVariant, mainThreadRefused, refusedOnMainThread } from "./variant.ts";

/** The exports of assembly/index.ts. Addresses and handles come back signed; handles are only ever passed on. */
export interface Exports {
  /** Its buffer is replaced when it grows. */
  readonly memory: { readonly buffer: ArrayBuffer };
  resultAddress(): number;
  prefixAddress(): number;
  prefixCapacity(): number;
  pcmAddress(): number;
  pcmCapacity(): number;
  messageAddress(): number;
  messageCapacity(): number;
  outAddress(): number;
  outCapacity(): number;
  design(
    interpolation: number,
    decimation: number,
    delayLowSamples: number,
    spanLowSamples: number,
    cutoff: number,
    beta: number,
  ): number;
  open(table: number): number;
  reset(handle: number): number;
  close(handle: number): number;
  convert(handle: number, frames: number, channels: number): number;
  readMedia(length: number, track: number, handle: number): number;
  readPayload(length: number, handle: number): number;
  writeMedia(prefixLength: number, packetBytes: number, packets: number): number;
  encodeMuLaw(count: number): void;
  decodeMuLaw(count: number): void;
  encodeALaw(count: number): void;
  decodeALaw(count: number): void;
  encodeBase64(byteLength: number): number;
  decodeBase64(length: number): number;
  /** The twin's alone: bytes of its slots, which lie outside its memory. */
  outsideByteLength?(): number;
}

/** What a {@link Core} runs on: a WebAssembly instance, or the twin in twin/exports.ts. */
export interface Engine {
  readonly variant: CodecVariant;
  readonly exports: Exports;
}

// The loader's own wrappers cost 35 ns a call; its job here is the instance.
function engineOf({ instance }: { readonly instance: WebAssembly.Instance }): Engine {
  const exports = instance.exports as unknown as Exports & { simd(): number };
  return { variant: exports.simd() === 0 ? "scalar" : "simd", exports };
}

/** An instance of the module; throws what the engine throws. */
export function instantiate(module: WebAssembly.Module): Engine {
  return engineOf(instantiateSync(module, {}));
}

/** The same where nobody may be kept waiting; rejects as {@link Core} throws. */
export async function instantiateAsync(module: WebAssembly.Module): Promise<Engine> {
  try {
    return engineOf(await instantiateLater(module, {}));
  } catch (cause) {
    throw startFailed(cause);
  }
}

function startFailed(cause: unknown): CodecError {
  if (refusedOnMainThread(cause)) return mainThreadRefused(cause);
  if (cause instanceof RangeError) return new CodecError("CODEC_OUT_OF_MEMORY", "no memory for the codec", { cause });
  return new CodecError("CODEC_BAD_MODULE", "the module is not a pipecat-wavix codec of this version", { cause });
}

/**
 * One engine, a WebAssembly instance or the twin: its memory, the views on it, and its calls.
 *
 * Whatever a call throws goes to {@link Core.trapped}: what the instance computes may be wrong from then on, so it is
 * never asked again.
 */
export class Core {
  readonly exports: Exports;
  readonly variant: CodecVariant;
  readonly messageCapacity: number;
  readonly pcmCapacity: number;
  readonly prefixCapacity: number;
  readonly outCapacity: number;
  /** Set by the trap that ended this instance. */
  failed = false;
  /** Open slots; what a test counts to find a leak. */
  openCount = 0;

  /** Where PCM16 input goes. */
  pcm!: Int16Array<ArrayBuffer>;
  pcmBytes!: Uint8Array<ArrayBuffer>;
  /** Where PCM16 output appears. */
  out!: Int16Array<ArrayBuffer>;
  /** Where outgoing messages appear. */
  outBytes!: Uint8Array<ArrayBuffer>;
  /** Where an incoming message goes. */
  message!: Uint8Array<ArrayBuffer>;
  /** Where the start of outgoing messages goes. */
  prefix!: Uint8Array<ArrayBuffer>;
  /** Addresses and lengths found by `readMedia`, see assembly/media-message.ts. */
  result!: Uint32Array<ArrayBuffer>;
  resultNumbers!: Float64Array<ArrayBuffer>;
  #pcmBeginnings!: Beginnings<Int16Array<ArrayBuffer>>;
  #outBeginnings!: Beginnings<Int16Array<ArrayBuffer>>;
  #outBytesBeginnings!: Beginnings<Uint8Array<ArrayBuffer>>;
  #messageBeginnings!: Beginnings<Uint8Array<ArrayBuffer>>;
  #buffer: ArrayBuffer | undefined;
  readonly #pcmAddress: number;
  readonly #outAddress: number;
  readonly #messageAddress: number;
  readonly #prefixAddress: number;
  readonly #resultAddress: number;
  /** Tap tables are shared by all streams of a pair of rates and a profile. */
  readonly #tableAddresses = new Map<string, number>();
  readonly #onTrap: () => void;

  constructor(createEngine: () => Engine, onTrap: () => void) {
    this.#onTrap = onTrap;
    try {
      const { exports, variant } = createEngine();
      this.exports = exports;
      this.variant = variant;
      this.#pcmAddress = exports.pcmAddress();
      this.#outAddress = exports.outAddress();
      this.#messageAddress = exports.messageAddress();
      this.#prefixAddress = exports.prefixAddress();
      this.#resultAddress = exports.resultAddress();
      this.messageCapacity = exports.messageCapacity();
      this.pcmCapacity = exports.pcmCapacity();
      this.prefixCapacity = exports.prefixCapacity();
      this.outCapacity = exports.outCapacity();
      this.#refreshViews();
    } catch (cause) {
      throw startFailed(cause);
    }
  }

  /** Memory of all streams together. */
  get byteLength(): number {
    return this.exports.memory.buffer.byteLength + (this.exports.outsideByteLength?.() ?? 0);
  }

  /**
   * Memory that grows leaves its old views behind. Only {@link open} makes it grow, so that is where this is called:
   * to ask for `memory.buffer` at each message would cost 45 ns each time.
   */
  #refreshViews(): void {
    const { buffer } = this.exports.memory;
    if (this.#buffer === buffer) return;
    this.#buffer = buffer;
    this.pcm = new Int16Array(buffer, this.#pcmAddress, this.pcmCapacity);
    this.pcmBytes = new Uint8Array(buffer, this.#pcmAddress, this.pcmCapacity * 2);
    this.out = new Int16Array(buffer, this.#outAddress, this.outCapacity / 2);
    this.outBytes = new Uint8Array(buffer, this.#outAddress, this.outCapacity);
    this.message = new Uint8Array(buffer, this.#messageAddress, this.messageCapacity);
    this.prefix = new Uint8Array(buffer, this.#prefixAddress, this.prefixCapacity);
    this.result = new Uint32Array(buffer, this.#resultAddress, 16);
    this.resultNumbers = new Float64Array(buffer, this.#resultAddress, 4);
    this.#pcmBeginnings = new Beginnings(this.pcm);
    this.#outBeginnings = new Beginnings(this.out);
    this.#outBytesBeginnings = new Beginnings(this.outBytes);
    this.#messageBeginnings = new Beginnings(this.message);
  }

  /** The first samples of {@link pcm}. */
  input(sampleCount: number): Int16Array<ArrayBuffer> {
    return this.#pcmBeginnings.of(sampleCount);
  }
  /** The first bytes of {@link message}. */
  messageBytes(byteLength: number): Uint8Array<ArrayBuffer> {
    return this.#messageBeginnings.of(byteLength);
  }
  /** The first samples of {@link out}. */
  output(sampleCount: number): Int16Array<ArrayBuffer> {
    return this.#outBeginnings.of(sampleCount);
  }
  /** The first bytes of {@link outBytes}. */
  outputBytes(byteLength: number): Uint8Array<ArrayBuffer> {
    return this.#outBytesBeginnings.of(byteLength);
  }
  /** The samples whose address `readMedia` left in RESULT. */
  audio(sampleCount: number): Int16Array<ArrayBuffer> {
    return this.result[0] === this.#outAddress ? this.output(sampleCount) : this.input(sampleCount);
  }
  /** ASCII text in memory, by the address and length that `readMedia` left in RESULT. */
  text(address: number, length: number): string {
    const start = address - this.#messageAddress;
    // At once: a text that is put together keeps all its parts.
    return String.fromCharCode(...this.message.subarray(start, start + length));
  }

  /** To be called with what a call into the instance threw: retires it. */
  trapped(cause: unknown): CodecError {
    if (cause instanceof CodecError) return cause;
    if (!this.failed) {
      this.failed = true;
      this.#onTrap();
    }
    return new CodecError("CODEC_TRAP", "the codec's instance failed and was replaced", { cause });
  }

  /** PCM → `out`, mixed to mono and resampled; how many samples. */
  convert(handle: number, frames: number, channels: number): number {
    try {
      const count = this.exports.convert(handle, frames, channels);
      // Slots keep their handles fresh, so the instance has lost its mind.
      if (count < 0) throw new Error(`the codec answered ${count}`);
      return count;
    } catch (cause) {
      throw this.trapped(cause);
    }
  }

  /** Opens a resampler and returns its handle. */
  open(inputRate: number, outputRate: number, profile: ResamplerProfile): number {
    try {
      const handle = this.exports.open(this.#tableAddress(inputRate, outputRate, profile));
      if (handle === 0) throw outOfMemory();
      this.openCount++;
      return handle;
    } catch (cause) {
      throw this.trapped(cause);
    } finally {
      this.#refreshViews();
    }
  }

  #tableAddress(inputRate: number, outputRate: number, profile: ResamplerProfile): number {
    const key = `${inputRate}/${outputRate}/${profile}`;
    const known = this.#tableAddresses.get(key);
    if (known !== undefined) return known;
    const divisor = greatestCommonDivisor(inputRate, outputRate);
    const { delayLowSamples, spanLowSamples, cutoff, beta } = PROFILES[profile];
    const address = this.exports.design(
      outputRate / divisor,
      inputRate / divisor,
      delayLowSamples,
      spanLowSamples,
      cutoff,
      beta,
    );
    if (address === 0) throw outOfMemory();
    this.#tableAddresses.set(key, address);
    return address;
  }

  /** Gives a resampler's slot back. A stale handle is refused without harm. */
  close(handle: number): void {
    if (!this.failed && this.exports.close(handle) !== 0) this.openCount--;
  }
}

function outOfMemory(): CodecError {
  return new CodecError(
    "CODEC_OUT_OF_MEMORY",
    "no memory left for another resampler; close some, or use another codec",
  );
}
