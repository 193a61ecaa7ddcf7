import type { Call, Utterance, UtteranceEnd } from "../../call/index.ts";
import { SAMPLE_RATES } from "../../codec/index.ts";
import { OutputAudioRawFrame, TTSStoppedFrame } from "../../pipecat/index.ts";
import type { BridgeCounters } from "./counters.ts";

/** A bot that says nothing for this long begins a new utterance when it goes on; not all protocols tell where one ends. */
const PAUSE_MS = 1_000;
/** With so much audio before the caller's ear the bot is not listened to, until half of it has been heard. */
const FULL_MS = 20_000;
const LOOK_AGAIN_MS = 500;
/** Pipecat sends two seconds of silence at its end, so that its audio is heard before the socket is closed. */
const END_SILENCE_MS = 1_000;
/** What a resampler or µ-law makes of silence stays below this. */
const SILENCE = 8;

const PLAYABLE: ReadonlySet<number> = new Set(SAMPLE_RATES);

export interface SpeechOptions {
  readonly call: Call;
  readonly counters: BridgeCounters;
  /** The playback of an utterance is over. */
  onHeard(end: UtteranceEnd): void;
  /** The bot is too far ahead, and is not too far ahead any more: its socket is to rest, and to go on. */
  onFull(full: boolean): void;
}

/** What a bot says, on its way to the caller: followed to the ear, and taken back when it is interrupted. */
export class Speech {
  readonly #options: SpeechOptions;
  #utterance: Utterance | undefined;
  #saidAtMs = Number.NEGATIVE_INFINITY;
  /** Until then, what comes is of an answer that was interrupted. */
  #staleUntilMs = Number.NEGATIVE_INFINITY;
  /** A long silence that may be the end of the bot, and when the caller comes to it. */
  #endSilence: { readonly frame: OutputAudioRawFrame; readonly fromMs: number } | undefined;
  #fullTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SpeechOptions) {
    this.#options = options;
  }

  /** Whether the caller is hearing the bot, or is about to. */
  get isHeard(): boolean {
    return this.#options.call.unheardMs > 0;
  }

  /** @param audio PCM16, channels interleaved; is kept */
  say(audio: Int16Array, sampleRate: number, numChannels: number): void {
    if (audio.length === 0) return;
    const { call, counters } = this.#options;
    if (!PLAYABLE.has(sampleRate)) {
      counters.unplayable_audio++;
      return;
    }
    const nowMs = performance.now();
    if (nowMs < this.#staleUntilMs) {
      counters.stale_audio++;
      return;
    }
    const format = { sampleRate, numChannels };
    const held = this.#endSilence;
    this.#endSilence = undefined;
    // What of it has passed by itself is not to pass again, before an answer that comes later.
    const rest = held && withoutBeginning(held.frame, nowMs - held.fromMs);
    if (rest !== undefined && rest.audio.length > 0) this.#send(rest, nowMs);
    const silence = silentEnd(audio, Math.ceil((END_SILENCE_MS * sampleRate) / 1_000), numChannels);
    const sound = audio.subarray(0, audio.length - silence.length);
    if (sound.length > 0) this.#send(new OutputAudioRawFrame({ audio: sound, ...format }), nowMs);
    if (silence.length > 0) {
      const frame = new OutputAudioRawFrame({ audio: silence, ...format });
      this.#endSilence = { frame, fromMs: nowMs + call.unheardMs };
    }
  }

  #send(frame: OutputAudioRawFrame, nowMs: number): void {
    const { call } = this.#options;
    if (nowMs - this.#saidAtMs > PAUSE_MS && call.unheardMs === 0) this.#utterance = undefined;
    this.#saidAtMs = nowMs;
    try {
      this.#utterance ??= this.#follow(call.beginUtterance());
    } catch {
      // The call is over, or nobody hears what is said.
    }
    call.send(frame).catch(() => undefined);
    if (this.#fullTimer === undefined && call.unheardMs > FULL_MS) {
      this.#options.onFull(true);
      this.#fullTimer = setTimeout(this.#lookAgain, LOOK_AGAIN_MS);
    }
  }

  #follow(utterance: Utterance): Utterance {
    void utterance.finished.then(this.#options.onHeard);
    return utterance;
  }

  readonly #lookAgain = (): void => {
    const { call, onFull } = this.#options;
    if (!call.signal.aborted && call.unheardMs > FULL_MS / 2) {
      this.#fullTimer = setTimeout(this.#lookAgain, LOOK_AGAIN_MS);
    } else {
      this.#fullTimer = undefined;
      onFull(false);
    }
  };

  /** What it was saying is complete. */
  stopped(): void {
    if (this.#utterance === undefined) return;
    this.#utterance = undefined;
    void this.#options.call.send(new TTSStoppedFrame());
  }

  /**
   * What the caller has not heard is dropped, here and at Wavix.
   *
   * @param staleMs for so long, what the bot still sends is of the old answer
   */
  interrupt(staleMs = 0): void {
    this.#staleUntilMs = performance.now() + staleMs;
    this.#endSilence = undefined;
    // Pipecat says so whenever the caller begins to speak, also when there is nothing to take back.
    if (this.isHeard) this.#options.call.interrupt();
    else this.stopped();
    this.#utterance = undefined;
  }

  /** What comes from now on is a new answer, however soon it comes. */
  fresh(): void {
    this.#staleUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** The bot is gone: what it said is heard to its end, without the silence that only waits for that. */
  end(): void {
    this.#endSilence = undefined;
    clearTimeout(this.#fullTimer);
    this.#fullTimer = undefined;
    this.stopped();
  }
}

/** What is left of it after so long. */
function withoutBeginning({ audio, sampleRate, numChannels }: OutputAudioRawFrame, ms: number): OutputAudioRawFrame {
  const passedFrames = Math.max(0, Math.round((ms * sampleRate) / 1_000));
  return new OutputAudioRawFrame({ audio: audio.subarray(passedFrames * numChannels), sampleRate, numChannels });
}

/** What is silent at the end of what was said, if it has so many frames or more. */
function silentEnd(audio: Int16Array, numFrames: number, numChannels: number): Int16Array {
  if (audio.length < numFrames * numChannels) return audio.subarray(audio.length);
  const soundFrames = Math.ceil((audio.findLastIndex((sample) => Math.abs(sample) > SILENCE) + 1) / numChannels);
  const silence = audio.subarray(soundFrames * numChannels);
  return silence.length < numFrames * numChannels ? audio.subarray(audio.length) : silence;
}
