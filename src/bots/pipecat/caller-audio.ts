import { defaultCodec, type Resampler } from "../../codec/index.ts";

/**
 * The caller's audio at the rate that a bot hears. No Pipecat transport resamples its input: a rate that is not the
 * pipeline's own is heard too fast or too slow.
 */
export class CallerAudio {
  readonly #resampler: Resampler | undefined;

  constructor(fromRate: number, toRate: number) {
    if (fromRate !== toRate) this.#resampler = defaultCodec().createResampler(fromRate, toRate);
  }

  /** Mono at the bot's rate. */
  convert(samples: Int16Array): Int16Array {
    return this.#resampler?.process(samples) ?? samples;
  }

  close(): void {
    this.#resampler?.close();
  }
}
