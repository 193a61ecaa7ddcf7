/** How long the fade is, in ms: long enough to make no click, too short to make up speech. */
const FADE_MS = 8;

const NOTHING = new Int16Array(0);

/**
 * What is put in the place of lost packets: the last samples backwards, fading out, then silence. Backwards, because the
 * sound then goes on from where it is, without a step.
 *
 * @example
 * const concealment = new Concealment(24000);
 * concealment.heard(packet);
 * concealment.fill(960); // 40 ms
 */
export class Concealment {
  readonly #fadeSampleCount: number;
  #last = NOTHING;

  /** @param sampleRate in Hz */
  constructor(sampleRate: number) {
    this.#fadeSampleCount = Math.round((sampleRate * FADE_MS) / 1_000);
  }

  /** A packet has come; its samples are only lent. */
  heard(samples: Int16Array): void {
    // All of it: a copy costs less than a view of its end, and makes no garbage.
    if (samples.length === this.#last.length) this.#last.set(samples);
    else this.#last = samples.slice();
  }

  /** `sampleCount` samples to go on with. */
  fill(sampleCount: number): Int16Array {
    const filled = new Int16Array(sampleCount);
    const last = this.#last;
    const fade = Math.min(this.#fadeSampleCount, last.length, sampleCount);
    for (let i = 0; i < fade; i++) {
      const gain = 0.5 + 0.5 * Math.cos((Math.PI * (i + 1)) / (fade + 1));
      filled[i] = Math.round((last[last.length - 1 - i] as number) * gain);
    }
    // What was lost is silence from here on, also for the next gap.
    this.#last = NOTHING;
    return filled;
  }
}
