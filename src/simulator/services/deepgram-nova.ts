import { randomUUID } from "node:crypto";
import type { NovaQuery } from "./deepgram-query.ts";
import type { SoundWindow } from "./sound-watch.ts";
import { type SpokenScript, spread, type TimedWord } from "./spoken-script.ts";

/** How the stand-in takes its time, in ms of audio. */
export interface NovaPace {
  readonly msPerWord: number;
  readonly interimEveryMs: number;
  readonly finalEveryMs: number;
}

// A stretch of sound must end somewhere when endpointing is off.
const UNENDPOINTED_MS = 1000;

/**
 * What one `/v1/listen` connection answers: pure, driven by the audio's own time, so that the same audio gives the same
 * messages however it comes.
 *
 * Message shapes: developers.deepgram.com/reference/speech-to-text/listen-streaming. A segment runs from final to final;
 * its interim results start where it starts; `speech_final` marks the final at which the pause was found.
 */
export class NovaStream {
  readonly #query: NovaQuery;
  readonly #pace: NovaPace;
  readonly #script: SpokenScript;
  readonly #send: (message: object) => void;
  readonly #requestId = randomUUID();
  #stretch: { startMs: number; endMs: number } | null = null;
  #segmentStartMs = 0;
  #resultMs = 0;
  #atMs = 0;
  /** End of the last final word, until UtteranceEnd has told of it. */
  #lastWordEndMs: number | null = null;

  constructor(query: NovaQuery, pace: NovaPace, script: SpokenScript, send: (message: object) => void) {
    this.#query = query;
    this.#pace = pace;
    this.#script = script;
    this.#send = send;
  }

  window({ atMs, sounds, onsetMs, silenceMs }: SoundWindow): void {
    this.#atMs = atMs;
    if (sounds && this.#stretch === null) {
      this.#stretch = { startMs: onsetMs, endMs: atMs };
      if (this.#query.vadEvents) {
        this.#send({ type: "SpeechStarted", channel: [0, 1], timestamp: seconds(onsetMs) });
      }
    }
    if (sounds && this.#stretch !== null) this.#stretch.endMs = atMs;
    const { endpointingMs, interimResults } = this.#query;
    if (this.#stretch !== null && silenceMs >= (endpointingMs ?? UNENDPOINTED_MS)) {
      this.#endStretch({ speech_final: endpointingMs !== null });
    } else if (atMs - this.#segmentStartMs >= this.#pace.finalEveryMs) {
      this.#final(this.#shownWords(), {});
    } else if (interimResults && atMs - this.#resultMs >= this.#pace.interimEveryMs) {
      this.#result(this.#shownWords(), { is_final: false });
    }
    this.#utteranceEnd();
  }

  /** Answers `Finalize`: what was said so far is final. */
  finalize(): void {
    this.#final(this.#shownWords(), { from_finalize: true });
  }

  /** Answers `CloseStream`. */
  end(): void {
    if (this.#stretch !== null) this.#endStretch({ speech_final: true });
    this.#send({
      type: "Metadata",
      transaction_key: "deprecated",
      request_id: this.#requestId,
      sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      created: new Date(0).toISOString(),
      duration: seconds(this.#atMs),
      channels: 1,
    });
  }

  /** The words of the stretch that are not final yet, as far as its length lets them be known. */
  #shownWords(): TimedWord[] {
    if (this.#stretch === null) return [];
    const { startMs, endMs } = this.#stretch;
    const { msPerWord } = this.#pace;
    const words = this.#script.words(endMs - startMs).slice(this.#script.finalWords);
    const fromMs = Math.max(startMs, this.#segmentStartMs);
    const shown = words.slice(0, Math.floor((endMs - fromMs) / msPerWord));
    return spread(shown, fromMs, fromMs + shown.length * msPerWord);
  }

  #endStretch(flags: object): void {
    const { startMs, endMs } = this.#stretch!;
    const words = this.#script.words(endMs - startMs).slice(this.#script.finalWords);
    this.#final(spread(words, Math.max(startMs, Math.min(this.#segmentStartMs, endMs)), endMs), flags);
    this.#stretch = null;
    this.#script.advance(endMs - startMs);
  }

  #final(words: TimedWord[], flags: object): void {
    this.#result(words, { is_final: true, ...flags });
    this.#script.finalWords += words.length;
    this.#segmentStartMs = this.#atMs;
    this.#lastWordEndMs = words.at(-1)?.endMs ?? this.#lastWordEndMs;
  }

  #result(words: TimedWord[], flags: object): void {
    this.#resultMs = this.#atMs;
    const confidence = words.length > 0 ? 0.98 : 0;
    this.#send({
      type: "Results",
      channel_index: [0, 1],
      duration: seconds(this.#atMs - this.#segmentStartMs),
      start: seconds(this.#segmentStartMs),
      is_final: false,
      speech_final: false,
      channel: {
        alternatives: [
          {
            transcript: words.map(({ text }) => text).join(" "),
            confidence,
            words: words.map(({ text, startMs, endMs }) => ({
              word: text.toLowerCase().replace(/[^\p{L}\p{N}']/gu, ""),
              start: seconds(startMs),
              end: seconds(endMs),
              confidence,
              punctuated_word: text,
            })),
          },
        ],
      },
      metadata: {
        request_id: this.#requestId,
        model_info: { name: this.#query.model, version: "2025-01-01.0", arch: "nova-3" },
        model_uuid: "00000000-0000-4000-8000-000000000000",
      },
      from_finalize: false,
      ...flags,
    });
  }

  /** A gap after the last final word, in which no other word came; needs interim results, as the service says. */
  #utteranceEnd(): void {
    const { utteranceEndMs, interimResults } = this.#query;
    const wordEndMs = this.#lastWordEndMs;
    if (utteranceEndMs === null || !interimResults || wordEndMs === null) return;
    if (this.#atMs - wordEndMs < utteranceEndMs || this.#shownWords().length > 0) return;
    this.#lastWordEndMs = null;
    this.#send({ type: "UtteranceEnd", channel: [0, 1], last_word_end: seconds(wordEndMs) });
  }
}

/** As the service writes times: seconds, here to the millisecond. */
export function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
