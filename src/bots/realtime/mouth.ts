import { type Call, CallError, type Utterance } from "../../call/index.ts";
import { type Frame, OutputAudioRawFrame, TTSStoppedFrame } from "../../pipecat/index.ts";
import { REALTIME_SAMPLE_RATE } from "./session.ts";

/** Something that is said: an item of the service's conversation, or a sound of the bot's own. */
export interface Speech {
  /** Undefined for a sound of the bot's own. */
  readonly itemId: string | undefined;
  /** What is said in it, as far as known. */
  transcript: string;
  /** How much of it came, in ms. */
  receivedMs: number;
  /** No more of it comes. */
  isComplete: boolean;
  /** Its end was lost with the session. */
  isCut: boolean;
}

export interface MouthOptions {
  readonly call: Call;
  /** Its first sound was heard, at this moment. */
  onFirstHeard(speech: Speech, atMs: number): void;
  /** It was heard to its end, or no more of it than so much will be. */
  onHeard(speech: Speech, heardMs: number, interrupted: boolean): void;
  onFailed(error: unknown): void;
}

/** Speech that waits here at most; what is longer is no answer on a telephone. 5.8 MB. */
const MAX_QUEUED_MS = 120_000;
/** When the first audio is asked whether it was heard: a mark goes out every 240 ms, and comes back. */
const FIRST_HEARD_AFTER_MS = 400;

interface Entry {
  readonly frame: Frame;
  readonly durationMs: number;
}

interface Followed {
  readonly speech: Speech;
  /** What of it waits here. */
  readonly queue: Entry[];
  /** All of it was sent. */
  isSent: boolean;
  utterance: Utterance | undefined;
  timer: NodeJS.Timeout | undefined;
  isFirstHeard: boolean;
}

/**
 * Speaks into a call, one stretch of speech after the other, and knows of each how much was heard. What comes faster than
 * the call takes it waits here, so that nobody has to be told to be slower.
 */
export class Mouth {
  readonly #options: MouthOptions;
  /** In the order in which they are said. */
  readonly #followed: Followed[] = [];
  #queuedMs = 0;
  #isPumping = false;

  constructor(options: MouthOptions) {
    this.#options = options;
  }

  /** Something is being said that the caller has not heard to its end. */
  get isSpeaking(): boolean {
    return this.#followed.length > 0 || this.#options.call.unheardMs > 0;
  }

  /** More of a stretch of speech. False: it is too long, this was dropped. */
  say(speech: Speech, audio: Uint8Array): boolean {
    return this.play(speech, new OutputAudioRawFrame({ audio, sampleRate: REALTIME_SAMPLE_RATE }));
  }

  /** The same at any rate. */
  play(speech: Speech, frame: OutputAudioRawFrame): boolean {
    const durationMs = (frame.numFrames * 1_000) / frame.sampleRate;
    if (frame.audio.length === 0) return true;
    if (this.#queuedMs + durationMs > MAX_QUEUED_MS) return false;
    speech.receivedMs += durationMs;
    this.#push(this.#follow(speech), frame, durationMs);
    return true;
  }

  /** No more of it comes. */
  complete(speech: Speech): void {
    speech.isComplete = true;
    const followed = this.#followed.find((one) => one.speech === speech);
    if (followed !== undefined) this.#push(followed, new TTSStoppedFrame(), 0);
  }

  /** Falls silent at once, and says of everything that was cut off how much was heard. */
  interrupt(): void {
    if (!this.isSpeaking) return;
    this.#queuedMs = 0;
    const cut = this.#followed.splice(0);
    this.#options.call.interrupt();
    for (const one of cut) this.#over(one, one.utterance?.heardMs ?? 0, true);
  }

  stop(): void {
    for (const { timer, queue } of this.#followed) {
      clearTimeout(timer);
      queue.length = 0;
    }
  }

  #follow(speech: Speech): Followed {
    const known = this.#followed.find((one) => one.speech === speech);
    if (known !== undefined) return known;
    const followed: Followed = {
      speech,
      queue: [],
      isSent: false,
      utterance: undefined,
      timer: undefined,
      isFirstHeard: false,
    };
    this.#followed.push(followed);
    return followed;
  }

  #push(speech: Followed, frame: Frame, durationMs: number): void {
    speech.queue.push({ frame, durationMs });
    this.#queuedMs += durationMs;
    if (!this.#isPumping) void this.#pump();
  }

  async #pump(): Promise<void> {
    const { call, onFailed } = this.#options;
    this.#isPumping = true;
    try {
      for (;;) {
        // A sound that comes in the middle of an answer waits for its end.
        const speech = this.#followed.find(({ isSent }) => !isSent);
        const entry = speech?.queue.shift();
        if (speech === undefined || entry === undefined) break;
        const { frame, durationMs } = entry;
        this.#queuedMs -= durationMs;
        if (frame instanceof TTSStoppedFrame) speech.isSent = true;
        if (speech.utterance === undefined) this.#begin(speech, call.beginUtterance());
        await call.send(frame);
      }
    } catch (error) {
      if (!(error instanceof CallError) || error.code !== "CALL_OVER") onFailed(error);
    } finally {
      this.#isPumping = false;
    }
  }

  #begin(followed: Followed, utterance: Utterance): void {
    followed.utterance = utterance;
    followed.timer = setTimeout(() => this.#firstHeard(followed, utterance.heardMs), FIRST_HEARD_AFTER_MS);
    void utterance.finished.then(({ heardMs, interrupted }) => {
      const index = this.#followed.indexOf(followed);
      if (index < 0) return;
      this.#followed.splice(index, 1);
      this.#over(followed, heardMs, interrupted);
    });
  }

  #firstHeard(followed: Followed, heardMs: number): void {
    if (followed.isFirstHeard || heardMs === 0) return;
    followed.isFirstHeard = true;
    this.#options.onFirstHeard(followed.speech, performance.now() - heardMs);
  }

  #over(followed: Followed, heardMs: number, interrupted: boolean): void {
    clearTimeout(followed.timer);
    this.#firstHeard(followed, heardMs);
    const { speech } = followed;
    const isCut = interrupted && !(speech.isComplete && heardMs >= speech.receivedMs);
    this.#options.onHeard(speech, heardMs, isCut);
  }
}
