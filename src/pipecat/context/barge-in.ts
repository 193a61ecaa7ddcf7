/** How much the caller must say for the bot to fall silent. */
export interface BargeInOptions {
  /** At least so many words; default 1. Sounds without words, a cough, never count. */
  readonly minWords?: number;
  /** At least so much speech, in ms, as far as the recognizer says how much it was; default 200. */
  readonly minSpeechMs?: number;
}

/** Decides whether what is heard while the bot speaks is meant for it. */
export class BargeIn {
  readonly #minWords: number;
  readonly #minSpeechMs: number;

  /** @throws RangeError when a bound is not a number of at least 0 */
  constructor({ minWords = 1, minSpeechMs = 200 }: BargeInOptions = {}) {
    for (const [name, value] of Object.entries({ minWords, minSpeechMs })) {
      if (!(value >= 0)) throw new RangeError(`bargeIn.${name} must be a number of at least 0, got ${value}`);
    }
    this.#minWords = minWords;
    this.#minSpeechMs = minSpeechMs;
  }

  isMeant(text: string, speechMs: number | null): boolean {
    if (text.trim() === "" || (speechMs !== null && speechMs < this.#minSpeechMs)) return false;
    return this.#minWords <= 1 || wordCount(text) >= this.#minWords;
  }
}

/** Also of languages that put no spaces between words. */
function wordCount(text: string): number {
  let count = 0;
  for (const { isWordLike } of words.segment(text)) if (isWordLike) count++;
  return count;
}

const words = new Intl.Segmenter(undefined, { granularity: "word" });
