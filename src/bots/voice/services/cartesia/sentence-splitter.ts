/** A clause without an end is cut here: what is longer keeps the caller waiting, and no sentence of speech is. */
const MAX_CHARS = 280;

const SPOKEN = /[\p{L}\p{N}]/u;
/** Ends a sentence by itself: where these are used, no space follows. */
const FULL_STOPS = "。！？｡";
/** A dot, a mark, and what may close behind it: quotes, brackets, Markdown's emphasis. */
const ENDED = /([.!?؟।…]+)["'”’»)\]*_~`]*$/;
/** Never the end of a sentence: a name or a word follows. */
const NEVER = new Set(
  "dr mr mrs ms mx prof st mt rev hon gov sen rep gen col maj capt cpt lt sgt messrs mme mlle vs cf eg ie approx ca bzw evtl ggf inkl".split(
    " ",
  ),
);
/** Not the end of a sentence before a number: «No. 5», «p. 12». */
const BEFORE_NUMBER = new Set("no nos nr vol ch sec fig art p pp ext".split(" "));
/** The end of a sentence only before a capital: «at 5 p.m. tomorrow», «Acme Inc. is». */
const BEFORE_CAPITAL = new Set("etc inc ltd co corp jr sr usw am pm a.m p.m".split(" "));

/**
 * Cuts the text of a language model into sentences, each as soon as it is certain that it has ended. However the text is
 * cut into pieces on its way here, the sentences are the same; put together they are the text.
 *
 * @example
 * const splitter = new SentenceSplitter();
 * splitter.push("Dr. Ng charges 3.5 per"); // []
 * splitter.push("cent. Is th"); //            ["Dr. Ng charges 3.5 percent. "]
 * splitter.push("at so?"); //                 []
 * splitter.flush(); //                        ["Is that so?"]
 */
export class SentenceSplitter {
  readonly #maxChars: number;
  #text = "";
  /** Behind a space that ends the sentence if a capital, or no number, comes next. */
  #doubt: { readonly length: number; readonly endsBefore: RegExp } | undefined;

  constructor(options: { maxChars?: number } = {}) {
    const { maxChars = MAX_CHARS } = options;
    if (!(maxChars >= 20)) throw new RangeError(`maxChars must be at least 20, not ${maxChars}`);
    this.#maxChars = maxChars;
  }

  /** Takes a piece of the text. @returns the sentences that have ended with it */
  push(piece: string): string[] {
    const sentences: string[] = [];
    // One by one: where a sentence ends must not depend on where the text was cut.
    for (let i = 0; i < piece.length; i++) {
      const length = this.#endWith(piece[i] as string);
      if (length > 0) sentences.push(this.#take(length));
    }
    return sentences;
  }

  /** The text is complete. @returns the rest of it, if any */
  flush(): string[] {
    return this.#text === "" ? [] : [this.#take(this.#text.length)];
  }

  #take(length: number): string {
    const sentence = this.#text.slice(0, length);
    this.#text = this.#text.slice(length);
    this.#doubt = undefined;
    return sentence;
  }

  /** Adds a character. @returns the length of the sentence that is certain now, or 0 */
  #endWith(char: string): number {
    const doubt = this.#doubt;
    const before = this.#text;
    this.#text += char;
    if (char === "\n" || FULL_STOPS.includes(char)) return SPOKEN.test(this.#text) ? this.#text.length : this.#bound();
    if (/\s/.test(char)) {
      if (!/\s$/.test(before)) {
        const endsBefore = endOf(before);
        if (endsBefore === "any") return this.#text.length;
        if (endsBefore !== undefined) this.#doubt = { length: this.#text.length, endsBefore };
      }
    } else if (doubt !== undefined) {
      this.#doubt = undefined;
      if (doubt.endsBefore.test(char)) return doubt.length;
    }
    return this.#bound();
  }

  /** Where a text that has grown too long is cut: behind a comma, else behind a word, else anywhere. */
  #bound(): number {
    const text = this.#text;
    if (text.length < this.#maxChars) return 0;
    const clause = Math.max(...[", ", "; ", ": ", " – ", " — "].map((mark) => text.lastIndexOf(mark) + mark.length));
    const half = this.#maxChars / 2;
    if (clause > half) return clause;
    const unspaced = /^.*[，、；：]/su.exec(text)?.[0].length ?? 0;
    if (unspaced > half) return unspaced;
    const word = text.search(/\s\S*$/) + 1;
    if (word > half) return word;
    // Not through the middle of a character.
    return /[\uD800-\uDBFF]$/.test(text) ? text.length - 1 : text.length;
  }
}

/** Whether what stands before a space ends a sentence: before anything, before what matches, or not. */
function endOf(text: string): "any" | RegExp | undefined {
  const ended = ENDED.exec(text);
  if (ended === null || !SPOKEN.test(text)) return undefined;
  const marks = ended[1] as string;
  // A thought trails off: it may go on.
  if (marks.includes("…") || /^\.{2,}$/.test(marks)) return undefined;
  if (marks !== ".") return "any";

  const start = text.search(/\S+$/);
  const word = text.slice(start, ended.index).replace(/^["'“‘«([*_~`]+/, "");
  const name = word.toLowerCase();
  if (NEVER.has(name)) return undefined;
  if (BEFORE_NUMBER.has(name)) return /[^\d#]/;
  if (BEFORE_CAPITAL.has(name)) return /[^\p{Ll}\d,;]/u;
  // An initial, or letters with dots between: «J. Smith», «e.g. this», «the U.S. market».
  if (/^(\p{L}\.)*\p{L}$/u.test(word)) return undefined;
  // The number of a point in a list.
  if (/^\d{1,3}$/.test(word) && !SPOKEN.test(text.slice(0, start))) return undefined;
  return "any";
}
