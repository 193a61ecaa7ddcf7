import { setTimeout as sleep } from "node:timers/promises";
import type { PacketObserver } from "./model.ts";
import { WIRE_SAMPLE_RATE } from "./wire-audio.ts";

/** Louder than −50 dBFS is sound. */
const SOUND_THRESHOLD = 100;
/** Samples that are looked at together: 5 ms. */
const WINDOW_SAMPLES = WIRE_SAMPLE_RATE / 200;

/**
 * A caller who listens: tells when there is sound in the ear, and when it has been silent for a while. An observer of one
 * call; moments are of the caller's timeline, in ms.
 *
 * @example
 * const ear = new Ear();
 * const call = simulator.placeCall({ webhookUrl, observer: ear });
 * await ear.sound();                // the bot begins to speak
 * await ear.silence(500);           // and has finished
 * call.say(question);
 */
export class Ear implements PacketObserver {
  #firstSoundMs: number | null = null;
  #lastSoundMs: number | null = null;
  /** When that was, on the clock. */
  #lastSoundAtMs = performance.now();
  #waiters: (() => void)[] = [];

  /** The end of the last sound so far; null before the first. */
  get lastSoundMs(): number | null {
    return this.#lastSoundMs;
  }

  /** The next sound from now on; its beginning. */
  sound(signal?: AbortSignal): Promise<number> {
    this.#firstSoundMs = null;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const giveUp = () => reject(signal?.reason);
      signal?.addEventListener("abort", giveUp, { once: true });
      this.#waiters.push(() => {
        signal?.removeEventListener("abort", giveUp);
        resolve(this.#firstSoundMs as number);
      });
    });
  }

  /** Settles when there has been no sound for so long; the end of the last one. */
  async silence(durationMs: number, signal?: AbortSignal): Promise<number | null> {
    for (;;) {
      const restMs = this.#lastSoundAtMs + durationMs - performance.now();
      if (restMs <= 0) return this.#lastSoundMs;
      await sleep(Math.ceil(restMs), undefined, { signal });
    }
  }

  heard(samples: Int16Array, atSample: number): void {
    for (let from = 0; from < samples.length; from += WINDOW_SAMPLES) {
      const to = Math.min(from + WINDOW_SAMPLES, samples.length);
      let peak = 0;
      for (let at = from; at < to; at++) peak = Math.max(peak, Math.abs(samples[at] as number));
      if (peak < SOUND_THRESHOLD) continue;
      this.#firstSoundMs ??= ((atSample + from) * 1_000) / WIRE_SAMPLE_RATE;
      this.#lastSoundMs = ((atSample + to) * 1_000) / WIRE_SAMPLE_RATE;
      this.#lastSoundAtMs = performance.now();
    }
    if (this.#firstSoundMs !== null) for (const settle of this.#waiters.splice(0)) settle();
  }
}
