/** The sample rates the codec converts between, in Hz. */
export const SAMPLE_RATES = [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000] as const;

/** Throws a RangeError unless `rate` is one of {@link SAMPLE_RATES}. */
export function assertSampleRate(name: string, rate: number): void {
  if (!(SAMPLE_RATES as readonly number[]).includes(rate)) {
    throw new RangeError(`${name} must be one of ${SAMPLE_RATES.join(", ")} Hz, got ${String(rate)}`);
  }
}

/** Samples in one packet of 20 ms; a RangeError for rates that have no whole number of them (11025 Hz). */
export function packetSampleCount(name: string, rate: number): number {
  assertSampleRate(name, rate);
  const samples = rate / 50;
  if (!Number.isInteger(samples)) {
    throw new RangeError(`${name} must have a whole number of samples in 20 ms, got ${rate} Hz`);
  }
  return samples;
}
