import { CallerAudio } from "./caller-audio.ts";
import { packetMs, packetSamples, wireSampleRate } from "./wire-audio.ts";

/** A packet in so many carries a marker: two a second. */
const packetsPerMarker = 25;
/** Markers take turns with their tones, so that one is told from another for eight seconds. */
const toneCount = 16;
const lowestToneHz = 500;
const toneStepHz = 100;
const amplitude = 8000;
/** A quarter of it: what an echo that is four times weaker still reaches. */
const loud = amplitude / 4;
/** The zero crossings of the lowest tone lie a millisecond apart: after five there is no tone any more. */
const quietSamples = wireSampleRate / 200;
/** A marker is one packet long, less where its fades are below the level, more where filters ring. */
const shortestSamples = 0.6 * packetSamples;
const longestSamples = 1.3 * packetSamples;
/** Looked at while there is nothing to hear; the highest tone has as many samples in half a period. */
const stride = 8;
const markerSamples = packetsPerMarker * packetSamples;
/** Markers whose echo had less time than that to come back are not missed. */
const patienceMs = 1000;
/** Ten hours of them. */
const mostRoundTrips = 72_000;

/**
 * What the callers of a load test say: a marker of 20 ms every half second, in silence. To be said again and again; a
 * {@link MarkerEar} finds the markers in what comes back.
 */
export function markerAudio(): CallerAudio {
  const samples = new Int16Array(toneCount * markerSamples);
  for (let marker = 0; marker < toneCount; marker++) {
    const step = (2 * Math.PI * (lowestToneHz + marker * toneStepHz)) / wireSampleRate;
    for (let at = 0; at < packetSamples; at++) {
      const fade = Math.min(1, at / 24, (packetSamples - 1 - at) / 24);
      samples[marker * markerSamples + at] = Math.round(amplitude * fade * Math.sin(step * at));
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
    this.#firstSample = (Math.ceil(speakAfterMs / packetMs) * packetMs * wireSampleRate) / 1000;
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
    const heardUntil = ((durationMs - patienceMs) * wireSampleRate) / 1000 - this.#firstSample;
    const patiently = Math.max(0, Math.ceil(heardUntil / markerSamples));
    return {
      said: Math.max(patiently, this.#lastHeard + 1),
      heard: this.#roundTripsMs.length,
      roundTripsMs: this.#roundTripsMs,
    };
  }

  #hear(sample: number, at: number): void {
    if (sample > -loud && sample < loud) {
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
    if (this.#from < 0 || at - this.#loudAt < quietSamples) return;
    const length = this.#loudAt + 1 - this.#from;
    if (length >= shortestSamples && length <= longestSamples && this.#crossings > 1) this.#recognise();
    this.#from = -1;
  }

  #recognise(): void {
    const halfPeriod = (this.#lastCrossing - this.#firstCrossing) / (this.#crossings - 1);
    const tone = (wireSampleRate / 2 / halfPeriod - lowestToneHz) / toneStepHz;
    const index = Math.round(tone);
    if (index < 0 || index >= toneCount || Math.abs(tone - index) > 0.35) return;
    // The last marker of this tone that was said before it was heard.
    const turns = Math.floor((this.#from - this.#firstSample) / markerSamples);
    const marker = turns - ((((turns - index) % toneCount) + toneCount) % toneCount);
    if (marker <= this.#lastHeard || marker < 0) return;
    this.#lastHeard = marker;
    // Middle to middle: both ends of a fade pass the level later the weaker the echo is.
    const saidAt = this.#firstSample + marker * markerSamples + packetSamples / 2;
    if (this.#roundTripsMs.length < mostRoundTrips) {
      this.#roundTripsMs.push((((this.#from + this.#loudAt + 1) / 2 - saidAt) * 1000) / wireSampleRate);
    }
  }
}

function hasLoud(samples: Int16Array): boolean {
  for (let at = 0; at < samples.length; at += stride) {
    const sample = samples[at]!;
    if (sample >= loud || sample <= -loud) return true;
  }
  return false;
}
