import { type StandInVoice, standInSpeech } from "../../src/simulator/services/index.ts";

const SAMPLE_RATE = 24_000;
const SAMPLES_PER_MS = SAMPLE_RATE / 1_000;
/** What of a word is looked for: from where it is no longer soft. */
const SOUGHT = { from: 12 * SAMPLES_PER_MS, length: 5 * SAMPLES_PER_MS };

/** What a caller has heard of a text; times from the beginning of the recording, in ms. */
export interface HeardText {
  /** The words that were heard to their end, in a row. */
  readonly words: readonly string[];
  /** The whole of it was heard. */
  readonly isWhole: boolean;
  /** Where the first sound of it is; null: nothing was heard. */
  readonly startMs: number | null;
  /** Where the last sound of it is. */
  readonly endMs: number | null;
  /** The longest silence in it that was not spoken. */
  readonly longestGapMs: number;
  /** How much was heard of the word behind `words`. */
  readonly cutWordMs: number;
}

/**
 * Finds a text of the stand-in's voice in a recording, sample by sample.
 *
 * @param fromMs where to begin
 * @example
 * const { words } = heardOf(recording.heard, "Hello there, caller.", { wordMs: 120 }); // ["Hello", "there,"]
 */
export function heardOf(heard: Int16Array, text: string, voice: StandInVoice = {}, fromMs = 0): HeardText {
  const speech = standInSpeech(text, SAMPLE_RATE, voice);
  const words: string[] = [];
  let at = Math.round(fromMs * SAMPLES_PER_MS);
  let startMs: number | null = null;
  let endMs: number | null = null;
  let longestGapMs = 0;
  let cutWordMs = 0;
  let last: { endMs: number; spokenEndMs: number } | undefined;
  for (const word of speech.words) {
    const pcm = speech.pcm.subarray(word.startMs * SAMPLES_PER_MS, word.endMs * SAMPLES_PER_MS);
    let begin = find(heard, pcm, at);
    if (begin === null) break;
    let followed = follow(heard, pcm, begin);
    // Perhaps it was broken off and said again.
    const again = followed.length < pcm.length ? find(heard, pcm, followed.end) : null;
    if (again !== null) {
      last = { endMs: followed.end / SAMPLES_PER_MS, spokenEndMs: word.startMs };
      startMs ??= begin / SAMPLES_PER_MS;
      begin = again;
      followed = follow(heard, pcm, again);
    }
    startMs ??= begin / SAMPLES_PER_MS;
    endMs = followed.end / SAMPLES_PER_MS;
    const pauseMs = last === undefined ? 0 : begin / SAMPLES_PER_MS - last.endMs - (word.startMs - last.spokenEndMs);
    longestGapMs = Math.max(longestGapMs, Math.round(pauseMs), Math.round(followed.gap / SAMPLES_PER_MS));
    if (followed.length < pcm.length) {
      cutWordMs = followed.length / SAMPLES_PER_MS;
      break;
    }
    words.push(word.word);
    at = followed.end;
    last = { endMs, spokenEndMs: word.endMs };
  }
  return { words, isWhole: words.length === speech.words.length, startMs, endMs, longestGapMs, cutWordMs };
}

/** Whether there is no sound from one moment to another, in ms. */
export function isSilent(heard: Int16Array, fromMs: number, toMs = heard.length / SAMPLES_PER_MS): boolean {
  return heard.subarray(Math.ceil(fromMs * SAMPLES_PER_MS), Math.floor(toMs * SAMPLES_PER_MS)).every((x) => x === 0);
}

function find(heard: Int16Array, pcm: Int16Array, from: number): number | null {
  const sought = pcm.subarray(SOUGHT.from, SOUGHT.from + SOUGHT.length);
  for (let at = from; at + SOUGHT.from + SOUGHT.length <= heard.length; at++) {
    let i = 0;
    while (i < sought.length && heard[at + SOUGHT.from + i] === sought[i]) i++;
    if (i === sought.length) return at;
  }
  return null;
}

/**
 * How much of a word is heard from here on, in samples, and where that ends. A playout that ran dry goes on where it
 * was: that is a gap, not the end of the word.
 */
function follow(heard: Int16Array, pcm: Int16Array, from: number): { length: number; end: number; gap: number } {
  let at = from;
  let length = 0;
  let gap = 0;
  for (;;) {
    while (length < pcm.length && heard[at] === pcm[length]) {
      at++;
      length++;
    }
    let resumed = at;
    while (heard[resumed] === 0) resumed++;
    const rest = pcm.subarray(length, length + SOUGHT.length);
    const goesOn = resumed > at && rest.length > 0 && rest.every((sample, i) => heard[resumed + i] === sample);
    if (!goesOn) return { length, end: at, gap };
    gap += resumed - at;
    at = resumed;
  }
}
