import { OutputAudioRawFrame } from "../../pipecat/index.ts";
import { recordedApology } from "./recorded-apology.ts";

/** What a caller is told instead of silence. */
export interface ApologyTexts {
  /** An answer failed; the call goes on. */
  readonly again: string;
  /** Nothing works any more; the call ends. */
  readonly goodbye: string;
}

type Kind = keyof ApologyTexts;

/** Makes speech of a text: 16-bit samples at 24 kHz. */
export type Synthesize = (text: string, signal?: AbortSignal) => Promise<Int16Array>;

const VOICE_SAMPLE_RATE = 24_000;
/** After a failure, when it is tried again at the earliest. */
const RETRY_MS = 60_000;

/**
 * Apologies that can be said when the voice itself is what has failed: they are spoken once, ahead of time, and kept. Until
 * that has worked there is a recording, in English.
 */
export class Apologies {
  readonly texts: ApologyTexts;
  readonly #spoken = new Map<Kind, Int16Array>();
  #preparing: Promise<void> | undefined;
  #failedAtMs = Number.NEGATIVE_INFINITY;

  constructor(texts: ApologyTexts) {
    this.texts = texts;
  }

  /** Has them spoken, unless they are; `signal` gives that up. Never rejects. */
  prepare(synthesize: Synthesize, signal?: AbortSignal): Promise<void> {
    const isEarly = performance.now() - this.#failedAtMs < RETRY_MS;
    if (this.#spoken.size === 2 || isEarly) return Promise.resolve();
    this.#preparing ??= this.#prepare(synthesize, signal).finally(() => {
      this.#preparing = undefined;
    });
    return this.#preparing;
  }

  /** One of them as sound. */
  audioOf(kind: Kind): OutputAudioRawFrame {
    const audio = this.#spoken.get(kind);
    if (audio !== undefined) return new OutputAudioRawFrame({ audio, sampleRate: VOICE_SAMPLE_RATE });
    return recordedApology();
  }

  async #prepare(synthesize: Synthesize, signal: AbortSignal | undefined): Promise<void> {
    try {
      for (const kind of ["goodbye", "again"] as const) {
        if (this.#spoken.has(kind)) continue;
        const audio = await synthesize(this.texts[kind], signal);
        if (audio.length > 0) this.#spoken.set(kind, audio);
      }
    } catch {
      // The caller who hung up says nothing of the voice.
      if (!signal?.aborted) this.#failedAtMs = performance.now();
    }
  }
}
