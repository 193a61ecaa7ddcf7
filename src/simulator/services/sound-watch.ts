/** 10 ms of audio, judged. */
export interface SoundWindow {
  /** Where the window ends, in ms of the stream. */
  readonly atMs: number;
  /** Sound, for 30 ms at least: a click is none. */
  readonly sounds: boolean;
  /** Where the sound began; of use while `sounds`. */
  readonly onsetMs: number;
  /** How long ago the last sound was; from the start of the stream when there was none. */
  readonly silenceMs: number;
}

const WINDOWS_PER_SECOND = 100;
const SOUND_WINDOWS = 3;

/**
 * Tells sound from silence in little-endian PCM16, window by window. How the bytes are cut into messages does not matter,
 * not even in the middle of a sample.
 *
 * @example
 * const watch = new SoundWatch(16000, 300, ({ atMs, sounds }) => console.log(atMs, sounds));
 * watch.push(new Uint8Array(640)); // 10 false, 20 false
 */
export class SoundWatch {
  readonly #windowSamples: number;
  readonly #msPerSample: number;
  readonly #threshold: number;
  readonly #judge: (window: SoundWindow) => void;
  #lowByte = -1;
  #power = 0;
  #inWindow = 0;
  #sampleCount = 0;
  #loudWindows = 0;
  #lastSoundMs = 0;

  /** `threshold`: the root mean square, of 32768, from which a window is loud. */
  constructor(sampleRate: number, threshold: number, judge: (window: SoundWindow) => void) {
    this.#windowSamples = Math.round(sampleRate / WINDOWS_PER_SECOND);
    this.#msPerSample = 1000 / sampleRate;
    this.#threshold = threshold;
    this.#judge = judge;
  }

  /** How much audio came, in ms. */
  get heardMs(): number {
    return this.#sampleCount * this.#msPerSample;
  }

  push(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.#lowByte < 0) {
        this.#lowByte = byte;
        continue;
      }
      const sample = ((byte << 24) >> 16) | this.#lowByte;
      this.#lowByte = -1;
      this.#power += sample * sample;
      this.#sampleCount += 1;
      if (++this.#inWindow === this.#windowSamples) this.#endWindow();
    }
  }

  #endWindow(): void {
    const loud = Math.sqrt(this.#power / this.#windowSamples) >= this.#threshold;
    this.#loudWindows = loud ? this.#loudWindows + 1 : 0;
    this.#power = 0;
    this.#inWindow = 0;
    const atMs = this.heardMs;
    const sounds = this.#loudWindows >= SOUND_WINDOWS;
    if (sounds) this.#lastSoundMs = atMs;
    const onsetMs = atMs - this.#loudWindows * this.#windowSamples * this.#msPerSample;
    this.#judge({ atMs, sounds, onsetMs, silenceMs: atMs - this.#lastSoundMs });
  }
}
