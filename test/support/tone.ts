/** Sound (a tone, loud as speech) and silence in turn, in ms, beginning with sound, as PCM16. */
export function soundAndSilence(sampleRate: number, ...partsMs: number[]): Int16Array {
  const lengths = partsMs.map((ms) => Math.round((ms * sampleRate) / 1000));
  const audio = new Int16Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  lengths.forEach((length, part) => {
    for (let i = 0; i < length; i++, at++) {
      if (part % 2 === 0) audio[at] = Math.round(8000 * Math.sin((2 * Math.PI * 440 * at) / sampleRate));
    }
  });
  return audio;
}

/** The same as bytes, as a socket takes it. */
export function bytesOf(audio: Int16Array): Uint8Array {
  return new Uint8Array(audio.buffer, audio.byteOffset, audio.byteLength);
}
