import { loadCodecSync } from "../codec/index.ts";
import { PACKET_BYTES, PACKET_SAMPLES, WIRE_SAMPLE_RATE } from "./wire-audio.ts";

/** Longest clip a caller can be given, in ms. */
export const MAX_CALLER_AUDIO_MS = 600_000;

/** A conversation has fewer turns. */
const MAX_CLIPS = 10_000;

/** The base64 of one packet of silence. */
export const silencePayload = Buffer.alloc(PACKET_BYTES).toString("base64");

/**
 * What a caller says, ready for the wire: cut into packets and written as base64 once, however many calls say it.
 * Made by {@link prepareCallerAudio}.
 */
export class CallerAudio {
  /** 24 kHz mono, padded with silence to whole packets. */
  readonly samples: Int16Array;
  /** Base64 of each packet. */
  readonly payloads: readonly string[];

  constructor(samples: Int16Array) {
    const packetCount = Math.ceil(samples.length / PACKET_SAMPLES);
    this.samples = new Int16Array(packetCount * PACKET_SAMPLES);
    this.samples.set(samples);
    const bytes = Buffer.from(this.samples.buffer);
    this.payloads = Array.from({ length: packetCount }, (_, at) =>
      bytes.toString("base64", at * PACKET_BYTES, (at + 1) * PACKET_BYTES),
    );
  }

  /** Length in ms, whole packets. */
  get durationMs(): number {
    return (this.samples.length * 1000) / WIRE_SAMPLE_RATE;
  }
}

/**
 * Prepares a recording for any number of calls, resampling it to 24 kHz where necessary.
 *
 * @param samples Mono PCM16, at most 10 minutes.
 * @param sampleRate In Hz, one of the codec's rates. Default 24000.
 * @throws RangeError when it is longer, or when the codec does not know the rate.
 *
 * @example
 * const { samples, sampleRate } = readWavFile("hello.wav");
 * const hello = prepareCallerAudio(samples, sampleRate);
 * for (let call = 0; call < 100; call++) simulator.placeCall({ webhookUrl, callerAudio: hello });
 */
export function prepareCallerAudio(samples: Int16Array, sampleRate = WIRE_SAMPLE_RATE): CallerAudio {
  const durationMs = (samples.length * 1000) / sampleRate;
  if (!(durationMs <= MAX_CALLER_AUDIO_MS)) {
    throw new RangeError(
      `callerAudio must be at most ${MAX_CALLER_AUDIO_MS} ms long, not ${Math.round(durationMs)} ms`,
    );
  }
  return new CallerAudio(sampleRate === WIRE_SAMPLE_RATE ? samples : resampled(samples, sampleRate));
}

function resampled(samples: Int16Array, sampleRate: number): Int16Array {
  const resampler = loadCodecSync().createResampler(sampleRate, WIRE_SAMPLE_RATE);
  const body = resampler.process(samples);
  const tail = resampler.flush();
  resampler.close();
  const whole = new Int16Array(body.length + tail.length);
  whole.set(body);
  whole.set(tail, body.length);
  return whole;
}

/** One caller's speech laid on the caller's timeline, where packet 0 starts with the first stream. */
export class CallerLine {
  /** What is said beside it, in the order of the timeline; the later one is heard. */
  readonly #clips: { readonly audio: CallerAudio; readonly firstPacket: number }[] = [];
  readonly #audio: CallerAudio | null;
  readonly #firstPacket: number;
  readonly #loop: boolean;

  constructor(audio: CallerAudio | null, speakAfterPackets: number, loop: boolean) {
    this.#audio = audio !== null && audio.payloads.length > 0 ? audio : null;
    this.#firstPacket = speakAfterPackets;
    this.#loop = loop;
  }

  /** From this packet on the caller says something else. */
  say(audio: CallerAudio, firstPacket: number): void {
    if (this.#clips.length >= MAX_CLIPS) throw new RangeError(`a caller may say ${MAX_CLIPS} things at most`);
    this.#clips.push({ audio, firstPacket });
  }

  /** The payload of a packet; `null` where the caller says nothing. */
  payloadAt(packet: number): string | null {
    const spoken = this.#spokenAt(packet);
    return spoken === null ? null : spoken.audio.payloads[spoken.at]!;
  }

  /** What the microphone picked up in the first samples of the timeline. */
  render(sampleCount: number): Int16Array {
    const said = new Int16Array(sampleCount);
    for (let packet = 0; packet * PACKET_SAMPLES < sampleCount; packet++) {
      const spoken = this.#spokenAt(packet);
      if (spoken === null) continue;
      const { audio, at } = spoken;
      const start = packet * PACKET_SAMPLES;
      const wanted = Math.min(PACKET_SAMPLES, sampleCount - start);
      said.set(audio.samples.subarray(at * PACKET_SAMPLES, at * PACKET_SAMPLES + wanted), start);
    }
    return said;
  }

  #spokenAt(packet: number): { audio: CallerAudio; at: number } | null {
    const clip = this.#clips.findLast(
      ({ audio, firstPacket }) => packet >= firstPacket && packet < firstPacket + audio.payloads.length,
    );
    if (clip !== undefined) return { audio: clip.audio, at: packet - clip.firstPacket };
    if (this.#audio === null || packet < this.#firstPacket) return null;
    const at = packet - this.#firstPacket;
    const count = this.#audio.payloads.length;
    if (at < count) return { audio: this.#audio, at };
    return this.#loop ? { audio: this.#audio, at: at % count } : null;
  }
}
