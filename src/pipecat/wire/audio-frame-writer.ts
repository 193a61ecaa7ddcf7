import { assertAudio, assertFormat, MAX_HEAD_BYTE_LENGTH, SLAB_BYTE_LENGTH } from "./audio-frame.ts";
import { Slab } from "./slab.ts";
import { varintByteLength, writeVarint } from "./varint.ts";

// Tags of frames.proto: the field's number and how its value is written.
const FRAME_AUDIO = 0x12;
const AUDIO = 0x1a;
const SAMPLE_RATE = 0x20;
const NUM_CHANNELS = 0x28;

/**
 * Writes the audio that one bot hears, as the Frames that Pipecat's ProtobufFrameSerializer reads (0.0.105 to 1.14.0):
 * an AudioRawFrame without id and name, byte for byte what a protobuf library gives. Pipecat does not resample what it
 * hears: the rate must be the bot's `audio_in_sample_rate`.
 *
 * @example
 * const writer = new AudioFrameWriter(16000);
 * socket.send(writer.write(samples));
 */
export class AudioFrameWriter {
  readonly sampleRate: number;
  readonly numChannels: number;
  /** What stands before the audio of `#headSampleCount` samples: tags and lengths. */
  readonly #head = new Uint8Array(MAX_HEAD_BYTE_LENGTH);
  #headByteLength = 0;
  #headSampleCount = -1;
  /** What stands behind it: rate and channels. */
  readonly #tail: Uint8Array;
  readonly #slab = new Slab(SLAB_BYTE_LENGTH);

  /**
   * @param sampleRate in Hz, 1 to 384,000
   * @param numChannels 1 to 8
   * @throws TypeError | RangeError
   */
  constructor(sampleRate: number, numChannels = 1) {
    assertFormat(sampleRate, numChannels);
    this.sampleRate = sampleRate;
    this.numChannels = numChannels;
    const tail = new Uint8Array(MAX_HEAD_BYTE_LENGTH);
    tail[0] = SAMPLE_RATE;
    const at = writeVarint(tail, 1, sampleRate);
    tail[at] = NUM_CHANNELS;
    this.#tail = tail.subarray(0, writeVarint(tail, at + 1, numChannels));
  }

  /**
   * @param audio PCM16, channels interleaved, in whole samples of all of them; less than 1 MiB; is copied
   * @returns one binary message; yours to keep
   * @throws TypeError | RangeError
   */
  write(audio: Int16Array): Uint8Array {
    assertAudio(audio, this.numChannels);
    if (audio.length !== this.#headSampleCount) this.#writeHead(audio.length);
    const head = this.#headByteLength;
    const tail = this.#tail;
    const byteLength = head + audio.byteLength + tail.length;
    // So that the samples begin at an even byte, where they are copied as such.
    const start = this.#slab.reserve(byteLength + 1) + (head & 1);
    const { bytes, samples } = this.#slab;
    for (let i = 0; i < head; i++) bytes[start + i] = this.#head[i] as number;
    samples.set(audio, (start + head) / 2);
    const tailStart = start + byteLength - tail.length;
    for (let i = 0; i < tail.length; i++) bytes[tailStart + i] = tail[i] as number;
    return bytes.subarray(start, start + byteLength);
  }

  #writeHead(sampleCount: number): void {
    const audioByteLength = 2 * sampleCount;
    // proto3 does not write what is empty.
    const field = sampleCount === 0 ? 0 : 1 + varintByteLength(audioByteLength) + audioByteLength;
    const head = this.#head;
    head[0] = FRAME_AUDIO;
    let at = writeVarint(head, 1, field + this.#tail.length);
    if (sampleCount > 0) {
      head[at] = AUDIO;
      at = writeVarint(head, at + 1, audioByteLength);
    }
    this.#headByteLength = at;
    this.#headSampleCount = sampleCount;
  }
}

/**
 * One Frame with audio; who writes many has an {@link AudioFrameWriter}.
 *
 * @param audio PCM16, channels interleaved, in whole samples of all of them; less than 1 MiB
 * @param sampleRate in Hz, 1 to 384,000
 * @param numChannels 1 to 8
 * @throws TypeError | RangeError
 * @example
 * socket.send(encodeAudioFrame(new Int16Array(320), 16000));
 */
export function encodeAudioFrame(audio: Int16Array, sampleRate: number, numChannels = 1): Uint8Array {
  return new AudioFrameWriter(sampleRate, numChannels).write(audio).slice();
}
