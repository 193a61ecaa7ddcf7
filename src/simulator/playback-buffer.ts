import { WIRE_SAMPLE_RATE } from "./wire-audio.ts";

/** Longest pause of the playout, in ms, that counts as a gap; a longer one is a bot that has nothing to say. */
export const LONGEST_GAP_MS = 500;
/** Marks that may wait for playback at once; a further one is dropped and counted. */
export const MAX_QUEUED_MARKS = 1000;

// About -60 dBFS: what is below is silence to a caller.
const AUDIBLE_LEVEL = 33;

/** What a {@link PlaybackBuffer} is made from. */
export interface PlaybackOptions {
  /** Clock in ms, with fractions; it must not run backwards. */
  now: () => number;
  /** Clock reading at sample 0 of the caller's timeline. Default: now. */
  originMs?: number;
  /** Audio held at most, in ms; what comes when it is full is dropped and counted. Default 600000. */
  maxBufferedMs?: number;
  /** Order in which queued marks come back on `clear`. Default `"in-order"`. */
  marksOnClear?: "in-order" | "reversed";
  /** Called once for each mark: when all before it was played, at once when nothing is queued, or on `clear`. */
  onMark: (name: string) => void;
  /** Called with what the caller hears and where on the timeline it starts. The samples are only lent. */
  onPlayed?: (samples: Int16Array, atSample: number) => void;
}

type Entry = { samples: Int16Array } | { mark: string };

/**
 * The buffer in which Wavix keeps the audio it was sent, playing it to the caller in real time. Pure: it has a clock but
 * no timer, and catches up with the clock whenever it is touched, to the sample.
 *
 * @example
 * let nowMs = 0;
 * const buffer = new PlaybackBuffer({ now: () => nowMs, onMark: (name) => console.log(name) });
 * buffer.push(new Int16Array(480));
 * buffer.mark("greeting");
 * nowMs = 20;
 * buffer.advance(); // prints "greeting"
 */
export class PlaybackBuffer {
  readonly #now: () => number;
  readonly #originMs: number;
  readonly #maxBufferedSamples: number;
  readonly #reverseOnClear: boolean;
  readonly #onMark: (name: string) => void;
  readonly #onPlayed: ((samples: Int16Array, atSample: number) => void) | undefined;

  #queue: Entry[] = [];
  #head = 0;
  #headOffset = 0;
  #queuedMarks = 0;
  #bufferedSamples = 0;
  #playhead: number;
  // Where on the timeline the playout ran dry; null before the first audio, while it plays, and after a clear.
  #dryAtSample: number | null = null;

  /** Times the playout ran dry and audio resumed within {@link LONGEST_GAP_MS} without a `clear`. */
  gaps = 0;
  /** The longest of those gaps, in samples. */
  longestGapSamples = 0;
  playedSamples = 0;
  clearedSamples = 0;
  /** Samples that found the buffer full. */
  droppedSamples = 0;
  droppedMarks = 0;
  /** Where on the timeline the first audible sample was heard. */
  firstAudibleSample: number | null = null;

  constructor(options: PlaybackOptions) {
    this.#now = options.now;
    this.#originMs = options.originMs ?? options.now();
    this.#maxBufferedSamples = ((options.maxBufferedMs ?? 600_000) * WIRE_SAMPLE_RATE) / 1000;
    this.#reverseOnClear = options.marksOnClear === "reversed";
    this.#onMark = options.onMark;
    this.#onPlayed = options.onPlayed;
    this.#playhead = this.#dueSample();
  }

  /** Samples waiting to be played. */
  get bufferedSamples(): number {
    return this.#bufferedSamples;
  }

  /** Length of the caller's timeline so far, in samples. */
  get playheadSample(): number {
    return this.#playhead;
  }

  /** Queues audio. The array is kept until it is played. */
  push(samples: Int16Array): void {
    this.advance();
    const room = this.#maxBufferedSamples - this.#bufferedSamples;
    const accepted = samples.length <= room ? samples : samples.subarray(0, Math.max(0, room));
    this.droppedSamples += samples.length - accepted.length;
    if (accepted.length === 0) return;
    if (this.#dryAtSample !== null) {
      const drySamples = this.#playhead - this.#dryAtSample;
      if (drySamples > 0 && drySamples <= (LONGEST_GAP_MS * WIRE_SAMPLE_RATE) / 1000) {
        this.gaps += 1;
        this.longestGapSamples = Math.max(this.longestGapSamples, drySamples);
      }
      this.#dryAtSample = null;
    }
    this.#queue.push({ samples: accepted });
    this.#bufferedSamples += accepted.length;
  }

  /** Queues a mark behind the audio sent so far; it comes back at once when there is none. */
  mark(name: string): void {
    this.advance();
    if (this.#head === this.#queue.length) this.#onMark(name);
    else if (this.#queuedMarks >= MAX_QUEUED_MARKS) this.droppedMarks += 1;
    else {
      this.#queuedMarks += 1;
      this.#queue.push({ mark: name });
    }
  }

  /** Silences at once: drops all queued audio and gives all queued marks back. */
  clear(): void {
    this.advance();
    const marks: string[] = [];
    for (let at = this.#head; at < this.#queue.length; at++) {
      const entry = this.#queue[at]!;
      if ("mark" in entry) marks.push(entry.mark);
    }
    this.clearedSamples += this.#bufferedSamples;
    this.#queue = [];
    this.#head = 0;
    this.#headOffset = 0;
    this.#queuedMarks = 0;
    this.#bufferedSamples = 0;
    this.#dryAtSample = null;
    for (const name of this.#reverseOnClear ? marks.reverse() : marks) this.#onMark(name);
  }

  /** Plays up to now. Where the buffer is dry the caller hears silence. */
  advance(): void {
    const due = Math.max(this.#playhead, this.#dueSample());
    while (this.#head < this.#queue.length) {
      const entry = this.#queue[this.#head]!;
      if ("mark" in entry) {
        this.#head += 1;
        this.#queuedMarks -= 1;
        this.#onMark(entry.mark);
        continue;
      }
      if (this.#playhead === due) break;
      this.#play(entry.samples, due - this.#playhead);
    }
    this.#playhead = due;
    this.#forgetPlayed();
  }

  #play(samples: Int16Array, most: number): void {
    const end = Math.min(samples.length, this.#headOffset + most);
    const part = samples.subarray(this.#headOffset, end);
    this.#onPlayed?.(part, this.#playhead);
    if (this.firstAudibleSample === null) {
      const at = part.findIndex((sample) => Math.abs(sample) >= AUDIBLE_LEVEL);
      if (at >= 0) this.firstAudibleSample = this.#playhead + at;
    }
    this.#playhead += part.length;
    this.playedSamples += part.length;
    this.#bufferedSamples -= part.length;
    if (this.#bufferedSamples === 0) this.#dryAtSample = this.#playhead;
    this.#headOffset = end;
    if (end === samples.length) {
      this.#headOffset = 0;
      this.#head += 1;
    }
  }

  // Moving the rest down only when most of the array is played keeps the cost per entry constant.
  #forgetPlayed(): void {
    if (this.#head === this.#queue.length) {
      if (this.#head === 0) return;
      this.#queue.length = 0;
      this.#head = 0;
    } else if (this.#head > 64 && this.#head * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #dueSample(): number {
    return Math.max(0, Math.floor(((this.#now() - this.#originMs) * WIRE_SAMPLE_RATE) / 1000));
  }
}
