import { assertSampleRate } from "./rates.ts";
import { type CoreOwner, ResamplerSlot } from "./slot.ts";
import { assertProfile, type ResamplerProfile } from "./taps.ts";

/** A leg of the call: `inbound` is what the caller says, `outbound` what the caller hears. */
export type Track = "inbound" | "outbound";

/**
 * What {@link MediaReader.read} found:
 * - `audio`: a media message; its samples are in `audio`
 * - `other-track`: a media message of the leg that was not asked for
 * - `message`: JSON, but not media; it is in `message`
 * - `left-out`: a media message that the gate did not admit
 * - the rest: nothing, and why
 */
export type MediaReadStatus =
  | "audio"
  | "other-track"
  | "message"
  | "left-out"
  | "bad-json"
  | "not-an-object"
  | "bad-media"
  | "bad-base64"
  | "odd-length"
  | "oversized";

/**
 * Looks at each media message before its audio reaches the resampler: what came twice must leave no trace in it, and
 * what is missing is to be put in where it belongs.
 *
 * @example
 * const gate: MediaGate = { admit: ({ chunk }) => (seen.has(chunk) ? null : NOTHING) };
 */
export interface MediaGate {
  /**
   * @param reader has the message's numbers and its track
   * @param samples of the message, at the wire's rate; only lent
   * @returns samples at the wire's rate that go before it, none as a rule; null leaves the message out
   */
  admit(reader: MediaReader, samples: Int16Array): Int16Array | null;
}

export interface MediaReaderOptions {
  /** Rate of the audio in the messages, in Hz; 24000 on Wavix. */
  readonly wireSampleRate: number;
  /** Rate of the audio that is wanted, in Hz. */
  readonly sampleRate: number;
  readonly profile?: ResamplerProfile;
}

// assembly/media-message.ts
const UNKNOWN = -1;
const OTHER_TRACK = -2;
const BAD_BASE64 = -3;
const ODD_LENGTH = -4;
const TRACK_NUMBERS = { inbound: 1, outbound: 2 } as const;

/**
 * Frames are cut from slabs: a typed array of its own costs each frame ten times as much. Each stream has slabs of its
 * own, since a listener that forgets `byteOffset` must not hear another call; they begin small and double, so that a
 * stream which says little keeps little.
 */
const FIRST_SLAB_SAMPLES = 2_048;
const SLAB_SAMPLES = 16_384;
const SLAB_SHARE = 4_096;

/**
 * Reads the messages of one Wavix stream: finds the audio of a `media` message, decodes and resamples it in one call
 * into the codec. Messages the scanner does not know byte for byte go to `JSON.parse`, with the same result.
 *
 * Made by {@link Codec.createMediaReader}.
 *
 * @example
 * const reader = codec.createMediaReader({ wireSampleRate: 24000, sampleRate: 16000 });
 * socket.on("message", (data: Buffer) => {
 *   if (reader.read(data, "inbound") === "audio") bot.listen(reader.audio);
 * });
 */
export class MediaReader {
  /** After `audio`: the samples, int16 mono at the wanted rate; yours to keep. */
  audio: Int16Array = EMPTY;
  /** After `audio`: what the gate put before it, as it comes out at the wanted rate. */
  inserted: Int16Array = EMPTY;
  /** Of the last media message; −1 when it names none. */
  sequenceNumber = -1;
  chunk = -1;
  timestamp = -1;
  track: Track = "inbound";
  /** Named by the first media message that names one. */
  streamId: string | undefined;
  callId: string | undefined;
  /** After `message`: the parsed object. */
  message: Record<string, unknown> | undefined;

  readonly #owner: CoreOwner;
  readonly #slot: ResamplerSlot;
  #slab = EMPTY;
  #slabUsed = 0;

  /** @internal */
  constructor(owner: CoreOwner, options: MediaReaderOptions) {
    assertSampleRate("wireSampleRate", options.wireSampleRate);
    assertSampleRate("sampleRate", options.sampleRate);
    const { profile = "default" } = options;
    assertProfile(profile);
    this.#owner = owner;
    this.#slot = new ResamplerSlot(owner, options.wireSampleRate, options.sampleRate, profile);
  }

  /** How often the audio had to start afresh because the codec's instance failed; see `CODEC_TRAP`. */
  get discontinuities(): number {
    return this.#slot.discontinuities;
  }

  /**
   * Reads one message. Whatever the network sends gets a status; nothing it sends makes this throw.
   *
   * @param data the message: text, or its UTF-8 bytes; at most 64 KiB
   * @param track the leg that is wanted; null takes both
   * @param gate is asked about each message of that leg; without one all are admitted
   * @throws CodecError `CODEC_CLOSED`, `CODEC_TRAP`
   */
  read(data: string | Uint8Array, track: Track | null, gate?: MediaGate): MediaReadStatus {
    const handle = this.#slot.handle("media reader");
    const { core } = this.#owner;
    const wanted = track === null ? 0 : TRACK_NUMBERS[track];
    let length = data.length;
    if (length > core.messageCapacity) return "oversized";
    if (typeof data === "string") {
      encoder ??= new TextEncoder();
      const { read, written } = encoder.encodeInto(data, core.message);
      if (read < data.length) return "oversized";
      length = written;
    } else {
      core.message.set(data);
    }
    try {
      const count = core.exports.readMedia(length, wanted, gate === undefined ? handle : 0);
      if (count === UNKNOWN) return this.#readWithJson(data, track, handle, gate);
      const numbers = core.resultNumbers;
      const result = core.result;
      this.sequenceNumber = numbers[1] as number;
      this.chunk = numbers[2] as number;
      this.timestamp = numbers[3] as number;
      this.track = result[1] === TRACK_NUMBERS.outbound ? "outbound" : "inbound";
      if (this.streamId === undefined && result[9] !== 0) {
        this.streamId = core.text(result[8] as number, result[9] as number);
      }
      if (this.callId === undefined && result[11] !== 0) {
        this.callId = core.text(result[10] as number, result[11] as number);
      }
      return gate === undefined || count < 0 ? this.#finish(count) : this.#admit(count, handle, gate);
    } catch (cause) {
      throw core.trapped(cause);
    }
  }

  /** The net under the scanner. */
  #readWithJson(
    data: string | Uint8Array,
    track: Track | null,
    handle: number,
    gate: MediaGate | undefined,
  ): MediaReadStatus {
    let parsed: unknown;
    try {
      // Fatal, and the BOM kept: JSON.parse then refuses what is not JSON text in UTF-8.
      if (typeof data !== "string") decoder ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
      parsed = JSON.parse(typeof data === "string" ? data : (decoder as TextDecoder).decode(data));
    } catch {
      return "bad-json";
    }
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return "not-an-object";
    const message = parsed as Record<string, unknown>;
    if (message.event !== "media") {
      this.message = message;
      return "message";
    }
    const media = message.media;
    if (typeof media !== "object" || media === null) return "bad-media";
    const { payload, track: named, chunk, timestamp } = media as Record<string, unknown>;
    if (typeof payload !== "string" || (named !== undefined && named !== "inbound" && named !== "outbound")) {
      return "bad-media";
    }
    this.sequenceNumber = lenientCount(message.sequence_number);
    this.chunk = lenientCount(chunk);
    this.timestamp = lenientCount(timestamp);
    this.track = named ?? "inbound";
    this.streamId ??= nonEmptyString(message.stream_id);
    this.callId ??= nonEmptyString(message.call_id);

    const { core } = this.#owner;
    if (payload.length > core.messageCapacity) return "oversized";
    encoder ??= new TextEncoder();
    const { read, written } = encoder.encodeInto(payload, core.message);
    // Only ASCII has as many bytes as characters.
    if (read !== payload.length || written !== payload.length) return "bad-base64";
    // A message of the other leg must not touch the resampler, but its payload is checked all the same.
    const other = track !== null && this.track !== track;
    if (other) return core.exports.decodeBase64(payload.length) < 0 ? "bad-base64" : "other-track";
    const count = core.exports.readPayload(payload.length, gate === undefined ? handle : 0);
    return gate === undefined || count < 0 ? this.#finish(count) : this.#admit(count, handle, gate);
  }

  /** `count` samples lie in PCM at the wire's rate. */
  #admit(count: number, handle: number, gate: MediaGate): MediaReadStatus {
    const { core } = this.#owner;
    const before = gate.admit(this, core.input(count));
    if (before === null) return "left-out";
    if (before.length === 0) {
      this.inserted = EMPTY;
    } else {
      const samples = core.input(count).slice();
      this.inserted = this.#convert(before, handle);
      core.pcm.set(samples);
    }
    this.audio = this.#keep(handle === 0 ? core.input(count) : core.output(core.convert(handle, count, 1)));
    return "audio";
  }

  #convert(samples: Int16Array, handle: number): Int16Array {
    const { core } = this.#owner;
    const parts: Int16Array[] = [];
    for (let start = 0; start < samples.length; start += core.pcmCapacity) {
      const part = samples.subarray(start, start + core.pcmCapacity);
      core.pcm.set(part);
      parts.push(core.output(core.convert(handle, part.length, 1)).slice());
    }
    if (parts.length === 1) return parts[0] as Int16Array;
    const whole = new Int16Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  #finish(count: number): MediaReadStatus {
    if (count < 0) {
      if (count === OTHER_TRACK) return "other-track";
      if (count === BAD_BASE64) return "bad-base64";
      if (count === ODD_LENGTH) return "odd-length";
      // The slot keeps its handle fresh, so the instance has lost its mind.
      throw new Error(`the codec answered ${count}`);
    }
    this.audio = this.#keep(this.#owner.core.audio(count));
    return "audio";
  }

  /** A copy, out of the codec's memory. */
  #keep(samples: Int16Array): Int16Array {
    const count = samples.length;
    if (count > SLAB_SHARE) return samples.slice();
    if (this.#slabUsed + count > this.#slab.length) {
      const doubled = Math.max(FIRST_SLAB_SAMPLES, 2 * this.#slab.length);
      this.#slab = new Int16Array(count > doubled ? SLAB_SAMPLES : Math.min(SLAB_SAMPLES, doubled));
      this.#slabUsed = 0;
    }
    this.#slab.set(samples, this.#slabUsed);
    const kept = this.#slab.subarray(this.#slabUsed, this.#slabUsed + count);
    this.#slabUsed += count;
    return kept;
  }

  /** Forgets the past of the audio: the next message starts from silence. */
  reset(): void {
    this.#slot.reset("media reader");
  }

  /** Gives the memory back. Closing twice is no mistake. */
  close(): void {
    this.#slot.close();
    this.#slab = EMPTY;
    this.audio = EMPTY;
    this.inserted = EMPTY;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

const EMPTY = new Int16Array(0);
let encoder: TextEncoder | undefined;
let decoder: TextDecoder | undefined;

/** Wavix shows its numbers as integers in one document and as strings in another; −0, which JSON has, becomes 0. */
function lenientCount(value: unknown): number {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number >= 0 ? number + 0 : -1;
}

function nonEmptyString(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
