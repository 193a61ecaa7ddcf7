/**
 * What a stand-in for a speech-to-text service understands of the stretches of sound it hears, one entry each: a text, or
 * null for sound without words (a cough). As a function it is asked with `durationMs`, how long the stretch has lasted so
 * far, again and again while it lasts. What goes beyond a list has no words.
 */
export type Utterances = readonly (string | null)[] | ((index: number, heard: { durationMs: number }) => string | null);

/** A stretch of sound that is over, and what was understood. */
export interface HeardStretch {
  readonly index: number;
  readonly durationMs: number;
  readonly text: string | null;
}

const MAX_HEARD = 1000;

/** Where in its script a stand-in is. Connections share it: a caller whose connection was lost goes on where he was. */
export class SpokenScript {
  readonly #utterances: Utterances;
  #index = 0;
  /** Words of the present entry that are final; a new connection does not repeat them. */
  finalWords = 0;
  readonly heard: HeardStretch[] = [];

  constructor(utterances: Utterances) {
    this.#utterances = utterances;
  }

  /** The words of the present entry, or of one `offset` after it. */
  words(durationMs: number, offset = 0): string[] {
    return (this.#text(this.#index + offset, durationMs) ?? "").split(/\s+/).filter((word) => word !== "");
  }

  /** A stretch is over: on to the next entry. */
  advance(durationMs: number): void {
    const text = this.#text(this.#index, durationMs);
    if (this.heard.length < MAX_HEARD) this.heard.push({ index: this.#index, durationMs, text });
    this.#index += 1;
    this.finalWords = 0;
  }

  #text(index: number, durationMs: number): string | null {
    if (typeof this.#utterances === "function") return this.#utterances(index, { durationMs });
    return this.#utterances[index] ?? null;
  }
}

/** A word and when it was said, in ms of the stream. */
export interface TimedWord {
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** Words spread evenly over a time. */
export function spread(words: readonly string[], startMs: number, endMs: number): TimedWord[] {
  const stepMs = (endMs - startMs) / words.length;
  return words.map((text, i) => ({ text, startMs: startMs + i * stepMs, endMs: startMs + (i + 1) * stepMs }));
}
