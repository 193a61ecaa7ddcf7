import type { Core } from "./core.ts";
import { CodecError } from "./errors.ts";
import { PcmQueue } from "./pcm-queue.ts";
import { assertSampleRate, packetSampleCount } from "./rates.ts";
import { type CoreOwner, ResamplerSlot } from "./slot.ts";
import { assertProfile, filterDelaySamples, type ResamplerProfile } from "./taps.ts";

export interface MediaWriterOptions {
  /** Rate of the audio in the messages, in Hz; 24000 on Wavix. */
  readonly wireSampleRate: number;
  /** Named in every message once known. */
  readonly streamId?: string;
  readonly profile?: ResamplerProfile;
}

const MAX_CHANNELS = 8;
const MAX_STREAM_ID_LENGTH = 200;

/**
 * Writes the audio of one Wavix stream: any audio in, media messages of exactly 20 ms out.
 * What does not fill a packet waits for the next audio, or for {@link flush}.
 *
 * The queue has no bound of its own: who pushes more than it takes out must look at `queuedSampleCount`.
 *
 * Made by {@link Codec.createMediaWriter}.
 *
 * @example
 * const writer = codec.createMediaWriter({ wireSampleRate: 24000, streamId: "str-456" });
 * writer.push(speech, 16000, 1);
 * writer.flush();
 * for (let message = writer.takeMessage(); message !== null; message = writer.takeMessage()) socket.send(message);
 */
export class MediaWriter {
  readonly wireSampleRate: number;
  /** Samples in one packet: 480 at 24 kHz. */
  readonly packetSampleCount: number;
  readonly #owner: CoreOwner;
  readonly #profile: ResamplerProfile;
  readonly #queue: PcmQueue;
  #slot: ResamplerSlot | undefined;
  #channels = 0;
  /** Bytes of a sample frame whose rest has not come yet. */
  readonly #carry = new Uint8Array(2 * MAX_CHANNELS);
  #carryLength = 0;
  /** Whether the resampler remembers anything. */
  #sounding = false;
  #streamId: string | undefined;
  #prefix: Uint8Array = EMPTY;
  #discontinuities = 0;
  #closed = false;

  /** @internal */
  constructor(owner: CoreOwner, options: MediaWriterOptions) {
    this.packetSampleCount = packetSampleCount("wireSampleRate", options.wireSampleRate);
    this.wireSampleRate = options.wireSampleRate;
    this.#queue = new PcmQueue(this.packetSampleCount);
    this.#owner = owner;
    const { profile = "default" } = options;
    assertProfile(profile);
    this.#profile = profile;
    this.streamId = options.streamId;
  }

  get streamId(): string | undefined {
    return this.#streamId;
  }
  /** @throws RangeError above 200 characters */
  set streamId(streamId: string | undefined) {
    if (streamId !== undefined && streamId.length > MAX_STREAM_ID_LENGTH) {
      throw new RangeError(`streamId must have at most ${MAX_STREAM_ID_LENGTH} characters, got ${streamId.length}`);
    }
    this.#streamId = streamId;
    const named = streamId === undefined ? "" : `"stream_id":${JSON.stringify(streamId)},`;
    this.#prefix = new TextEncoder().encode(`{"event":"media",${named}"media":{"payload":"`);
  }

  /** Bytes of one message. */
  get messageByteLength(): number {
    return this.#prefix.length + Math.ceil((this.packetSampleCount * 2) / 3) * 4 + 3;
  }

  /** The beginning of each message, up to its base64; another array whenever it changes. Not to be written to. */
  get messagePrefix(): Uint8Array {
    return this.#prefix;
  }

  /** Whole packets that can be taken now. */
  get packetCount(): number {
    return Math.floor(this.#queue.length / this.packetSampleCount);
  }

  /** Samples at the wire rate that wait, whole packets and the rest. */
  get queuedSampleCount(): number {
    return this.#queue.length;
  }

  /** Whether something waits that is not a whole packet: samples, or the end of the sound in the resampler. */
  get hasRest(): boolean {
    const resamples = this.#slot !== undefined && this.#slot.inputRate !== this.#slot.outputRate;
    return this.#queue.length % this.packetSampleCount !== 0 || (resamples && this.#sounding);
  }

  /** How often the audio had to start afresh because the codec's instance failed; see `CODEC_TRAP`. */
  get discontinuities(): number {
    return this.#discontinuities + (this.#slot?.discontinuities ?? 0);
  }

  /**
   * Takes audio: mixes it to mono, resamples it, queues it.
   *
   * @param audio interleaved samples, or their bytes in little-endian order; an incomplete sample frame at the end
   *   waits for its rest, an odd byte only for more bytes
   * @param sampleRate in Hz, one of the listed rates; a change ends the sound at the old rate properly
   * @param numChannels 1 to 8
   * @throws TypeError for other audio, RangeError for another rate or channel count
   * @throws CodecError `CODEC_CLOSED`, `CODEC_TRAP`
   */
  push(audio: Int16Array | Uint8Array, sampleRate: number, numChannels = 1): void {
    if (!(audio instanceof Int16Array) && !(audio instanceof Uint8Array)) {
      throw new TypeError(`audio must be an Int16Array or a Uint8Array, got ${Object.prototype.toString.call(audio)}`);
    }
    const slot = this.#slotFor(sampleRate, numChannels);
    if (audio instanceof Int16Array) {
      // An odd byte before whole samples is one that lost its other half: kept, it would swap the bytes of all that follow.
      this.#carryLength -= this.#carryLength % 2;
      if (numChannels === 1) this.#pushMono(slot, audio);
      else this.#pushBytes(slot, new Uint8Array(audio.buffer, audio.byteOffset, audio.byteLength), numChannels);
    } else this.#pushBytes(slot, audio, numChannels);
  }

  #pushMono(slot: ResamplerSlot, samples: Int16Array): void {
    for (let start = 0; start < samples.length; ) {
      const handle = slot.handle("media writer");
      const { core } = this.#owner;
      const count = Math.min(core.pcmCapacity, samples.length - start);
      const part = count === samples.length ? samples : samples.subarray(start, start + count);
      start += count;
      if (slot.inputRate === slot.outputRate) this.#queue.push(part);
      else {
        core.pcm.set(part);
        this.#convert(core, handle, count, 1);
      }
      this.#sounding = true;
    }
  }

  #pushBytes(slot: ResamplerSlot, bytes: Uint8Array, numChannels: number): void {
    const frameBytes = 2 * numChannels;
    for (let start = 0; start < bytes.length; ) {
      const handle = slot.handle("media writer");
      const { core } = this.#owner;
      const target = core.pcmBytes;
      const capacity = target.length - (target.length % frameBytes);
      const count = Math.min(capacity - this.#carryLength, bytes.length - start);
      for (let i = 0; i < this.#carryLength; i++) target[i] = this.#carry[i] as number;
      target.set(count === bytes.length ? bytes : bytes.subarray(start, start + count), this.#carryLength);
      start += count;
      const available = this.#carryLength + count;
      this.#carryLength = available % frameBytes;
      const whole = available - this.#carryLength;
      for (let i = 0; i < this.#carryLength; i++) this.#carry[i] = target[whole + i] as number;
      this.#convert(core, handle, whole / frameBytes, numChannels);
      this.#sounding = true;
    }
  }

  #convert(core: Core, handle: number, frames: number, numChannels: number): void {
    const count = core.convert(handle, frames, numChannels);
    this.#queue.push(core.output(count));
  }

  #slotFor(sampleRate: number, numChannels: number): ResamplerSlot {
    if (this.#closed) throw new CodecError("CODEC_CLOSED", "the media writer is closed");
    assertSampleRate("sampleRate", sampleRate);
    if (!Number.isInteger(numChannels) || numChannels < 1 || numChannels > MAX_CHANNELS) {
      throw new RangeError(`numChannels must be 1 to ${MAX_CHANNELS}, got ${String(numChannels)}`);
    }
    if (numChannels !== this.#channels) {
      this.#carryLength = 0;
      this.#channels = numChannels;
    }
    if (this.#slot === undefined || this.#slot.inputRate !== sampleRate) {
      this.#endSound();
      const slot = new ResamplerSlot(this.#owner, sampleRate, this.wireSampleRate, this.#profile);
      this.#discontinuities += this.#slot?.discontinuities ?? 0;
      this.#slot?.close();
      this.#slot = slot;
    }
    return this.#slot;
  }

  /** Gets the last of the sound out of the resampler. */
  #endSound(): void {
    this.#carryLength = 0;
    const slot = this.#slot;
    if (slot === undefined || slot.inputRate === slot.outputRate || !this.#sounding) return;
    this.#sounding = false;
    const handle = slot.handle("media writer");
    const { core } = this.#owner;
    const tail = Math.ceil(filterDelaySamples(slot.inputRate, slot.outputRate, slot.profile));
    core.pcm.fill(0, 0, tail);
    this.#convert(core, handle, tail, 1);
    slot.reset("media writer");
  }

  /** The utterance is over: the resampler's last samples come out, and silence fills the last packet. */
  flush(): void {
    if (this.#closed) return;
    this.#endSound();
    const rest = this.#queue.length % this.packetSampleCount;
    if (rest > 0) this.#queue.pushSilence(this.packetSampleCount - rest);
  }

  /** Drops all that waits and all that the resampler remembers; the number of dropped samples. */
  clear(): number {
    if (this.#closed) return 0;
    this.#carryLength = 0;
    this.#slot?.reset("media writer");
    this.#sounding = false;
    return this.#queue.clear();
  }

  /**
   * Writes up to `count` messages one behind the other.
   *
   * @param target where the messages go; each takes {@link messageByteLength} bytes
   * @param prefix written before each message instead of its own beginning; for who frames messages himself
   * @returns how many messages were written
   */
  takeMessages(target: Uint8Array, count: number, prefix: Uint8Array = this.#prefix): number {
    if (this.#closed) throw new CodecError("CODEC_CLOSED", "the media writer is closed");
    const { core } = this.#owner;
    const byteLength = this.messageByteLength - this.#prefix.length + prefix.length;
    if (prefix.length > core.prefixCapacity) {
      throw new RangeError(`prefix must have at most ${core.prefixCapacity} bytes, got ${prefix.length}`);
    }
    const atOnce = Math.floor(core.pcmCapacity / this.packetSampleCount);
    const total = Math.min(count, this.packetCount, Math.floor(target.length / byteLength));
    for (let done = 0; done < total; ) {
      const packets = Math.min(total - done, atOnce, Math.floor(core.outCapacity / byteLength));
      core.prefix.set(prefix);
      this.#queue.shift(core.pcm, packets);
      try {
        const written = core.exports.writeMedia(prefix.length, this.packetSampleCount * 2, packets);
        target.set(core.outputBytes(written), done * byteLength);
      } catch (cause) {
        throw core.trapped(cause);
      }
      done += packets;
    }
    return total;
  }

  /** The next packet as a text message; null when no packet is full. */
  takeMessage(): string | null {
    if (this.packetCount === 0) return null;
    const bytes = new Uint8Array(this.messageByteLength);
    this.takeMessages(bytes, 1);
    decoder ??= new TextDecoder();
    return decoder.decode(bytes);
  }

  /** Gives the memory back. Closing twice is no mistake. */
  close(): void {
    this.#closed = true;
    this.#slot?.close();
    this.#queue.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

const EMPTY = new Uint8Array(0);
let decoder: TextDecoder | undefined;
