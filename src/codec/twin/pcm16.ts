/** Replaces `frames` interleaved sample frames at index `pcm` by their mean, rounded half up; see assembly/pcm16.ts. */
export function mixToMono(samples: Int16Array, pcm: number, frames: number, channels: number): void {
  let x = pcm;
  if (channels === 2) {
    for (let i = 0; i < frames; i++, x += 2) samples[pcm + i] = (samples[x]! + samples[x + 1]! + 1) >> 1;
    return;
  }
  for (let i = 0; i < frames; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += samples[x++]!;
    samples[pcm + i] = Math.floor((2 * sum + channels) / (2 * channels));
  }
}
