import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadCodecSync } from "../../src/codec/index.ts";
import { MarkerEar, markerAudio } from "../../src/simulator/index.ts";

const RATE = 24_000;
const PACKET = 480;
const MARKER = 25 * PACKET;
const { samples: cycle } = markerAudio();

/** What a caller says in so many packets: silence, then the markers, again and again. */
function said(packets: number, speakAfterPackets: number): Int16Array {
  return Int16Array.from({ length: packets * PACKET }, (_, at) => {
    const from = at - speakAfterPackets * PACKET;
    return from < 0 ? 0 : cycle[from % cycle.length]!;
  });
}

/** Through a bot that works at another rate: frame by frame, as it would. */
function throughRate(samples: Int16Array, rate: number): Int16Array {
  if (rate === RATE) return samples;
  const codec = loadCodecSync();
  const there = codec.createResampler(RATE, rate);
  const back = codec.createResampler(rate, RATE);
  const out = new Int16Array(samples.length);
  for (let at = 0; at < samples.length; at += PACKET) {
    out.set(back.process(there.process(samples.subarray(at, at + PACKET))), at);
  }
  there.close();
  back.close();
  return out;
}

/**
 * Slow and obvious: where each said marker correlates best with what was heard, every lag up to 1.2 s looked at. Null for
 * one that did not come back.
 */
function oracle(heard: Int16Array, speakAfterPackets: number): number[] {
  const lags: number[] = [];
  for (let marker = 0; ; marker++) {
    const from = speakAfterPackets * PACKET + marker * MARKER;
    if (from + PACKET > heard.length) return lags;
    const tone = cycle.subarray((marker % 16) * MARKER, (marker % 16) * MARKER + PACKET);
    let energy = 0;
    for (const sample of tone) energy += sample * sample;
    let best = 0;
    let bestLag = -1;
    for (let lag = 0; lag <= 1.2 * RATE && from + lag + PACKET <= heard.length; lag++) {
      let sum = 0;
      for (let i = 0; i < PACKET; i++) sum += tone[i]! * heard[from + lag + i]!;
      if (sum > best) [best, bestLag] = [sum, lag];
    }
    if (best > 0.35 * energy) lags.push((bestLag * 1_000) / RATE);
  }
}

function hear(ear: MarkerEar, heard: Int16Array, cuts: readonly number[]): void {
  let at = 0;
  for (let n = 0; at < heard.length; n++) {
    const end = Math.min(heard.length, at + cuts[n % cuts.length]!);
    // What nobody plays is not told: silence of the server's is, silence of an empty buffer is not.
    const part = heard.subarray(at, end);
    if (part.some((sample) => sample !== 0)) ear.heard(part, at);
    at = end;
  }
}

describe("the markers of a load test", () => {
  it("are found where the slow search finds them, at any rate, delay, gain and cut", () => {
    const delays = fc.integer({ min: 0, max: 900 * 24 });
    const cuts = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 5 });
    const rates = fc.constantFrom(RATE, 16_000, 8_000, 48_000);
    const gains = fc.double({ min: 0.5, max: 2, noNaN: true });
    const starts = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(delays, cuts, rates, gains, starts, (delay, cuts, rate, gain, start) => {
        const echo = throughRate(said(140, start), rate);
        const heard = Int16Array.from({ length: echo.length }, (_, at) => Math.round(gain * (echo[at - delay] ?? 0)));
        const ear = new MarkerEar(start * 20);
        hear(ear, heard, cuts);
        const expected = oracle(heard, start);
        const { roundTripsMs, heard: count } = ear.markers((heard.length * 1_000) / RATE);
        // One that the end cuts off is found by one of the two, or by the search where the rest of it fits best.
        expect(count).toBeGreaterThanOrEqual(expected.length - 1);
        expect(count).toBeLessThanOrEqual(expected.length + 1);
        expect(count).toBeGreaterThan(0);
        for (const [i, ms] of roundTripsMs.slice(0, expected.length - 1).entries()) {
          expect(Math.abs(ms - expected[i]!)).toBeLessThan(1);
        }
      }),
      { numRuns: 6 },
    );
  });

  it("count as missed when they are gone, and then leave the others where they are", () => {
    const line = said(300, 50);
    // The delay is longer than the distance of two markers, and the third marker is lost.
    const heard = new Int16Array(line.length);
    heard.set(line.subarray(0, line.length - 16_800), 16_800);
    heard.fill(0, 50 * PACKET + 2 * MARKER + 16_800, 50 * PACKET + 3 * MARKER + 16_800);
    const ear = new MarkerEar(1_000);
    hear(ear, heard, [PACKET]);
    const markers = ear.markers(6_000);
    expect(markers).toMatchObject({ said: 9, heard: 8 });
    for (const ms of markers.roundTripsMs) expect(Math.abs(ms - 700)).toBeLessThan(1);
  });

  it("are not heard in silence, in another tone, in noise or in what is longer", () => {
    const tone = (hz: number, length: number) =>
      Int16Array.from({ length }, (_, at) => 9_000 * Math.sin((2 * Math.PI * hz * at) / RATE));
    const noise = fc.sample(fc.integer({ min: -20_000, max: 20_000 }), { numRuns: PACKET, seed: 4 });
    for (const sound of [
      new Int16Array(PACKET),
      tone(350, PACKET),
      tone(2_300, PACKET),
      tone(440, 19_200),
      tone(700, 2 * PACKET),
      tone(700, PACKET / 4),
      Int16Array.from(noise),
    ]) {
      const heard = new Int16Array(4 * RATE);
      heard.set(sound, 2 * RATE);
      const ear = new MarkerEar(0);
      hear(ear, heard, [PACKET]);
      expect(ear.markers(4_000)).toMatchObject({ said: 6, heard: 0 });
    }
  });
});
