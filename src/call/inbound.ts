import type { MediaReader, Track } from "../codec/index.ts";
import type { InputAudioRawFrame } from "../pipecat/frames.ts";
import type { MediaArrivals } from "../wavix/wire/index.ts";
import { ArrivalRhythm } from "./arrival-rhythm.ts";
import { Concealment } from "./concealment.ts";
import { InboundTimeline, MAX_FILLED_PACKETS } from "./inbound-timeline.ts";
import { PACKET_MS } from "./packet-clock.ts";

/**
 * How far the caller's audio, with what is filled in, may be ahead of the clock, in ms. Lost packets leave their time
 * behind; numbers that are skipped without it passing would make audio out of nothing.
 */
const MAX_AHEAD_MS = 1_000;

const NOTHING = new Int16Array(0);

/**
 * Keeps the time of the caller's audio true: what is lost on the way is concealed by as much, what comes twice or too late
 * is left out, all of it counted. Packets are known by `media.chunk`, without it by `sequence_number`; a stream that has
 * neither is left as it is, and so is one that brings two tracks, since nothing says whether they are counted together.
 */
export class Inbound implements MediaArrivals {
  readonly timeline = new InboundTimeline();
  readonly rhythm = new ArrivalRhythm();
  /** The moment at which the present message came. */
  nowMs = 0;

  readonly #concealment: Concealment;
  readonly #samplesPerMs: number;
  readonly #onConcealed: (frame: InputAudioRawFrame) => void;
  #packetSampleCount: number;
  #beganAtMs: number | undefined;
  #sampleCount = 0;
  #track: Track | undefined;
  #hasChunks: boolean | undefined;
  /** Messages that are not media, but are numbered in one count with it. */
  #numberedOthers = 0;

  /** @param wireSampleRate in Hz */
  constructor(wireSampleRate: number, onConcealed: (frame: InputAudioRawFrame) => void) {
    this.#concealment = new Concealment(wireSampleRate);
    this.#samplesPerMs = wireSampleRate / 1_000;
    this.#packetSampleCount = PACKET_MS * this.#samplesPerMs;
    this.#onConcealed = onConcealed;
  }

  admit(reader: MediaReader, samples: Int16Array): Int16Array | null {
    const missing = this.timeline.judge(this.#numberOf(reader));
    if (missing === null) return null;
    this.#beganAtMs ??= this.nowMs;
    const lost = missing === 0 ? NOTHING : this.#conceal(missing);
    this.#sampleCount += lost.length;
    this.rhythm.arrived(this.#mediaMs, this.nowMs);
    this.#sampleCount += samples.length;
    if (samples.length > 0) this.#packetSampleCount = samples.length;
    this.#concealment.heard(samples);
    return lost;
  }

  numbered(): void {
    this.#numberedOthers++;
  }

  otherTrack(): void {
    this.timeline.disbelieve();
  }

  concealed(frame: InputAudioRawFrame): void {
    this.#onConcealed(frame);
  }

  /** How much audio there has been, with what was filled in, in ms. */
  get #mediaMs(): number {
    return this.#sampleCount / this.#samplesPerMs;
  }

  #numberOf({ chunk, sequenceNumber, track }: MediaReader): number {
    this.#track ??= track;
    if (track !== this.#track) this.timeline.disbelieve();
    const hasChunks = chunk >= 0;
    if (hasChunks !== this.#hasChunks) this.timeline.restart();
    this.#hasChunks = hasChunks;
    if (hasChunks || sequenceNumber < 0) return chunk;
    return sequenceNumber - this.#numberedOthers;
  }

  #conceal(packetCount: number): Int16Array {
    const sampleCount = packetCount * this.#packetSampleCount;
    const elapsedMs = this.nowMs - (this.#beganAtMs as number);
    const aheadMs = this.#mediaMs + sampleCount / this.#samplesPerMs - elapsedMs;
    if (aheadMs > MAX_AHEAD_MS || sampleCount > MAX_FILLED_PACKETS * PACKET_MS * this.#samplesPerMs) {
      this.timeline.discontinuities++;
      return NOTHING;
    }
    return this.#concealment.fill(sampleCount);
  }
}
