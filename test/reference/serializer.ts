/**
 * The slow, obvious way from audio to media messages: everything at once, one sample at a time, Node's own base64.
 * An oracle for the codec's writer and the serializer; wire audio only, no resampling.
 */

/** Channels mixed to one: the mean, rounded to the nearest, halves up. */
export function mixToMono(samples: ArrayLike<number>, numChannels: number): number[] {
  const mono: number[] = [];
  for (let i = 0; i + numChannels <= samples.length; i += numChannels) {
    let sum = 0;
    for (let channel = 0; channel < numChannels; channel++) sum += samples[i + channel] ?? 0;
    mono.push(Math.round(sum / numChannels));
  }
  return mono;
}

/** The samples that little-endian bytes mean; an odd byte at the end means none. */
export function samplesOf(bytes: Uint8Array): number[] {
  const samples: number[] = [];
  for (let i = 0; i + 2 <= bytes.length; i += 2) {
    const value = (bytes[i] ?? 0) + 256 * (bytes[i + 1] ?? 0);
    samples.push(value > 32_767 ? value - 65_536 : value);
  }
  return samples;
}

/** Whole packets of 20 ms as JSON text, and the samples that are left. */
export function cutIntoMessages(
  samples: readonly number[],
  sampleRate: number,
  streamId: string | undefined,
): { messages: string[]; rest: number[] } {
  const packetLength = sampleRate / 50;
  const messages: string[] = [];
  let rest = [...samples];
  while (rest.length >= packetLength) {
    const packet = rest.slice(0, packetLength);
    rest = rest.slice(packetLength);
    messages.push(messageOf(packet, streamId));
  }
  return { messages, rest };
}

/** One media message to Wavix. */
export function messageOf(packet: readonly number[], streamId: string | undefined): string {
  const bytes = Buffer.alloc(packet.length * 2);
  packet.forEach((sample, i) => {
    bytes.writeInt16LE(sample, i * 2);
  });
  const payload = bytes.toString("base64");
  return JSON.stringify({ event: "media", stream_id: streamId, media: { payload } });
}
