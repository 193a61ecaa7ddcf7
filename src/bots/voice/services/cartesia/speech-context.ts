import type { TimedWord } from "./messages.ts";
import { SAMPLE_RATE } from "./options.ts";
import { type SpokenPiece, SpokenText } from "./spoken-text.ts";

/**
 * «Contexts automatically expire 1 second after the last audio output is streamed out», and take no more text then: a bit
 * earlier it is taken for gone, the way there being what it is.
 */
const EXPIRED_MS = 700;

/** A context at Cartesia: what was sent to it, and what has come of it. */
export class SpeechContext {
  readonly id: string;
  /** No more text follows: Cartesia knows. */
  isClosed = false;
  /** It was given up as expired. */
  isLeft = false;
  readonly #text = new SpokenText();
  /** Sentences sent, and those of them that Cartesia says are spoken. */
  #sentences = 0;
  #spokenSentences = 0;
  #byteLength = 0;
  /** How much audio there was when the last sentence ended. */
  #spokenByteLength = 0;
  #lastAudioAtMs = Number.POSITIVE_INFINITY;

  constructor(id: string) {
    this.id = id;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** What was not spoken yet. */
  get rest(): string {
    return this.#text.rest;
  }

  /** Whether all that was sent was spoken, as far as Cartesia says. */
  get isSpoken(): boolean {
    if (this.#byteLength === 0) return false;
    if (this.#spokenSentences >= this.#sentences || this.#text.isOver) return true;
    // Where words are told, those that are not are not spoken: it has stalled. Where none are, nobody knows.
    return this.isLeft && !this.#text.hasBegun;
  }

  /** Whether something has to come. */
  get isOwed(): boolean {
    if (this.isClosed || this.#byteLength === 0) return true;
    return this.#spokenSentences > 0 && this.#spokenSentences < this.#sentences;
  }

  get isExpired(): boolean {
    return performance.now() - this.#lastAudioAtMs > EXPIRED_MS;
  }

  sent(sentence: string): void {
    this.#text.append(sentence);
    this.#sentences++;
    this.#lastAudioAtMs = Number.POSITIVE_INFINITY;
  }

  /** More audio. @returns what is spoken with it */
  audio(byteLength: number): SpokenPiece[] {
    this.#byteLength += byteLength;
    this.#lastAudioAtMs = performance.now();
    return this.#text.spokenUntil(msOf(this.#byteLength));
  }

  /** Words were told. @returns those whose audio has come */
  words(words: readonly TimedWord[]): SpokenPiece[] {
    for (const word of words) this.#text.place(word);
    return this.#text.spokenUntil(msOf(this.#byteLength));
  }

  /** A sentence is over. @returns what of it no word was told for */
  sentenceOver(): SpokenPiece[] {
    // One that is told before there was audio is no end of anything.
    if (this.#byteLength === this.#spokenByteLength) return [];
    this.#spokenSentences++;
    this.#spokenByteLength = this.#byteLength;
    return this.#text.endSentence(msOf(this.#byteLength));
  }

  /** Whether it has a sentence that was not even begun, as far as Cartesia says. */
  get hasUnbegun(): boolean {
    return this.#text.unbegunFrom !== undefined;
  }

  /** Nothing more comes. @returns the rest, but for sentences that were not begun */
  over(): SpokenPiece[] {
    const audioMs = msOf(this.#byteLength);
    const { unbegunFrom } = this.#text;
    return unbegunFrom === undefined ? this.#text.end(audioMs) : this.#text.endUpTo(unbegunFrom, audioMs);
  }
}

/** How long audio takes. */
export function msOf(byteLength: number): number {
  return (byteLength / 2 / SAMPLE_RATE) * 1000;
}
