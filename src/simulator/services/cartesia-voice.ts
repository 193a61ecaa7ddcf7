/** What the stand-in's voice says: every word a vowel of its own, so that what a caller hears tells which word it was. */
export interface StandInVoice {
  /** Length of a word, in ms. Default 240. */
  readonly wordMs?: number;
  /** Silence behind a word, in ms. Default 60. */
  readonly pauseMs?: number;
  /** Silence behind the last word of a sentence, in ms. Default 240. */
  readonly sentencePauseMs?: number;
}

/** A word, and where in the speech it stands; in ms. */
export interface SpokenWord {
  readonly word: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** Speech of the stand-in's voice, mono. */
export interface StandInSpeech {
  readonly pcm: Int16Array;
  readonly words: readonly SpokenWord[];
  readonly durationMs: number;
}

const DEFAULTS = { wordMs: 240, pauseMs: 60, sentencePauseMs: 240 };
const SPOKEN = /[\p{L}\p{N}]/u;
const SENTENCE_END = /[.!?。！？]["'”’)\]]*$/u;
/** Written without spaces: a character at a time, a mark by itself, as Cartesia reports them. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}、。！？，；：「」]/u;

/**
 * Says a text: the same sound for the same word, always. A vowel each, whose pitch and two formants come from the word, with
 * a soft beginning and end.
 *
 * @param text - what to say
 * @param sampleRate - in Hz
 * @example
 * const { pcm, words } = standInSpeech("Hello there.", 24000);
 * words[1]; // { word: "there.", startMs: 300, endMs: 540 }
 */
export function standInSpeech(text: string, sampleRate: number, voice: StandInVoice = {}): StandInSpeech {
  const { wordMs, pauseMs, sentencePauseMs } = { ...DEFAULTS, ...voice };
  const words: SpokenWord[] = [];
  let atMs = 0;
  for (const word of wordsOf(text)) {
    if (SPOKEN.test(word)) {
      words.push({ word, startMs: atMs, endMs: atMs + wordMs });
      atMs += wordMs + (SENTENCE_END.test(word) ? sentencePauseMs : pauseMs);
    } else if (words.length > 0) {
      // A mark by itself takes no time.
      words.push({ word, startMs: atMs, endMs: atMs });
    }
  }
  const pcm = new Int16Array(Math.round((atMs * sampleRate) / 1000));
  for (const { word, startMs, endMs } of words) {
    if (startMs < endMs) pcm.set(knownVowel(word, wordMs, sampleRate), Math.round((startMs * sampleRate) / 1000));
  }
  return { pcm, words, durationMs: atMs };
}

function wordsOf(text: string): string[] {
  return text
    .split(/\s+/)
    .flatMap((word) => (UNSPACED.test(word) ? [...word] : [word]))
    .filter((word) => word !== "");
}

/** Sounds of words so far: making one takes milliseconds, in which a stand-in answers nobody. The oldest is forgotten first. */
const vowels = new Map<string, Int16Array>();
const MAX_VOWELS = 256;

function knownVowel(word: string, durationMs: number, sampleRate: number): Int16Array {
  const key = `${sampleRate} ${durationMs} ${word}`;
  let samples = vowels.get(key);
  if (samples === undefined) {
    samples = vowel(word, durationMs, sampleRate);
    for (const oldest of vowels.keys()) {
      if (vowels.size < MAX_VOWELS) break;
      vowels.delete(oldest);
    }
    vowels.set(key, samples);
  }
  return samples;
}

/** Peak of a word: 12 dB below the loudest a sample can be. */
const PEAK = 8_000;
const ATTACK_MS = 25;
const RELEASE_MS = 45;

/** Harmonics of a pitch that falls by a tenth, weighted by two formants; within what a phone carries. */
function vowel(word: string, durationMs: number, sampleRate: number): Int16Array {
  // «Hello,» and «hello» sound alike.
  const seed = hash(word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ""));
  const pitchHz = 100 + (seed % 120);
  const formantsHz = [300 + ((seed >>> 7) % 500), 900 + ((seed >>> 16) % 1500)];
  const highestHz = Math.min(3_400, 0.45 * sampleRate);
  const weights: number[] = [];
  for (let harmonic = 1; harmonic * pitchHz <= highestHz; harmonic++) {
    const octavesOff = formantsHz.map((formantHz) => Math.log2((harmonic * pitchHz) / formantHz));
    weights.push(octavesOff.reduce((sum, octaves) => sum + Math.exp(-8 * octaves * octaves), 0.02));
  }
  const loudest = weights.reduce((sum, weight) => sum + weight, 0);

  const samples = new Int16Array(Math.round((durationMs * sampleRate) / 1000));
  let phase = 0;
  for (let i = 0; i < samples.length; i++) {
    phase += (2 * Math.PI * pitchHz * (1 - (0.1 * i) / samples.length)) / sampleRate;
    let sum = 0;
    for (let harmonic = 0; harmonic < weights.length; harmonic++) {
      sum += (weights[harmonic] as number) * Math.sin((harmonic + 1) * phase);
    }
    const atMs = (1000 * i) / sampleRate;
    const envelope = rise(atMs / ATTACK_MS) * rise((durationMs - atMs) / RELEASE_MS);
    samples[i] = Math.round((PEAK * envelope * sum) / loudest);
  }
  return samples;
}

/** From 0 to 1, without a corner. */
function rise(x: number): number {
  return x >= 1 ? 1 : 0.5 - 0.5 * Math.cos(Math.PI * Math.max(0, x));
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
