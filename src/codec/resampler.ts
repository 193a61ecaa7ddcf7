import { type CoreOwner, ResamplerSlot } from "./slot.ts";
import { filterDelaySamples, greatestCommonDivisor, type ResamplerProfile } from "./taps.ts";

/**
 * A streaming resampler for mono int16: any split of the input gives the same samples, after n inputs exactly
 * `ceil(n · outputRate / inputRate)` outputs have come, and nothing is held back beyond the filter's delay.
 *
 * Made by {@link Codec.createResampler}.
 *
 * @example
 * const codec = loadCodecSync();
 * using resampler = codec.createResampler(24000, 16000);
 * const packet = resampler.process(new Int16Array(480));   // 320 samples
 */
export class Resampler {
  readonly inputRate: number;
  readonly outputRate: number;
  readonly profile: ResamplerProfile;
  /** How much later a sound comes out than it went in, in ms; nothing else is held back. */
  readonly delayMs: number;
  readonly #slot: ResamplerSlot;
  readonly #owner: CoreOwner;
  readonly #interpolation: number;
  readonly #decimation: number;
  /** Inputs so far, modulo decimation: after that many the phases repeat. */
  #position = 0;
  #discontinuities = 0;

  /** @internal */
  constructor(owner: CoreOwner, inputRate: number, outputRate: number, profile: ResamplerProfile) {
    this.inputRate = inputRate;
    this.outputRate = outputRate;
    this.profile = profile;
    const divisor = greatestCommonDivisor(inputRate, outputRate);
    this.#interpolation = outputRate / divisor;
    this.#decimation = inputRate / divisor;
    this.delayMs = (filterDelaySamples(inputRate, outputRate, profile) * 1000) / inputRate;
    this.#owner = owner;
    this.#slot = new ResamplerSlot(owner, inputRate, outputRate, profile);
  }

  /** How often the stream had to start afresh because the codec's instance failed; see `CODEC_TRAP`. */
  get discontinuities(): number {
    return this.#slot.discontinuities;
  }

  /** The slot's handle; after the instance was replaced, the stream begins anew. */
  #handle(): number {
    const handle = this.#slot.handle("resampler");
    if (this.#slot.discontinuities !== this.#discontinuities) {
      this.#discontinuities = this.#slot.discontinuities;
      this.#position = 0;
    }
    return handle;
  }

  /** How many samples the next `inputLength` inputs will give. */
  outputLength(inputLength: number): number {
    this.#handle();
    return this.#outputsAfter(this.#position + inputLength) - this.#outputsAfter(this.#position);
  }

  #outputsAfter(inputs: number): number {
    return Math.ceil((inputs * this.#interpolation) / this.#decimation);
  }

  /**
   * Resamples `input`.
   *
   * @param input mono int16 samples at `inputRate`; any length, also 0
   * @param output where the result goes; made anew when left out
   * @returns the samples written, in `output` itself or a view of it
   * @throws RangeError when `output` is too short; nothing is consumed then
   * @throws CodecError `CODEC_CLOSED`, `CODEC_TRAP`
   */
  process(input: Int16Array, output?: Int16Array): Int16Array {
    if (!(input instanceof Int16Array)) throw new TypeError(`input must be an Int16Array, got ${typeof input}`);
    const handle = this.#handle();
    const length = this.outputLength(input.length);
    if (output !== undefined && output.length < length) {
      throw new RangeError(`output must hold ${length} samples, got room for ${output.length}`);
    }
    const result = output ?? new Int16Array(length);
    const { core } = this.#owner;
    for (let start = 0, written = 0; start < input.length; start += core.pcmCapacity) {
      const count = Math.min(core.pcmCapacity, input.length - start);
      core.pcm.set(count === input.length ? input : input.subarray(start, start + count));
      const outputs = core.convert(handle, count, 1);
      result.set(core.output(outputs), written);
      written += outputs;
    }
    this.#position = (this.#position + input.length) % this.#decimation;
    return result.length === length ? result : result.subarray(0, length);
  }

  /**
   * Resamples floating-point samples, as Web Audio has them: 1 is full scale. The stream is the same as that of
   * {@link process}, and the two may take turns: a sample x goes in as the int16 nearest to 32768 · x (halves go up;
   * beyond −32768 or 32767 it is clipped; NaN is 0), and an int16 comes out divided by 32768, in [−1, 1).
   *
   * @param input mono samples at `inputRate`; any length, also 0
   * @param output where the result goes; made anew when left out
   * @returns the samples written, in `output` itself or a view of it
   * @throws RangeError when `output` is too short; nothing is consumed then
   * @throws CodecError `CODEC_CLOSED`, `CODEC_TRAP`
   *
   * @example
   * using resampler = loadCodecSync().createResampler(48000, 24000);
   * const quantum = new Float32Array(128); // an AudioWorklet's
   * console.log(resampler.processFloat32(quantum).length); // 64
   */
  processFloat32(input: Float32Array, output?: Float32Array): Float32Array {
    if (!(input instanceof Float32Array)) throw new TypeError(`input must be a Float32Array, got ${typeof input}`);
    const handle = this.#handle();
    const length = this.outputLength(input.length);
    if (output !== undefined && output.length < length) {
      throw new RangeError(`output must hold ${length} samples, got room for ${output.length}`);
    }
    const result = output ?? new Float32Array(length);
    const { core } = this.#owner;
    for (let start = 0, written = 0; start < input.length; start += core.pcmCapacity) {
      const count = Math.min(core.pcmCapacity, input.length - start);
      const { pcm } = core;
      for (let i = 0; i < count; i++) {
        const rounded = Math.floor(input[start + i]! * 32_768 + 0.5);
        // NaN passes both comparisons, and an Int16Array keeps it as 0.
        pcm[i] = rounded > 32_767 ? 32_767 : rounded < -32_768 ? -32_768 : rounded;
      }
      const outputs = core.convert(handle, count, 1);
      const { out } = core;
      for (let i = 0; i < outputs; i++) result[written++] = out[i]! / 32_768;
    }
    this.#position = (this.#position + input.length) % this.#decimation;
    return result.length === length ? result : result.subarray(0, length);
  }

  /** Ends the stream: the last {@link delayMs} of sound, and the resampler is as new. */
  flush(): Int16Array {
    const tail = this.process(new Int16Array(this.#tailLength));
    this.reset();
    return tail;
  }

  /**
   * As {@link flush}, in floating-point samples.
   *
   * @example
   * using resampler = loadCodecSync().createResampler(48000, 24000);
   * const speech = resampler.processFloat32(new Float32Array(4800));
   * const end = resampler.flushFloat32();
   * console.log(speech.length, end.length); // 2400 48
   */
  flushFloat32(): Float32Array {
    const tail = this.processFloat32(new Float32Array(this.#tailLength));
    this.reset();
    return tail;
  }

  /** Inputs until the last sound is out. */
  get #tailLength(): number {
    return Math.ceil(filterDelaySamples(this.inputRate, this.outputRate, this.profile));
  }

  /** Forgets the past, without giving it out. */
  reset(): void {
    this.#slot.reset("resampler");
    this.#position = 0;
  }

  /** Gives the memory back. Closing twice is no mistake; using it afterwards is (`CODEC_CLOSED`). */
  close(): void {
    this.#slot.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
