// Interleaved PCM16 to mono.

/** Replaces `frames` interleaved sample frames at `pcm` by their mean, rounded half up; a mean cannot overflow. */
export function mixToMono(pcm: usize, frames: i32, channels: i32): void {
  let x = pcm;
  let y = pcm;
  if (channels == 2) {
    for (let i = 0; i < frames; i++, x += 4, y += 2) {
      store<i16>(y, <i16>((<i32>load<i16>(x) + <i32>load<i16>(x, 2) + 1) >> 1));
    }
    return;
  }
  for (let i = 0; i < frames; i++, y += 2) {
    let sum: i32 = 0;
    for (let c = 0; c < channels; c++, x += 2) sum += <i32>load<i16>(x);
    // Half up, also below zero: floor((2 · sum + channels) / (2 · channels)).
    const numerator = 2 * sum + channels;
    const denominator = 2 * channels;
    store<i16>(y, <i16>(numerator >= 0 ? numerator / denominator : -((denominator - 1 - numerator) / denominator)));
  }
}
