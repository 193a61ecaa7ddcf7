import { PACKET_MS } from "./plan.ts";

/**
 * A second of everything that could tell two codecs apart: noise, a sweep up to the Nyquist frequency, a full-scale
 * square wave, silence. The same at every call.
 *
 * @param sampleRate in Hz
 */
export function testSignal(sampleRate: number): Int16Array {
  const signal = new Int16Array(sampleRate);
  let seed = 0x2545_f491;
  for (let i = 0; i < signal.length; i++) {
    const t = i / sampleRate;
    // xorshift32
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    if (t < 0.4) signal[i] = seed >> 16;
    else if (t < 0.7) signal[i] = Math.round(30_000 * Math.sin((Math.PI * sampleRate * (t - 0.4) ** 2) / 0.6));
    else if (t < 0.9) signal[i] = i % 42 < 21 ? 32_767 : -32_768;
  }
  return signal;
}

/**
 * A signal cut into packets of 20 ms; at 11025 and 22050 Hz, where that is not a whole number of samples, they differ by one.
 * The packets are views.
 */
export function packetsOf(signal: Int16Array, sampleRate: number): Int16Array[] {
  const perPacket = (sampleRate * PACKET_MS) / 1000;
  const count = Math.floor(signal.length / perPacket);
  return Array.from({ length: count }, (_, i) =>
    signal.subarray(Math.floor(i * perPacket), Math.floor((i + 1) * perPacket)),
  );
}
