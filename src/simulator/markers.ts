import { CallerAudio } from "./caller-audio.ts";
import { PACKET_MS, PACKET_SAMPLES, WIRE_SAMPLE_RATE } from "./wire-audio.ts";

/** A packet in so many carries a marker: two a second. */
const PACKETS_PER_MARKER = 25;
/** Markers take turns with their tones, so that one is told from another for eight seconds. */
const TONE_COUNT = 16;
const LOWEST_TONE_HZ = 500;
const TONE_STEP_HZ = 100;
const AMPLITUDE = 8000;
/** A quarter of it: what an echo that is four times weaker still reaches. */
const LOUD = AMPLITUDE / 4;
/** The zero crossings of the lowest tone lie a millisecond apart: after five there is no tone any more. */
const QUIET_SAMPLES = WIRE_SAMPLE_RATE / 200;
/** A marker is one packet long, less where its fades are below the level, more where filters ring. */
const SHORTEST_SAMPLES = 0.6 * PACKET_SAMPLES;
const LONGEST_SAMPLES = 1.3 * PACKET_SAMPLES;
/** Looked at while there is nothing to hear; the highest tone has as many samples in half a period. */
const STRIDE = 8;
const MARKER_SAMPLES = PACKETS_PER_MARKER * PACKET_SAMPLES;
/** Markers whose echo had less time than that to come back are not missed. */
const PATIENCE_MS = 1000;
/** Ten hours of them. */
const MOST_ROUND_TRIPS = 72_000;

/**
 * What the callers of a load test say: a marker of 20 ms every half second, in silence. To be said again and again; a
 * {@link MarkerEar} finds the markers in what comes back.
 */
export function markerAudio(): CallerAudio {
  const samples = new Int16Array(TONE_COUNT * MARKER_SAMPLES);
  for (let marker = 0; marker < TONE_COUNT; marker++) {
    const step = (2 * Math.PI * (LOWEST_TONE_HZ + marker * TONE_STEP_HZ)) / WIRE_SAMPLE_RATE;
    for (let at = 0; at < PACKET_SAMPLES; at++) {
      const fade = Math.min(1, at / 24, (PACKET_SAMPLES - 1 - at) / 24);
      samples[marker * MARKER_SAMPLES + at] = Math.round(AMPLITUDE * fade * Math.sin(step * at));
    }
  }
  return new CallerAudio(samples);
}

/** What one call's ear made of the markers. */
export interface MarkersHeard {
  /** Said at least a second before the end, so that their echo had time. */
  said: number;
  heard: number;
  /** From when the caller said each marker to when the caller heard it, in ms. */
  roundTripsMs: number[];
}

/**
 * Finds the markers of {@link markerAudio} in what one caller hears. A marker is known by its length, between two
 * silences, and by the distance of its zero crossings, which says which one it is. What a bot says of its own is not
 * taken for one, but for a rare accident: with less than half of the markers heard there was no echo.
 *
 * @example
 * const ear = new MarkerEar(1000);
 * const call = simulator.placeCall({ webhookUrl, callerAudio: markerAudio(), loop: true, speakAfterMs: 1000, observer: ear });
 * const { times } = await call.ended;
 * console.log(ear.markers(times.endedMs! - times.timelineMs!).roundTripsMs);
 */
export class MarkerEar {
  readonly #firstSample: number;
  readonly #roundTripsMs: number[] = [];
  #lastHeard = -1;
  #nextSample = 0;
  // The sound that goes on now: where it began and was last loud, and its zero crossings.
  #from = -1;
  #loudAt = 0;
  #crossings = 0;
  #firstCrossing = 0;
  #lastCrossing = 0;
  #isPositive = false;

  /** @param speakAfterMs the caller's silence before the first marker */
  constructor(speakAfterMs: number) {
    this.#firstSample = (Math.ceil(speakAfterMs / PACKET_MS) * PACKET_MS * WIRE_SAMPLE_RATE) / 1000;
  }

  /** Hears some samples, which begin at `atSample` of the caller's timeline. What lies between was silence. */
  heard(samples: Int16Array, atSample: number): void {
    if (atSample !== this.#nextSample) this.#endIfQuiet(atSample);
    this.#nextSample = atSample + samples.length;
    if (this.#from < 0 && !hasLoud(samples)) return;
    for (let at = 0; at < samples.length; at++) this.#hear(samples[at]!, atSample + at);
  }

  /** @param durationMs length of the caller's timeline */
  markers(durationMs: number): MarkersHeard {
    this.#endIfQuiet(Number.POSITIVE_INFINITY);
    const heardUntil = ((durationMs - PATIENCE_MS) * WIRE_SAMPLE_RATE) / 1000 - this.#firstSample;
    const patiently = Math.max(0, Math.ceil(heardUntil / MARKER_SAMPLES));
    return {
      said: Math.max(patiently, this.#lastHeard + 1),
      heard: this.#roundTripsMs.length,
      roundTripsMs: this.#roundTripsMs,
    };
  }

  #hear(sample: number, at: number): void {
    if (sample > -LOUD && sample < LOUD) {
      if (this.#from >= 0) this.#endIfQuiet(at);
      return;
    }
    const isPositive = sample > 0;
    if (this.#from < 0) {
      this.#from = at;
      this.#crossings = 0;
    } else if (isPositive !== this.#isPositive) {
      // Where the level is passed in the other direction: as far behind the crossing itself every time.
      if (this.#crossings === 0) this.#firstCrossing = at;
      this.#crossings += 1;
      this.#lastCrossing = at;
    }
    this.#isPositive = isPositive;
    this.#loudAt = at;
  }

  #endIfQuiet(at: number): void {
    if (this.#from < 0 || at - this.#loudAt < QUIET_SAMPLES) return;
    const length = this.#loudAt + 1 - this.#from;
    if (length >= SHORTEST_SAMPLES && length <= LONGEST_SAMPLES && this.#crossings > 1) this.#recognise();
    this.#from = -1;
  }

  #recognise(): void {
    const halfPeriod = (this.#lastCrossing - this.#firstCrossing) / (this.#crossings - 1);
    const tone = (WIRE_SAMPLE_RATE / 2 / halfPeriod - LOWEST_TONE_HZ) / TONE_STEP_HZ;
    const index = Math.round(tone);
    if (index < 0 || index >= TONE_COUNT || Math.abs(tone - index) > 0.35) return;
    // The last marker of this tone that was said before it was heard.
    const turns = Math.floor((this.#from - this.#firstSample) / MARKER_SAMPLES);
    const marker = turns - ((((turns - index) % TONE_COUNT) + TONE_COUNT) % TONE_COUNT);
    if (marker <= this.#lastHeard || marker < 0) return;
    this.#lastHeard = marker;
    // Middle to middle: both ends of a fade pass the level later the weaker the echo is.
    const saidAt = this.#firstSample + marker * MARKER_SAMPLES + PACKET_SAMPLES / 2;
    if (this.#roundTripsMs.length < MOST_ROUND_TRIPS) {
      this.#roundTripsMs.push((((this.#from + this.#loudAt + 1) / 2 - saidAt) * 1000) / WIRE_SAMPLE_RATE);
    }
  }
}

function hasLoud(samples: Int16Array): boolean {
  for (let at = 0; at < samples.length; at += STRIDE) {
    const sample = samples[at]!;
    if (sample >= LOUD || sample <= -LOUD) return true;
  }
  return false;
}
