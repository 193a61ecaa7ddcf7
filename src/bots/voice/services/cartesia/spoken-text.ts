import type { TimedWord } from "./messages.ts";

/** A piece of the text, and when it is over; in ms. */
export interface SpokenPiece {
  readonly text: string;
  readonly endMs: number;
}

interface Placed {
  /** Where in the text it ends. */
  readonly end: number;
  readonly endMs: number;
}

const SPOKEN = /[\p{L}\p{N}]/u;
/** Written without spaces. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;
const UNSPACED_MARK = /[、。！？，；：]/u;
/** How far ahead a word is looked for, in words: some are told as they are read, «twenty» for «20». */
const LOOK_AHEAD = 8;

/**
 * The text of a context, and how far its audio has come. Words are told as Cartesia heard itself; what comes out are pieces
 * of the text as it was sent, marks and all, cut at its spaces: joined by spaces they are the text again.
 *
 * ```
 *  sent    «Hello, Ms. Ng! It costs $20 now.»
 *  told     Hello  Ms  Ng   It costs twenty dollars now
 *  pieces   Hello, │Ms. │Ng! │It │costs │$20 now.
 * ```
 */
export class SpokenText {
  #text = "";
  /** Ends of the sentences, as far as their audio is not over. */
  readonly #sentenceEnds: number[] = [];
  readonly #placed: Placed[] = [];
  /** Up to here it was given out, up to here placed. */
  #given = 0;
  #cursor = 0;
  #sentenceStartMs = 0;
  /** Where the first of the sentences begins whose audio is not over. */
  #sentenceStart = 0;
  /** Words told since the last one that was found, which stand nowhere. */
  #strayCount = 0;

  /** More was sent to be said. */
  append(sentence: string): void {
    this.#text += sentence;
    this.#sentenceEnds.push(this.#text.length);
  }

  /** What was not given out yet. */
  get rest(): string {
    return this.#text.slice(this.#given);
  }

  /** Whether some of it was given out. */
  get hasBegun(): boolean {
    return this.#given > 0;
  }

  /**
   * Where the first sentence begins of which not a word was told, though words are told of those before it; undefined when
   * there is none, or when that cannot be known.
   */
  get unbegunFrom(): number | undefined {
    if (!this.hasBegun || this.#strayCount > 0) return undefined;
    const starts = [this.#sentenceStart, ...this.#sentenceEnds.slice(0, -1)];
    const start = this.#sentenceEnds.length === 0 ? undefined : starts.find((at) => at >= this.#cursor);
    return start !== undefined && SPOKEN.test(this.#text.slice(start)) ? start : undefined;
  }

  /** The audio of all sentences before this place is over. @returns what of them was not given out */
  endUpTo(place: number, audioMs: number): SpokenPiece[] {
    const pieces: SpokenPiece[] = [];
    while ((this.#sentenceEnds[0] ?? Number.POSITIVE_INFINITY) <= place) pieces.push(...this.endSentence(audioMs));
    return pieces;
  }

  /** Whether there is nothing left that could be said. */
  get isOver(): boolean {
    return !SPOKEN.test(this.rest);
  }

  /** A word was told. One that stands nowhere is left out: what it was told for comes with the next. */
  place({ word, endMs }: TimedWord): void {
    const told = plain(word);
    // Late: its sentence was given out as a whole.
    if (told === "" || endMs <= this.#sentenceStartMs) return;
    let start = this.#cursor;
    for (let ahead = 0; ahead <= LOOK_AHEAD && start < this.#text.length; ahead++) {
      const end = this.#match(start, told);
      if (end !== undefined && (ahead === 0 || this.#isWhole(end))) {
        this.#cursor = this.#pastMarks(end);
        this.#strayCount = 0;
        if (this.#isCut(this.#cursor)) this.#placed.push({ end: this.#cursor, endMs });
        return;
      }
      start = this.#nextWord(start);
    }
    this.#strayCount++;
  }

  /** The audio has come to here. @returns what is spoken by now and was not given out */
  spokenUntil(audioMs: number): SpokenPiece[] {
    return this.#giveWhile((placed) => placed.endMs <= audioMs);
  }

  /** The audio of the next sentence is over. @returns what of it no word was told for, as a whole */
  endSentence(audioMs: number): SpokenPiece[] {
    const end = this.#sentenceEnds.shift();
    if (end === undefined) return [];
    const pieces = this.#giveWhile((placed) => placed.end <= end);
    pieces.push(...this.#give(end, audioMs));
    this.#cursor = Math.max(this.#cursor, end);
    this.#sentenceStart = end;
    this.#sentenceStartMs = audioMs;
    this.#strayCount = 0;
    return pieces;
  }

  /** All audio has come. @returns the rest */
  end(audioMs: number): SpokenPiece[] {
    return this.endUpTo(this.#text.length, audioMs);
  }

  #giveWhile(isOver: (placed: Placed) => boolean): SpokenPiece[] {
    const pieces: SpokenPiece[] = [];
    for (let placed = this.#placed[0]; placed !== undefined && isOver(placed); placed = this.#placed[0]) {
      this.#placed.shift();
      pieces.push(...this.#give(placed.end, placed.endMs));
    }
    return pieces;
  }

  #give(end: number, endMs: number): SpokenPiece[] {
    const text = this.#text.slice(this.#given, end).trim();
    this.#given = Math.max(this.#given, end);
    return text === "" ? [] : [{ text, endMs }];
  }

  /** Where `told` ends when it begins at the next letter behind `start`; marks within a word do not count. */
  #match(start: number, told: string): number | undefined {
    let at = start;
    let hasBegun = false;
    for (const char of told) {
      while (at < this.#text.length && !SPOKEN.test(this.#charAt(at))) {
        // A word does not reach over a space.
        if (hasBegun && /\s/.test(this.#charAt(at))) return undefined;
        at += this.#charAt(at).length;
      }
      if (plain(this.#charAt(at)) !== char) return undefined;
      at += this.#charAt(at).length;
      hasBegun = true;
    }
    return at;
  }

  #pastMarks(at: number): number {
    let end = at;
    while (end < this.#text.length && !SPOKEN.test(this.#charAt(end)) && !/\s/.test(this.#charAt(end))) {
      end += this.#charAt(end).length;
      if (UNSPACED_MARK.test(this.#text[end - 1] as string)) break;
    }
    return end;
  }

  /** Whether a word ends here. */
  #isWhole(at: number): boolean {
    const char = this.#charAt(at);
    return !SPOKEN.test(char) || UNSPACED.test(char);
  }

  /** Whether a piece may end here: at a space; where there are none, at a mark. */
  #isCut(at: number): boolean {
    return at >= this.#text.length || /\s/.test(this.#charAt(at)) || UNSPACED_MARK.test(this.#text[at - 1] ?? "");
  }

  #nextWord(start: number): number {
    let at = start;
    while (at < this.#text.length && !SPOKEN.test(this.#charAt(at))) at += this.#charAt(at).length;
    if (UNSPACED.test(this.#charAt(at))) return at + this.#charAt(at).length;
    while (at < this.#text.length && !/\s/.test(this.#charAt(at))) at += this.#charAt(at).length;
    return at;
  }

  #charAt(at: number): string {
    return at < this.#text.length ? String.fromCodePoint(this.#text.codePointAt(at) as number) : "";
  }
}

/** Letters and numbers alone, small. */
function plain(text: string): string {
  return text
    .normalize("NFC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, "");
}
